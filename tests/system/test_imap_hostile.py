# SPDX-License-Identifier: BSD-3-Clause
"""Clients of IMAP that want too much at once: bounds hold, each refusal says why, and others are served meanwhile."""

import os
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from lab.imap import served
from lab.imap.wire import Closed, Connection, ImapError, opened

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
MESSAGE = "Subject: one\r\n\r\n" + "text of a message\r\n" * 2000
GIGABYTES = (4 << 30) + 5
PATIENCE = 20       # seconds that another's command may take beside them, on a machine that does much else too


@pytest.fixture(scope="module")
def engine(shared_bench):
    made = shared_bench(changes=served.CHANGES)
    connection = opened(served.server_of(made))
    connection.command(f"APPEND INBOX {{{len(MESSAGE)}+}}\r\n{MESSAGE}")
    connection.close()
    return made


@contextmanager
def served_beside(engine):
    """Another client reads its mailbox again and again while the block runs; how long its longest command took comes back in a list."""
    longest, ended, failed = [0], threading.Event(), []

    def read():
        try:
            connection = opened(served.server_of(engine))
            connection.command("SELECT INBOX")
            while not ended.is_set():
                began = time.monotonic()
                connection.command("FETCH 1 (FLAGS BODY.PEEK[HEADER])")
                longest[0] = max(longest[0], time.monotonic() - began)
            connection.close()
        except (ImapError, OSError) as fault:
            failed.append(fault)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield longest
    finally:
        ended.set()
        reader.join()
    assert not failed, failed
    assert 0 < longest[0] < PATIENCE


def raw(engine):
    """A connection that is greeted and logged in; its socket."""
    connection = opened(served.server_of(engine))
    return connection.socket


def count_of(request, short, whole):
    return whole if request.config.getoption("--long") else short


def test_many_commands_at_once(engine, request):
    """So many commands in one go, and nothing read meanwhile: each is answered, in order."""
    count = count_of(request, 5000, 100000)
    with served_beside(engine):
        mine = raw(engine)
        said = b"".join(b"n%d NOOP\r\n" % n for n in range(count))
        sender = threading.Thread(target=mine.sendall, args=(said,))
        mine.settimeout(300)
        sender.start()
        with mine.makefile("rb") as stream:
            for n in range(count):
                assert stream.readline().startswith(b"n%d OK " % n)
        sender.join()
        mine.close()


@pytest.mark.parametrize("command,refusal", [
    ("APPEND INBOX {%d}", b"x NO [TOOBIG] "),
    ("LOGIN {%d}", b"x NO [TOOBIG] "),
    ("SEARCH SUBJECT {%d}", b"x NO [TOOBIG] "),
    ("UID FETCH 1 BODY[HEADER.FIELDS ({%d}", b"x NO [TOOBIG] "),
])
def test_large_literals(engine, command, refusal):
    """What is announced too large is refused before any of it is taken; the connection goes on."""
    mine = raw(engine)
    mine.sendall(f"x {command % GIGABYTES}\r\n".encode())
    with mine.makefile("rb") as stream:
        assert stream.readline().startswith(refusal)
        mine.sendall(b"y NOOP\r\n")
        assert stream.readline().startswith(b"y OK ")
    mine.close()


def resident(engine):
    """Bytes of memory that the engine has."""
    pages = Path(f"/proc/{engine.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_large_literals_that_do_not_wait(engine, request):
    """LITERAL+: the octets come at once. They are passed over as they come, and nothing of them is kept."""
    piece, count = b"a" * 65536, count_of(request, 500, 10000)
    with served_beside(engine):
        mine = raw(engine)
        before = resident(engine)
        mine.sendall(b"x SEARCH SUBJECT {%d+}\r\n" % GIGABYTES)
        for _ in range(count):
            mine.sendall(piece)
        assert resident(engine) < before + (16 << 20)
        mine.close()


def test_many_sessions(engine, request):
    """More connections than an address may have: those beyond are told why, the others stay and are served."""
    count = count_of(request, 150, 1000)
    most = 100
    engine.settings["limits"]["address"]["connections"] = most
    engine.write()
    engine.ctl("reload")
    server = served.server_of(engine)
    with ExitStack() as stack:
        told = []
        for _ in range(count):
            made = stack.enter_context(server.socket())
            with made.makefile("rb") as stream:
                told.append(stream.readline())
        assert [line.startswith(b"* OK") for line in told] == [True] * most + [False] * (count - most)
        assert set(told[most:]) == {b"* BYE [LIMIT] too many connections from your address\r\n"}
    engine.settings["limits"]["address"]["connections"] = "none"
    engine.write()
    engine.ctl("reload")
    opened(server).close()


def test_one_that_never_reads(engine, request):
    """It asks for its message again and again and takes nothing: it waits, and is closed when it goes; memory is given back."""
    count = count_of(request, 2000, 20000)
    with served_beside(engine):
        mine = raw(engine)
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        mine.settimeout(3)
        mine.sendall(b"s SELECT INBOX\r\n")
        try:
            for _ in range(count):
                mine.sendall(b"f FETCH 1 (BODY.PEEK[])\r\n")
        except socket.timeout:
            pass
        time.sleep(1)
        mine.close()


def test_nothing_is_left(engine):
    """Behind all of that sessions and their memory are gone."""
    def gone():
        return engine.ask("status")["sessions"] == 0

    deadline = time.monotonic() + 20
    while not gone() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert gone()
    with pytest.raises((Closed, ImapError, OSError)):
        broken = Connection(served.server_of(engine))
        broken.socket.sendall(b"\0" * 100000)
        broken.command("NOOP")
        broken.command("NOOP")
