# SPDX-License-Identifier: BSD-3-Clause
"""Large things over IMAP: a mailbox of a million messages while others are served by the same thread, and a message of 100 MB."""

import base64
import hashlib
import imaplib
import random
import threading
import time

import pytest
from lab.engine import DOMAIN, PASSWORD, merged
from lab.imap import served
from lab.imap.wire import opened
from lab.namespaces import ENGINE_IPV4, inside

pytestmark = [pytest.mark.long, pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")]
MESSAGE = "From: a@b.test\r\nSubject: one of a million\r\n\r\ntext\r\n"
MESSAGES = 1_000_000
AT_ONCE = 20_000    # of one COPY
PATIENCE_S = 900    # with one command


class Others:
    """Another account, whose commands are answered one after the other all the time; how long each took."""

    COMMANDS = ("NOOP", "FETCH 1 (FLAGS BODY.PEEK[])", "STATUS INBOX (MESSAGES)")

    def __init__(self, server):
        self.times, self._server, self._over = [], server, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with opened(self._server, name="B") as connection:
            connection.command(f"APPEND INBOX {{{len(MESSAGE)}+}}\r\n{MESSAGE}")
            connection.command("SELECT INBOX")
            while not self._over.is_set():
                begun = time.monotonic()
                connection.command(self.COMMANDS[len(self.times) % len(self.COMMANDS)])
                self.times.append(time.monotonic() - begun)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        self._thread.join()


def fill(connection, mailbox, count):
    connection.command(f"CREATE {mailbox}")
    connection.command(f"APPEND {mailbox} {{{len(MESSAGE)}+}}\r\n{MESSAGE}")
    connection.command(f"SELECT {mailbox}")
    there = 1
    while there < count:
        some = min(there, AT_ONCE, count - there)
        connection.command(f"COPY 1:{some} {mailbox}")
        there += some
    connection.command("UNSELECT")


def test_others_are_served_beside_a_million_messages(make_engine):
    changes = merged(served.CHANGES, {"imap": {"threads": 1, "idle_timeout": "2h"}, "store": {"quota": "none"}})
    engine = make_engine(workers=1, changes=changes)
    with opened(served.server_of(engine), name="A") as large:
        large.socket.settimeout(PATIENCE_S)
        fill(large, "large", MESSAGES)
        with Others(served.server_of(engine, "bob")) as others:
            for command, answered in (("SELECT large", 20), ("STORE 1:* +FLAGS.SILENT (\\Flagged word)", 50), ("SEARCH RETURN (COUNT) FLAGGED", 5),
                                      ("SEARCH RETURN (COUNT) SINCE 1-Jan-2020 UNSEEN", 5), ("FETCH 1:50000 FLAGS", 5),
                                      ("STORE 1:999000 +FLAGS.SILENT (\\Deleted)", 50), ("CLOSE", 50)):
                before, begun = len(others.times), time.monotonic()
                large.command(command)
                took, meanwhile = time.monotonic() - begun, others.times[before:]
                print(f"{command}: {took:.1f} s, {len(meanwhile)} commands of another meanwhile, {max(meanwhile, default=0) * 1e3:.0f} ms at most")
                assert len(meanwhile) >= answered, f"{command} made others wait"
        found, _ = large.command("STATUS large (MESSAGES)")
        assert "1000" in str(found[0].words)


def resident(engine):
    """MiB of the engine's memory."""
    with open(f"/proc/{engine.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def body_of(session, what):
    """SHA-256 and length of the one literal of a FETCH."""
    data = session.fetch("1", f"({what})")[1][0][1]
    return hashlib.sha256(data).hexdigest(), len(data)


def test_a_message_of_100_mb(make_engine):
    rng = random.Random(7)
    raw = rng.randbytes(73_000_000)
    lines = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    message = (b"From: a@b.test\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
               b"Content-Transfer-Encoding: base64\r\n\r\n") + lines
    assert len(message) > 100_000_000 - 2_000_000
    engine = make_engine(workers=1, changes=merged(served.CHANGES, {"smtp": {"message_size": "128MiB"}}))
    with inside(engine.namespaces.client):
        session = imaplib.IMAP4(ENGINE_IPV4, timeout=600)
    with session:
        session.login(f"alice@{DOMAIN}", PASSWORD)
        assert session.append("INBOX", None, None, message)[0] == "OK"
        session.select("INBOX")
        before = resident(engine)
        assert body_of(session, "BODY.PEEK[]") == (hashlib.sha256(message).hexdigest(), len(message))
        assert body_of(session, "BINARY.PEEK[1]") == (hashlib.sha256(raw).hexdigest(), len(raw))
        piece, whole = 8 << 20, hashlib.sha256()
        for at in range(0, len(message), piece):
            digest, length = body_of(session, f"BODY.PEEK[]<{at}.{piece}>")
            assert (digest, length) == (hashlib.sha256(message[at:at + piece]).hexdigest(), len(message[at:at + piece]))
            whole.update(message[at:at + piece])
        for at in (0, 1 << 20, 50_000_001):
            assert body_of(session, f"BINARY.PEEK[1]<{at}.{piece}>")[0] == hashlib.sha256(raw[at:at + piece]).hexdigest()
        grown = resident(engine) - before
    print(f"engine's memory: {before:.0f} MiB before, {grown:+.0f} MiB by fetching")
    assert grown < 128, "a message is held in memory"
