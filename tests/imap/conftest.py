# SPDX-License-Identifier: BSD-3-Clause
"""What tests IMAP servers is itself tested: against Debian's Dovecot on loopback, or a server that is named."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from lab.imap import dovecot  # noqa: E402
from lab.imap.wire import Server  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--server", metavar="HOST:PORT:USER:PASSWORD", help="instead of a Dovecot of our own; its mailboxes imaptest* are deleted")
    parser.addoption("--long", action="store_true", help="more seeds")


@pytest.fixture(scope="session")
def server(request):
    named = request.config.getoption("--server")
    if named:
        host, port, user, password = named.split(":", 3)
        yield Server(host, int(port), user, password)
        return
    if not dovecot.available():
        pytest.skip("dovecot-imapd is not installed")
    with dovecot.Dovecot() as process:
        yield process.start().server
