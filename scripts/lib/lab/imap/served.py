# SPDX-License-Identifier: BSD-3-Clause
"""Our engine as an IMAP server: the settings it needs, and where its clients reach it."""

import socket

from lab.engine import DOMAIN, HOSTNAME, PASSWORD, binary
from lab.commands import run
from lab.imap.wire import PATIENCE, Server
from lab.namespaces import ENGINE_IPV4, inside

PORT, TLS_PORT = 143, 993
CHANGES = {"listeners": [{"port": 25, "protocol": "smtp"}, {"port": PORT, "protocol": "imap"}], "imap": {"allow_cleartext": True}, "store": {"quota": "1GiB"}}


def offered():
    """Whether this binary has IMAP at all."""
    return b"allow_cleartext" in run(binary(), "config", "--markdown").stdout.partition(b"## imap")[2]


def server_of(engine, user="alice", user2="bob", tls=None):
    """`tls`: a context for clients, where all is under TLS."""
    port = TLS_PORT if tls else PORT

    def connect():
        with inside(engine.namespaces.client):
            made = socket.create_connection((ENGINE_IPV4, port), timeout=PATIENCE)
        return tls.wrap_socket(made, server_hostname=HOSTNAME) if tls else made
    return Server(ENGINE_IPV4, port, f"{user}@{DOMAIN}", PASSWORD, f"{user2}@{DOMAIN}", connect, compress=0.3)
