# SPDX-License-Identifier: BSD-3-Clause
"""Clients under TLS: Python's ssl, also with records by hand, and openssl's s_client."""

import poplib
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager

from lab.engine import HOSTNAME, PASSWORD
from lab.namespaces import ENGINE_IPV4, inside

POP3S, SMTPS = 995, 465


def trusting(authority, low=None, high=None):
    context = ssl.create_default_context(cafile=str(authority.file))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if low:
        context.minimum_version = low
    if high:
        context.maximum_version = high
    return context


@contextmanager
def secured(engine, context, port=POP3S, name=HOSTNAME, session=None):
    """A TLS socket to the engine."""
    with inside(engine.namespaces.client):
        plain = socket.create_connection((ENGINE_IPV4, port), timeout=20)
    with plain, context.wrap_socket(plain, server_hostname=name, session=session) as tls:
        yield tls


class OverTls(poplib.POP3):
    """poplib on a socket that is there already."""

    def __init__(self, tls):
        self.given = tls
        super().__init__(ENGINE_IPV4, POP3S, timeout=20)

    def _create_socket(self, timeout):
        return self.given


def fetch(engine, context, user="alice@example.test"):
    """All messages in a mailbox, and what the connection was."""
    with secured(engine, context) as tls:
        facts = (tls.version(), tls.cipher()[0])
        box = OverTls(tls)
        box.user(user)
        box.pass_(PASSWORD)
        mails = [b"".join(line + b"\r\n" for line in box.retr(number + 1)[1]) for number in range(box.stat()[0])]
        box.quit()
    return mails, facts


def s_client(engine, *options, port=POP3S, data=b"QUIT\r\n"):
    result = engine.namespaces.run("openssl", "s_client", "-connect", f"{ENGINE_IPV4}:{port}", "-ign_eof", *options, data=data, check=False, timeout=20)
    return (result.stdout + result.stderr).decode(errors="replace")


@contextmanager
def typing(engine, version, *lines, options=()):
    """What s_client shows when somebody types; a letter alone is a command to it."""
    command = engine.namespaces.command("openssl", "s_client", "-connect", f"{ENGINE_IPV4}:{POP3S}", version, "-crlf", *options)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
        limit = threading.Timer(20, process.kill)
        limit.start()
        said = b""
        while b" ready\r\n" not in said and (more := process.stdout.read(4096)):
            said += more
        for line in lines:
            process.stdin.write(line + b"\n")
            time.sleep(0.2)
        # It goes when its standard input ends, whatever is still to come: so that stays open until the server has ended.
        while more := process.stdout.read(4096):
            said += more
        limit.cancel()
        yield said.decode(errors="replace")


class ByHand:
    """A TLS client whose records go out as the test says."""

    def __init__(self, engine, context, port=POP3S, piece=None):
        self.inside, self.outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inside, self.outside, server_hostname=HOSTNAME)
        with inside(engine.namespaces.client):
            self.socket = socket.create_connection((ENGINE_IPV4, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.piece = piece
        self.left = None  # bytes that may still go out; None: all

    def sent(self):
        """Sends what there is; False when its end was reached."""
        data = self.outside.read()
        if self.left is not None:
            data, self.left = data[:self.left], self.left - len(data)
        for start in range(0, len(data), self.piece or max(1, len(data))):
            self.socket.sendall(data[start:start + (self.piece or len(data))])
            if self.piece:
                time.sleep(0.0005)
        return self.left is None or self.left >= 0

    def run(self, what):
        """Does it, with what it takes of sending and receiving; None when it was cut short."""
        while True:
            try:
                result = what()
                self.sent()
                return result
            except ssl.SSLWantReadError:
                if not self.sent():
                    return None
                data = self.socket.recv(65536)
                if not data:
                    raise EOFError from None
                self.inside.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.close()
