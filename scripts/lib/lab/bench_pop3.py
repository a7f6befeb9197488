# SPDX-License-Identifier: BSD-3-Clause
"""The row pop3: 4 KB messages retrieved and compared, a hundred a session, beside Dovecot with the same messages in Maildirs."""

import functools
import tempfile
from pathlib import Path

from lab import machine
from lab.bench_row import BESIDE, OURS, SAME_BESIDE, SAME_OURS, Row, Sample, Side
from lab.dovecot import PROGRAM, Dovecot, text
from lab.engine import DOMAIN, PASSWORD, crypt
from lab.measured import MEMIF, VETH, blast, engine_on, failures, watched
from lab.namespaces import ENGINE_IPV4, Namespaces

MAILBOXES = 50      # more than sessions, since a mailbox is open in one at a time
SESSIONS = 20
EACH = 100          # messages in a mailbox
USERS = [f"user{number}" for number in range(1, MAILBOXES + 1)]
# What is sent, and what each message that is retrieved is compared with.
MESSAGES = ("--size", 4096, "--seed", 5, "--rcpt", f"user{{1-{MAILBOXES}}}@{DOMAIN}")
TARGET = f"{ENGINE_IPV4}:110"
RETRIEVED = "pop3_retrieved_total"
UNIT = "messages/s"
CLOCK = "a second by the clock"
CORE = "messages/s and core"


def load(effort, password):
    logins = effort.pick(10, 0, 0)
    return ("--work", "pop3", "--verify", "--password-file", password, "--sessions", SESSIONS, *MESSAGES,
            *(("--logins", logins) if logins else ("--seconds", effort.pick(0, 3, 6))))


def each(effort):
    return effort.pick(4, EACH, EACH)


def retrieved(told):
    """Fails unless each session got all that its mailbox holds, byte for byte."""
    counts = told["counts"]
    if failures(told) or told["errors"] or counts["messages_differing"] or counts["messages_same"] != counts["messages_retrieved"]:
        raise AssertionError(f"not all went well: {failures(told)}, errors: {told['errors']}, counts: {counts}")
    return counts["messages_retrieved"]


def fill(engine, effort):
    """By SMTP, without waiting for the disk; then every mailbox is read back: each message is there, once, and as it was sent."""
    namespace, port = engine.client()
    told = blast(namespace, port, *MESSAGES, "--messages", MAILBOXES * each(effort), "--sessions", 64, "--reuse", 50,
                 "--verify", "--password-file", engine.password_file)
    if failures(told) or not told["verified"]["ok"]:
        raise AssertionError(f"the mailboxes were not filled: {failures(told)}, {told['verified']}")


def filled(path, effort):
    return engine_on(path, effort, {"store": {"sync": False}})


def worth(count, seconds, cpu, figures):
    """Messages by the seconds of CPU that they cost, all processes and threads of the server counted."""
    return count / cpu, {"CPU us a message": cpu / count * 1e6, CLOCK: count / seconds, **figures}


def ours(path):
    def measure(effort):
        with filled(path, effort) as engine:
            fill(engine, effort)
            told, phase = watched(engine, *load(effort, engine.password_file), target=TARGET, counter=RETRIEVED, total=retrieved)
        count = phase.grown(RETRIEVED)
        if not count:
            raise AssertionError("the load was over before anybody looked")
        worker = phase.grown("cycles_busy_total") / phase.hertz
        control = phase.grown("control_seconds")
        value, figures = worth(count, phase.seconds, worker + control, {
            "worker us a message": worker / count * 1e6, "control us a message": control / count * 1e6,
            "worker cycles a message": phase.grown("cycles_busy_total") / count,
            "read ahead %": 100 * phase.grown("pop3_ahead_total") / count,
            "messages": retrieved(told), "sessions/s": told["sessions_per_second"]})
        return Sample(value, figures, phase.cores())
    return measure


@functools.cache
def maildirs(effort):
    """What our store has of the same messages, as Maildirs: the peer serves the same bytes."""
    folder = tempfile.TemporaryDirectory(prefix="wirepost-bench-mail-")
    with filled(VETH, effort) as engine:
        fill(engine, effort)
        for user in USERS:
            engine.ctl("export", f"{user}@{DOMAIN}", Path(folder.name) / user)
    return folder


def beside(effort):
    with Namespaces() as namespaces, Dovecot(namespaces, SESSIONS, USERS, crypt(PASSWORD)) as server:
        port = namespaces.kernel_serves()
        server.fill(Path(maildirs(effort).name))
        server.start()
        password = server.directory / "password"
        password.write_text(PASSWORD + "\n")
        # Once over all mailboxes first: their indexes are made, the passwords are known.
        blast(namespaces.client, port, "--work", "pop3", "--logins", MAILBOXES, "--sessions", SESSIONS, *MESSAGES,
              "--password-file", password, target=TARGET)
        used = machine.cpu_seconds(server.pid)
        told = blast(namespaces.client, port, *load(effort, password), target=TARGET)
        used = machine.cpu_seconds(server.pid) - used
    value, figures = worth(retrieved(told), told["seconds"], used,
                           {"messages": retrieved(told), "sessions/s": told["sessions_per_second"]})
    return Sample(value, figures, {PROGRAM: used / told["seconds"], "blast": told["cpu_seconds"] / told["run_seconds"]})


class Kept:
    """A side that remembers its last run, for the side that tells the same run by the clock."""

    def __init__(self, measure):
        self.measure = measure
        self.last = None

    def __call__(self, effort):
        self.last = self.measure(effort)
        return self.last

    def by_clock(self, _effort):
        return Sample(self.last.figures[CLOCK], {}, self.last.cores)


MINE, THEIRS = Kept(ours(VETH)), Kept(beside)

ROW = Row("pop3", f"4 KB messages retrieved, {EACH} a session", (
    Side(OURS, f"blast over veth to run (af_packet), {SESSIONS} sessions, {MAILBOXES} mailboxes on the disk; by the CPU time of the worker's busy "
         "cycles and of all control threads", CORE, MINE),
    Side(BESIDE, "blast over veth to Dovecot on the kernel's TCP, the same messages in Maildirs on the same disk; by the CPU time of its processes", CORE,
         THEIRS, needs=(PROGRAM,), configuration=lambda: text("DIR", SESSIONS)),
    Side(SAME_OURS, "the same runs, by the clock", UNIT, MINE.by_clock),
    Side(SAME_BESIDE, "the same runs, by the clock", UNIT, THEIRS.by_clock, needs=(PROGRAM,)),
    Side("ours, memif", "blast over memif to run; by CPU time as above", CORE, ours(MEMIF), smoke=False),
), ("both are asked by the same client over the same path, which compares every byte of every message with what was sent",
    "CPU time leaves the client out, on both sides; by the clock ours shares one of two CPUs with the client, Dovecot has both",
    "what is asked for lies in the page cache, and with us in the store's cache, as far as that goes (64 MiB)"))
