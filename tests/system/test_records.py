# SPDX-License-Identifier: BSD-3-Clause
"""Each message and each connection leaves exactly one record, and its cycles add up."""

import pytest
from lab import messages, records
from lab.commands import wait_until
from lab.smtp import Session

SENDER = "sender@client.test"
ALICE, BOB = "alice@example.test", "bob@example.test"


def send_mixed(engine, connections=10, each=5):
    """Accepted, rejected, quarantined, abandoned; the Message-ID of each with the code that it got."""
    codes = {}
    for number in range(connections):
        with Session(engine.namespaces) as session:
            for count in range(each):
                mail = sample(number, count)
                recipients = [ALICE, BOB] if count == 1 else [ALICE]
                codes[mail.message_id] = session.transaction(SENDER, recipients, mail.data)[0]
            session.quit()
    return codes


def sample(number, count):
    name = f"record-{number}-{count}@client.test"
    if count == 2:
        return messages.with_text(name, messages.EICAR)
    if count == 3:
        return messages.with_text(name, messages.GTUBE)
    return messages.plain(name, size=100 + 3000 * number)


def settled(engine, connections):
    """All records, once there are as many connections' as there were."""
    wait_until(lambda: len(records.connections(engine)) >= connections, 10, "the connections' records")
    return records.messages_of(engine), records.connections(engine)


@pytest.mark.parametrize("profile", [False, True])
def test_one_record_each(make_engine, profile):
    engine = make_engine(started=False)
    engine.options = ["--profile"] if profile else []
    engine.start(reachable=False)
    wait_until(engine.greets, 20, "a banner")
    greeted = len(wait_until(lambda: records.connections(engine), 10, "the record of the first connection"))
    codes = send_mixed(engine)
    told, connections = settled(engine, greeted + 10)
    assert len(connections) == greeted + 10
    assert sorted(row.message_id for row in told) == sorted(codes)
    assert len({row.id for row in told}) == len(told)
    for row in told:
        assert row.code == codes[row.message_id]
        check_cycles(row, stamped=profile)


def check_cycles(row, stamped):
    """The stages' sum is the total within 2 %; the total was measured by itself."""
    assert row.cycles_total > 0
    assert abs(sum(row.cycles.values()) - row.cycles_total) <= 0.02 * row.cycles_total, row.cycles
    if stamped:
        assert not row.apportioned


def test_abandoned_message_has_a_record(engine):
    before = len(records.messages_of(engine))
    with Session(engine.namespaces) as session:
        session.envelope(SENDER, [ALICE])
        session.send(b"Subject: cut off\r\n\r\nhalf a")
    after = wait_until(lambda: records.messages_of(engine)[before:], 10, "a record")
    assert len(after) == 1 and after[0].code == 0


def test_identity_is_in_reply_and_received(engine):
    mail = messages.plain("identity@client.test")
    with Session(engine.namespaces) as session:
        code, text = session.transaction(SENDER, [ALICE], mail.data)
    row = records.of_message(engine, mail.message_id)[0]
    assert code == 250 and row.id in text
    entry = records.mailbox(engine, ALICE)[-1]
    assert row.id.encode() in records.export(engine, entry["id"], ALICE).split(b"From: ")[0]
