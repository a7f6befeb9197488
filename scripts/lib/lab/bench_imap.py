# SPDX-License-Identifier: BSD-3-Clause
"""The row imap: commands answered, each kind on its own, and how long an idle session takes to hear, beside Dovecot with the same messages."""

import statistics
import time

from lab import machine, meter
from lab.bench_pop3 import Kept
from lab.bench_row import BESIDE, OURS, SAME_BESIDE, SAME_OURS, Row, Sample, Side
from lab.dovecot import PROGRAM, Dovecot, text
from lab.engine import DOMAIN, PASSWORD, crypt
from lab.measured import MEMIF, TOLD, VETH, blast, engine_on, failures
from lab.namespaces import ENGINE_IPV4, Namespaces

MAILBOXES = 50
SESSIONS = 20
EACH = 100  # messages in a mailbox at the beginning
WATCHED = 8  # mailboxes in which somebody idles while another appends
USERS = [f"user{number}" for number in range(1, MAILBOXES + 1)]
RCPT = ("--rcpt", f"user{{1-{MAILBOXES}}}@{DOMAIN}")
MESSAGES = ("--size", 4096, "--seed", 5)
TARGET = f"{ENGINE_IPV4}:143"
UNIT = "commands/s"
CORE = "commands/s and core"
# What a load's sessions say, and what is counted of it.
KINDS = {
    "session": (("--mix", "envelope=1", "--commands", 1), "sessions_done"),
    "read": (("--mix", "read=1", "--commands", 100), "commands"),
    "store": (("--mix", "store=1", "--commands", 400), "commands"),
    "append": (("--mix", "append=1", "--commands", 100), "commands"),
    "search": (("--mix", "search=1", "--commands", 400), "commands"),
}
WHAT = {
    "session": "login, SELECT, FETCH of 50 envelopes, LOGOUT",
    "read": "FETCH of 20 messages of 4 KB, compared",
    "store": "STORE of a flag",
    "append": "APPEND of 4 KB",
    "search": "SEARCH",
}
WAKE = "wake p50 us"
TICK = 0.01  # of the CPU time of processes


def each(effort):
    return effort.pick(10, EACH, EACH)


def run(client, password, effort, *words, sessions=SESSIONS, rcpt=RCPT):
    """A load, of which nothing may fail."""
    namespace, port = client
    told = blast(namespace, port, "--work", "imap", "--password-file", password, *rcpt, *MESSAGES, "--sessions", sessions, *words, target=TARGET)
    if failures(told) or told["errors"] or any(told["counts"][name] for name in ("messages_differing", "headers_differing", "answers_wrong")):
        raise AssertionError(f"not all went well: {failures(told)}, errors: {told['errors']}, counts: {told['counts']}")
    return told


def fill(client, password, effort):
    """By APPEND, the same messages on either side; a first look makes Dovecot's caches, and ours."""
    run(client, password, effort, "--mix", "append=1", "--commands", each(effort), "--logins", MAILBOXES)
    run(client, password, effort, "--mix", "envelope=1,search=4,read=1", "--commands", 12, "--logins", MAILBOXES, "--fetch", each(effort))


