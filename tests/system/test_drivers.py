# SPDX-License-Identifier: BSD-3-Clause
"""A few mails in and out under each driver, with one worker and two, with and without a VLAN tag."""

import pytest
from lab import clients, messages
from lab.engine import DRIVERS
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6
from lab.smtp import Session, inbox

SENDER = "sender@client.test"
ALICE, BOB = "alice@example.test", "bob@example.test"


def send_some(namespaces):
    """Mails over both families, enough connections that each worker gets some; what was accepted."""
    sent = []
    for number in range(8):
        mail = messages.plain(f"plain{number}@client.test", size=200 << number)
        address = (ENGINE_IPV4, ENGINE_IPV6)[number % 2]
        with Session(namespaces, address) as session:
            assert session.transaction(SENDER, [ALICE, BOB], mail.data)[0] == 250
            session.quit()
        sent.append(mail)
    mail = messages.large("large@client.test", 1_000_000)
    assert clients.curl_send(namespaces, ENGINE_IPV6, SENDER, [ALICE, BOB], mail).code == 250
    return [*sent, mail]


def check_inbox(namespaces, user, address, sent):
    stored, _uids = inbox(namespaces, user, address)
    assert len(stored) == len(sent)
    for mail in sent:
        assert sum(messages.is_delivery_of(data, mail.data) for data in stored.values()) == 1, mail.message_id


def check_refusals(namespaces):
    with Session(namespaces) as session:
        code, text = session.transaction(SENDER, ["nobody@example.test"], b"")
        assert (code, text[4:9]) == (550, "5.1.1")
    eicar = messages.with_text("eicar@client.test", messages.EICAR)
    with Session(namespaces, ENGINE_IPV6) as session:
        assert session.transaction(SENDER, [ALICE], eicar.data)[0] == 550


def smoke(engine):
    namespaces = engine.namespaces
    sent = send_some(namespaces)
    check_refusals(namespaces)
    for user, address in ((ALICE, ENGINE_IPV4), (BOB, ENGINE_IPV6)):
        check_inbox(namespaces, user, address, sent)
    engine.ctl("stop")
    assert engine.process.wait(15) == 0, engine.log_tail()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pmd", DRIVERS)
def test_smoke(make_engine, pmd, workers):
    smoke(make_engine(pmd=pmd, workers=workers))


def test_smoke_vlan(make_engine):
    smoke(make_engine(vlan=100))


def test_untagged_frames_find_nobody_in_a_vlan(make_engine):
    engine = make_engine(vlan=100)
    namespaces = engine.namespaces
    namespaces.take_addresses(namespaces.client_port)
    namespaces.give_addresses("client0")
    assert not engine.greets(ENGINE_IPV4)
