# SPDX-License-Identifier: BSD-3-Clause
"""COMPRESS=DEFLATE (RFC 4978) as a client with zlib of its own speaks it."""

import re
import zlib

import pytest
from lab.imap import served
from lab.imap.wire import PATIENCE

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")


@pytest.fixture(scope="module")
def server(shared_bench):
    return served.server_of(shared_bench(changes=served.CHANGES))


class Client:
    """A connection that compresses once it is told to."""

    def __init__(self, server):
        self.socket, self.server = server.connect(), server
        self.socket.settimeout(PATIENCE)
        self.out = self.into = None
        self.sent = self.received = 0
        self.heard = b""
        self.until(rb"\* OK .*\r\n")
        self.say(f'a LOGIN "{server.user}" "{server.password}"', rb"a OK .*\r\n")

    def compress(self):
        self.say("a COMPRESS DEFLATE", rb"a OK .*\r\n")
        assert self.heard == b""
        self.out, self.into = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def until(self, pattern):
        while not (found := re.search(pattern, self.heard, re.DOTALL)):
            data = self.socket.recv(65536)
            assert data, self.heard[-500:]
            self.received += len(data)
            self.heard += self.into.decompress(data) if self.into else data
        said, self.heard = self.heard[:found.end()], self.heard[found.end():]
        return said

    def say(self, line, pattern=None, tail=b"\r\n"):
        data = line.encode() + tail if isinstance(line, str) else line + tail
        if self.out:
            data = self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH)
        self.sent += len(data)
        self.socket.sendall(data)
        return self.until(pattern) if pattern else None


def message(lines):
    return b"Subject: compressed\r\n\r\n" + b"".join(b"line %d of a text that says the same again\r\n" % n for n in range(lines))


def test_a_mailbox_is_used(server):
    """Append, fetch, search, IDLE; far fewer octets than without."""
    client = Client(server)
    client.compress()
    text = message(20000)
    client.say("b CREATE compressed", rb"b [ON]")
    client.until(rb"\r\n")
    client.say(b"c APPEND compressed {%d+}\r\n%s" % (len(text), text), rb"c OK .*\r\n")
    assert client.sent < len(text) / 5
    client.say("d SELECT compressed", rb"d OK .*\r\n")
    before = client.received
    said = client.say("e FETCH * BODY.PEEK[]", rb"e OK .*\r\n")
    assert text in said
    assert client.received - before < len(text) / 3
    client.say("f IDLE", rb"\+ .*\r\n")
    client.say("DONE", rb"f OK .*\r\n")
    client.say("g COMPRESS DEFLATE", rb"g NO \[COMPRESSIONACTIVE\].*\r\n")
    client.say("h DELETE compressed", rb"h OK .*\r\n")
    client.say("i LOGOUT", rb"i OK .*\r\n")


def test_what_is_no_deflate_is_told_so(server):
    client = Client(server)
    client.compress()
    client.socket.sendall(b"\xff\xff\xff\xff\xff")
    client.until(rb"\* BYE \[CLIENTBUG\].*\r\n")
