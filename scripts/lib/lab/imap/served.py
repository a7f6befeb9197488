# SPDX-License-Identifier: BSD-3-Clause
"""Our engine as an IMAP server: the settings it needs, and where its clients reach it."""

import socket

from lab.engine import DOMAIN, PASSWORD, binary
from lab.commands import run
from lab.imap.wire import PATIENCE, Server
from lab.namespaces import ENGINE_IPV4, inside

PORT = 143
CHANGES = {"listeners": [{"port": 25, "protocol": "smtp"}, {"port": PORT, "protocol": "imap"}], "imap": {"allow_cleartext": True}, "store": {"quota": "1GiB"}}


def offered():
    """Whether this binary has IMAP at all."""
    return b"allow_cleartext" in run(binary(), "config", "--markdown").stdout.partition(b"## imap")[2]


def server_of(engine, user="alice", user2="bob"):
    def connect():
        with inside(engine.namespaces.client):
            return socket.create_connection((ENGINE_IPV4, PORT), timeout=PATIENCE)
    return Server(ENGINE_IPV4, PORT, f"{user}@{DOMAIN}", PASSWORD, f"{user2}@{DOMAIN}", connect)
