# SPDX-License-Identifier: BSD-3-Clause
"""SMTP and POP3 by hand, where a test must say exactly what is sent, and when."""

import poplib
import socket
import ssl
from contextlib import contextmanager

from lab.clients import CLIENT_NAME
from lab.engine import HOSTNAME, PASSWORD
from lab.namespaces import ENGINE_IPV4, inside


class Session:
    """One SMTP connection out of the client's namespace. Replies are (code, text of all lines)."""

    def __init__(self, namespaces, address=ENGINE_IPV4, port=25, timeout=30, greet=True):
        with inside(namespaces.client):
            self.socket = socket.create_connection((address, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        self.banner = self.reply() if greet else None
        if greet:
            self.command(f"EHLO {CLIENT_NAME}")

    def reply(self):
        """The next reply; (0, "") when the connection has ended."""
        lines = []
        while True:
            line = self._file.readline()
            if not line:
                return 0, ""
            lines.append(line.decode(errors="replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(lines)

    def send(self, data):
        self.socket.sendall(data)

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, sender, recipients):
        """MAIL, RCPT and DATA, one at a time; the reply to the last that was asked."""
        for line in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"):
            answer = self.command(line)
            if answer[0] not in (250, 354):
                break
        return answer

    def secure(self, context):
        """STARTTLS: the session goes on under TLS."""
        assert self.command("STARTTLS")[0] == 220
        self.socket = context.wrap_socket(self.socket, server_hostname=HOSTNAME)
        self._file = self.socket.makefile("rb")

    def transaction(self, sender, recipients, data):
        """A whole transaction; the reply that ended it."""
        answer = self.envelope(sender, recipients)
        if answer[0] != 354:
            return answer
        self.send(dotted(data))
        return self.reply()

    def ended(self):
        """True when the server has closed and nothing more was said."""
        return self._file.read() == b""

    def close(self):
        self._file.close()
        self.socket.close()

    def quit(self):
        answer = self.command("QUIT")
        self.close()
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()


class SecureSession(Session):
    """The same behind STARTTLS, whoever the server is."""

    def __init__(self, namespaces, **options):
        super().__init__(namespaces, **options)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.secure(context)
        self.command(f"EHLO {CLIENT_NAME}")



def dotted(data):
    """Message data as it travels: dots doubled, the final dot at the end (RFC 5321 section 4.5.2)."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


@contextmanager
def pop3(namespaces, user, address=ENGINE_IPV4, timeout=60):
    """A POP3 session that is logged in; it ends with QUIT."""
    with inside(namespaces.client):
        session = poplib.POP3(address, 110, timeout=timeout)
    session.user(user)
    session.pass_(PASSWORD)
    yield session
    session.quit()


def retrieve(session, number):
    """The bytes of a message."""
    return b"".join(line + b"\r\n" for line in session.retr(number)[1])


def inbox(namespaces, user, address=ENGINE_IPV4, known=()):
    """Unique-id and bytes of all messages whose unique-id is not known yet, and all unique-ids there are."""
    with pop3(namespaces, user, address) as session:
        listed = [line.split() for line in session.uidl()[1]]
        fresh = {uid.decode(): retrieve(session, int(number)) for number, uid in listed if uid.decode() not in known}
    return fresh, [uid.decode() for _number, uid in listed]
