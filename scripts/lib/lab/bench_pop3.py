# SPDX-License-Identifier: BSD-3-Clause
"""The row pop3: 4 KB messages retrieved, a hundred a session, beside Dovecot with Maildirs."""

from lab import machine
from lab.bench_accept import cycles_of
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.dovecot import PROGRAM, Dovecot, text
from lab.engine import DOMAIN, PASSWORD, crypt
from lab.measured import MEMIF, VETH, blast, engine_on, failures, watched
from lab.namespaces import ENGINE_IPV4, Namespaces

MAILBOXES = 50      # more than sessions, since a mailbox is open in one at a time
SESSIONS = 20
EACH = 100          # messages in a mailbox
PAYLOAD = 4096
USERS = [f"user{number}" for number in range(1, MAILBOXES + 1)]
RECIPIENTS = ("--rcpt", f"user{{1-{MAILBOXES}}}@{DOMAIN}")
TARGET = f"{ENGINE_IPV4}:110"
RETRIEVED = "pop3_retrieved_total"
UNIT = "messages/s"


def load(effort):
    logins = effort.pick(10, 0, 0)
    return ("--work", "pop3", "--sessions", SESSIONS, *RECIPIENTS,
            *(("--logins", logins) if logins else ("--seconds", effort.pick(0, 3, 6))))


def each(effort):
    return effort.pick(4, EACH, EACH)


def retrieved(told):
    """Fails unless each session got all that its mailbox holds."""
    count = told["counts"]["messages_retrieved"]
    if failures(told) or told["errors"]:
        raise AssertionError(f"not all went well: {failures(told)}, errors: {told['errors']}")
    return count


def ours(path, per_core):
    """The mailboxes are filled by SMTP, without waiting for the disk, then read."""
    def measure(effort):
        with engine_on(path, effort, {"store": {"sync": False}}) as engine:
            namespace, port = engine.client()
            filled = blast(namespace, port, "--size", PAYLOAD, "--messages", MAILBOXES * each(effort), "--sessions", 64, "--reuse", 50,
                           *RECIPIENTS)
            if failures(filled):
                raise AssertionError(f"the mailboxes were not filled: {failures(filled)}")
            told, phase = watched(engine, *load(effort), "--password-file", engine.password_file, target=TARGET,
                                  counter=RETRIEVED, total=retrieved)
        value, figures = cycles_of(phase, RETRIEVED)
        return Sample(value if per_core else told["messages_per_second"],
                      {"messages": retrieved(told), "sessions/s": told["sessions_per_second"], **figures}, phase.cores())
    return measure


def message(number):
    """A text of the length that ours are of; lines end as they do in a Maildir."""
    head = f"From: <sender@client.test>\nTo: <somebody@{DOMAIN}>\nSubject: number {number}\n\n"
    line = "The quick brown fox jumps over the lazy dog, and so it goes on and on, line after line.\n"
    return (head + line * (PAYLOAD // len(line) + 1)).encode()[:PAYLOAD - 1] + b"\n"


def beside(effort):
    with Namespaces() as namespaces, Dovecot(namespaces, SESSIONS, USERS, crypt(PASSWORD)) as server:
        port = namespaces.kernel_serves()
        server.fill([message(number) for number in range(each(effort))])
        server.start()
        password = server.directory / "password"
        password.write_text(PASSWORD + "\n")
        # Once over all mailboxes first: their indexes are made, the passwords are known.
        blast(namespaces.client, port, "--work", "pop3", "--logins", MAILBOXES, "--sessions", SESSIONS, *RECIPIENTS,
              "--password-file", password, target=TARGET)
        used = machine.cpu_seconds(server.pid)
        told = blast(namespaces.client, port, *load(effort), "--password-file", password, target=TARGET)
        used = machine.cpu_seconds(server.pid) - used
    return Sample(told["messages_per_second"], {"messages": retrieved(told), "sessions/s": told["sessions_per_second"]},
                  {PROGRAM: used / told["seconds"], "blast": told["cpu_seconds"] / told["run_seconds"]})


ROW = Row("pop3", f"4 KB messages retrieved, {EACH} a session", (
    Side(OURS, f"blast over veth to run (af_packet), {SESSIONS} sessions, {MAILBOXES} mailboxes on the disk; by the clock", UNIT,
         ours(VETH, per_core=False)),
    Side(BESIDE, "blast over veth to Dovecot on the kernel's TCP, Maildirs on the same disk; by the clock", UNIT, beside,
         needs=(PROGRAM,), configuration=lambda: text("DIR", SESSIONS)),
    Side("ours, memif", "blast over memif to run; worth of the worker's busy cycles, the threads that read the store not among them",
         f"{UNIT} and core", ours(MEMIF, per_core=True), smoke=False),
), ("both are asked by the same client over the same path; the messages are in the page cache",))
