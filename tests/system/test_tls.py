# SPDX-License-Identifier: BSD-3-Clause
"""TLS as clients see it: versions, suites, names, tickets, staples, certificates of clients, reloads, what is broken."""

import poplib
import re
import socket
import ssl
import time
from contextlib import contextmanager

import pytest
from lab import messages
from lab.certificates import Authority
from lab.commands import run, wait_until
from lab.engine import HOSTNAME, PASSWORD
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session

USER = "alice@example.test"
POP3S = 995
SIZES = (1, 1000, 16384, 200_000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificates(authority):
    """By name: of two kinds of key for the engine's own name, one for another, one that is stapled to."""
    items = {"rsa": authority.sign("rsa", HOSTNAME, kind="rsa"), "ecdsa": authority.sign("ecdsa", HOSTNAME),
             "other": authority.sign("other", "other.test", "*.wild.test")}
    items["ecdsa"]["ocsp"] = authority.staple(items["ecdsa"])
    return items


def changes_of(certificates, **more):
    return {"listeners": [{"port": 25, "protocol": "smtp"},
                          {"port": 110, "protocol": "pop3"},
                          {"port": POP3S, "protocol": "pop3", "tls": "implicit"}],
            "pop3": {"allow_cleartext": False},
            "tls": {"certificates": list(certificates.values()), **more}}


@pytest.fixture(scope="module")
def tls_engine(shared_bench, certificates):
    return shared_bench(changes=changes_of(certificates))


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


def fetch(engine, context, user=USER):
    """All messages in a mailbox, and what the connection was."""
    with secured(engine, context) as tls:
        facts = (tls.version(), tls.cipher()[0])
        box = OverTls(tls)
        box.user(user)
        box.pass_(PASSWORD)
        mails = [b"".join(line + b"\r\n" for line in box.retr(number + 1)[1]) for number in range(box.stat()[0])]
        box.quit()
    return mails, facts


def bodies(mails):
    return [mail.split(b"\r\n\r\n", 1)[1] for mail in mails]


@pytest.fixture(scope="module")
def sent(tls_engine):
    mails = [messages.with_text(f"size-{size}@tls.test", b".x" + b"a" * 70 + b"\r\n" * 1 + b"y" * 60 + b"\r\n" * max(1, size // 133) ) for size in SIZES]
    mails.append(messages.large("large@tls.test", 300_000))
    with Session(tls_engine.namespaces) as session:
        for mail in mails:
            assert session.transaction("sender@client.test", [USER], mail.data)[0] == 250
    return mails


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def test_mail_is_read_under_tls(tls_engine, authority, sent, version):
    mails, facts = fetch(tls_engine, trusting(authority, version, version))
    assert facts[0] == f"TLSv1.{version.value - 0x0301}"
    assert [body.rstrip() for body in bodies(mails)] == [body.rstrip() for body in bodies([mail.data for mail in sent])]
