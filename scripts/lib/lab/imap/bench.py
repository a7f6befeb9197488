# SPDX-License-Identifier: BSD-3-Clause
"""
Measures an IMAP server with tests/imap/load/imap_load.c: commands a second, percentiles of their times, how long a session
that idles waits for the word of a new message, and what both sides' processors had to do.

    python3 -m lab.imap bench                       # a Dovecot of our own on loopback
    python3 -m lab.imap bench --host H --user load%u@example.test ...
"""

import json
import os

from lab import ROOT, machine
from lab.commands import run
from lab.engine import DOMAIN, PASSWORD, crypt
from lab.imap import served
from lab.imap.wire import Connection, Server, literal, quoted

BOX, SINK = "load", "load-sink"
MESSAGES = 200
SIZE = 4096     # of a message
# Work, sessions: what a user's program does, alone and many at once.
WORKS = (("noop", 8), ("open", 8), ("headers", 8), ("envelope", 8), ("body", 8), ("store", 8), ("append", 8), ("search", 8),
         ("noop", 1), ("headers", 1), ("store", 1), ("idle", 50))
SHARED = ("idle",)      # all sessions are one user's


def program():
    return ROOT / "build/tests/imap/load/imap_load"


def message(number):
    head = (f"From: Sender {number} <sender{number}@example.test>\r\nTo: load@example.test\r\nSubject: number {number}\r\n"
            f"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{number}@load.test>\r\n\r\n")
    line = "what a message says, again and again, until it is long enough 12345678\r\n"
    return head + line * ((SIZE - len(head)) // len(line))


def fill(server, users):
    """Each user's two mailboxes, made anew."""
    for number in range(1, users + 1):
        with Connection(server) as connection:
            connection.greeting()
            connection.login(server.user.replace("%u", str(number)))
            for name in (BOX, SINK):
                connection.command(f"DELETE {quoted(name)}", expect=None)
                connection.command(f"CREATE {quoted(name)}")
            for at in range(MESSAGES):
                flags = "\\Seen" if at % 3 else ""
                connection.command(f"APPEND {BOX} ({flags}) {literal(message(at), connection.has('LITERAL+'))}")
            connection.command(f"SELECT {BOX}")
            connection.command("FETCH 1:* (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")    # what a server keeps of messages is there


def measure(server, work, sessions, seconds, users, wrapper=(), pid=None):
    """What imap_load tells, with the CPU seconds of the server's processes where its pid is known."""
    users = 1 if work in SHARED else users
    before = machine.cpu_seconds(pid) if pid else 0
    done = run(*wrapper, program(), server.host, server.port, server.user, server.password, users, sessions, work, seconds, SIZE, timeout=seconds + 60)
    told = json.loads(done.stdout)
    if pid:
        told["server_cpu_seconds"] = machine.cpu_seconds(pid) - before
    if told["refused"]:
        raise AssertionError(f"{work}: {told['refused']} commands were refused: {done.stderr.decode()}")
    return told


def line(told):
    share = told["client_cpu_seconds"] / told["seconds"]
    server = told.get("server_cpu_seconds")
    count = told["woken"] if told["work"] == "idle" else told["commands"]
    cost = f"{server / count * 1e6:8.1f} us of the server's CPU each" if server and count else ""
    return (f"{told['work']:9} {told['sessions']:3} sessions {count / told['seconds']:9.0f}/s  p50 {told['p50_us']:6} p90 {told['p90_us']:6} "
            f"p99 {told['p99_us']:6} us  client's CPU {share:4.0%} {cost}")


def tell(server, seconds, users, wrapper=(), pid=None, works=WORKS):
    """All works in turn, a line each."""
    fill(server, users)
    rows = []
    for work, sessions in works:
        rows.append(measure(server, work, sessions, seconds, users, wrapper, pid))
        print(line(rows[-1]), flush=True)
    print(f"{len(os.sched_getaffinity(0))} CPUs for both sides; messages of {SIZE} bytes, {MESSAGES} in a mailbox, {users} users")
    return rows


def changes(users):
    """The settings of an engine that is measured: IMAP, and an account for each user."""
    password = crypt(PASSWORD)
    names = [*(f"load{number}" for number in range(1, users + 1)), "postmaster", "abuse"]
    accounts = [{"address": f"{name}@{DOMAIN}", "password": password} for name in names]
    return {**served.CHANGES, "accounts": accounts}


def of_engine(engine):
    """The server, and the words in front of the client's command."""
    made = served.server_of(engine)
    made.user = f"load%u@{DOMAIN}"
    return made, engine.namespaces.command()


def of_dovecot(dovecot):
    made = dovecot.server
    return Server(made.host, made.port, "load%u@imap.test", made.password, names=made.names)
