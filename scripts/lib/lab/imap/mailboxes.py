# SPDX-License-Identifier: BSD-3-Clause
"""What an account has, told over IMAP under TLS by a connection of our own: what mail programs say and do is compared with it."""

import socket
import ssl

from lab.accounts import IMAPS
from lab.engine import HOSTNAME
from lab.imap.wire import PATIENCE, Server, fetched, opened, quoted
from lab.imap.words import is_word
from lab.namespaces import ENGINE_IPV4, inside

# What one command takes at most is far more; what an answer here may be, too.
BATCH = 200


def server_of(engine, login):
    """The engine of `accounts.serve` for this login."""
    def connect():
        with inside(engine.namespaces.client):
            plain = socket.create_connection((ENGINE_IPV4, IMAPS), timeout=PATIENCE)
        return ssl.create_default_context(cafile=login.trust).wrap_socket(plain, server_hostname=HOSTNAME)
    return Server(HOSTNAME, IMAPS, login.user, login.password, connect=connect)


def names(connection):
    """The mailboxes that can be opened, and their attributes: {name: {attribute}}"""
    listed = [response.words for response in connection.command('LIST "" "*"')[0] if response.kind == "LIST"]
    found = {str(name): {str(attribute) for attribute in attributes} for _, attributes, _, name in listed}
    return {name: attributes for name, attributes in found.items() if "\\Noselect" not in attributes}


def messages(connection, box):
    """{UID: (octets, flags without \\Recent)} of a mailbox, which is selected for reading."""
    connection.command(f"EXAMINE {quoted(box)}")
    found = {}
    for response in connection.command("UID FETCH 1:* (FLAGS BODY.PEEK[])")[0]:
        if response.kind == "FETCH":
            items = fetched(response)
            found[int(items["UID"])] = (octets(items["BODY[]"]), frozenset(map(str, items["FLAGS"])) - {"\\Recent"})
    return found


def octets(word):
    """Of a word that may be NIL."""
    return b"" if is_word(word) and str(word).upper() == "NIL" else str(word).encode("latin-1")


def contents(server):
    """{mailbox: {UID: (octets, flags)}} of all mailboxes."""
    with opened(server) as connection:
        return {box: messages(connection, box) for box in names(connection)}


def append(server, box, mails, flags=""):
    """Puts messages (octets) into a mailbox, many of them in one command (MULTIAPPEND, LITERAL+)."""
    with opened(server) as connection:
        for start in range(0, len(mails), BATCH):
            parts = (f"({flags}) {{{len(mail)}+}}\r\n{mail.decode('latin-1')}" for mail in mails[start:start + BATCH])
            connection.command(f"APPEND {quoted(box)} {' '.join(parts)}")
