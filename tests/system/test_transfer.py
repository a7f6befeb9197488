# SPDX-License-Identifier: BSD-3-Clause
"""A large message through our TCP against Linux's, in and out, every byte right."""

import hashlib
import time

import pytest
from lab import clients, messages
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6

ALICE = "alice@example.test"
MEGABYTE = 1_000_000


@pytest.mark.parametrize("pmd, address", [("af_packet", ENGINE_IPV4), pytest.param("tap", ENGINE_IPV6, marks=pytest.mark.long)])
def test_a_large_message_both_ways(make_engine, request, pmd, address):
    size = 100 if request.config.getoption("--long") else 16
    engine = make_engine(pmd=pmd, changes={"smtp": {"message_size": "110MiB"}})
    mail = messages.large("large@client.test", size * MEGABYTE)
    began = time.monotonic()
    sent = clients.curl_send(engine.namespaces, address, "sender@client.test", [ALICE], mail)
    assert sent.code == 250, sent.reply
    uploaded = time.monotonic()
    stored = clients.curl_mailbox(engine.namespaces, address, ALICE)
    print(f"up {uploaded - began:.1f} s, down {time.monotonic() - uploaded:.1f} s")
    assert len(stored) == 1
    assert hashlib.sha256(stored[0][-len(mail.data):]).hexdigest() == mail.digest
    assert messages.is_delivery_of(stored[0], mail.data)


def test_too_large_is_refused(make_engine):
    engine = make_engine(changes={"smtp": {"message_size": "1MiB"}})
    mail = messages.large("big@client.test", 3 * MEGABYTE)
    sent = clients.curl_send(engine.namespaces, ENGINE_IPV4, "sender@client.test", [ALICE], mail)
    assert sent.code == 552 and sent.reply.split()[1] == "5.3.4", sent.reply