def length(effort):
    return ("--logins", MAILBOXES // 10) if not effort else ("--seconds", effort.pick(0, 1, 2))


def measure(client, password, effort, used):
    """Each kind in turn: commands by the seconds of CPU time that they cost, and by the clock. `used` tells CPU seconds by process."""
    figures, cores, seconds = {}, {}, 0
    for kind, (words, counter) in KINDS.items():
        before = used()
        told = run(client, password, effort, *words, *length(effort), *(("--verify",) if kind == "read" and not effort else ()))
        spent = {name: now - before[name] for name, now in used().items()}
        figures[kind] = told["counts"][counter] / max(sum(spent.values()), TICK)
        figures[f"{kind} by the clock"] = told["counts"][counter] / told["seconds"]
        for name, value in (spent | {"blast": told["cpu_seconds"]}).items():
            cores[name] = cores.get(name, 0) + value
        seconds += told["seconds"]
    told = run(client, password, effort, "--mix", "append=1", "--commands", 1000000, "--watchers", WATCHED, "--seconds", effort.pick(1, 1, 2),
               sessions=2 * WATCHED, rcpt=("--rcpt", f"user{{1-{WATCHED}}}@{DOMAIN}"))
    for name in "wake", "notice":
        for quantile in "p50", "p99":
            figures[f"{name} {quantile} us"] = told["latency_us"][name][quantile]
    return Sample(statistics.geometric_mean(figures[kind] for kind in KINDS), figures, {name: value / seconds for name, value in cores.items()})


def ours(path):
    def side(effort):
        changes = {"store": {"sync": False}, "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 143, "protocol": "imap"}],
                   "imap": {"allow_cleartext": True}}
        with engine_on(path, effort, changes) as engine:
            def used():
                time.sleep(TOLD)
                numbers = meter.metrics(engine.namespaces.engine)
                hertz = machine.counter_hertz() or 1e9
                return {"worker": numbers["cycles_busy_total"] / hertz, "control": machine.control_seconds(engine.process.pid)}
            fill(engine.client(), engine.password_file, effort)
            return measure(engine.client(), engine.password_file, effort, used)
    return side


def beside(effort):
    with Namespaces() as namespaces, Dovecot(namespaces, 2 * SESSIONS, USERS, crypt(PASSWORD), "imap") as server:
        client = (namespaces.client, namespaces.kernel_serves())
        server.start()
        password = server.directory / "password"
        password.write_text(PASSWORD + "\n")
        fill(client, password, effort)
        return measure(client, password, effort, lambda: {PROGRAM: machine.cpu_seconds(server.pid)})


def by_clock(kept):
    def side(_effort):
        figures = kept.last.figures
        return Sample(statistics.geometric_mean(figures[f"{kind} by the clock"] for kind in KINDS), {}, kept.last.cores)
    return side


def one(kept, figure):
    return lambda _effort: Sample(kept.last.figures[figure])


MINE, THEIRS = Kept(ours(VETH)), Kept(beside)


def of_kinds():
    """A side for each figure of the two that were measured, and which two belong together."""
    for figure, what, unit in (*((kind, WHAT[kind], CORE) for kind in KINDS), (WAKE, "APPEND's last octet to EXISTS in a session that idles", "us")):
        for name, kept in ((OURS, MINE), (BESIDE, THEIRS)):
            yield Side(f"{name}, {figure}", f"the same runs: {what}", unit, one(kept, figure), needs=(PROGRAM,) if kept is THEIRS else (), smoke=False)


ROW = Row("imap", f"IMAP commands: the geometric mean of {', '.join(KINDS)}", (
    Side(OURS, f"blast over veth to run (af_packet), {SESSIONS} sessions, {MAILBOXES} mailboxes on the disk; by the CPU time of the worker's busy cycles and "
         "of all control threads", CORE, MINE),
    Side(BESIDE, "blast over veth to Dovecot on the kernel's TCP, the same messages on the same disk; by the CPU time of its processes", CORE, THEIRS,
         needs=(PROGRAM,), configuration=lambda: text("DIR", 2 * SESSIONS, "imap")),
    Side(SAME_OURS, "the same runs, by the clock", UNIT, by_clock(MINE)),
    Side(SAME_BESIDE, "the same runs, by the clock", UNIT, by_clock(THEIRS), needs=(PROGRAM,)),
    *of_kinds(),
    Side("ours, memif", "blast over memif to run; by CPU time as above", CORE, ours(MEMIF), smoke=False),
), ("both are asked by the same client over the same path; neither waits for the disk",
    "CPU time leaves the client out, on both sides; by the clock ours shares one of two CPUs with the client, Dovecot has both",
    "of " + "; of ".join(f"{kind}: {what}" for kind, what in WHAT.items())),
    lines=tuple((kind, f"{OURS}, {kind}", f"{BESIDE}, {kind}") for kind in (*KINDS, WAKE)))
