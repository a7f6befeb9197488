# SPDX-License-Identifier: BSD-3-Clause
"""Mail servers that relay to the engine, and nodemailer: recipients one of whom is unknown, dots, 8 bits, 2 MB."""

import email
import json
import re
import time
import urllib.request

import pytest
from lab import messages, peers
from lab.commands import wait_until
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import inbox

ALICE, BOB, CAROL, NOBODY = (f"{user}@example.test" for user in ("alice", "bob", "carol", "nobody"))
# Bounces come back by the same way: the sender has a mailbox in the engine too.
SENDER = CAROL
METRICS = "127.0.0.1:9109"
BODY = ("\r\n".join([".", "..", ".dot", "Grüße, 8 bits: ÄÖÜ €", "text", "", ".", "end", ".", ""])).encode()
NODEMAILER = """
const [host, name, sender, ...to] = process.argv.slice(1);
const nodemailer = require('nodemailer');
const chunks = [];
process.stdin.on('data', c => chunks.push(c)).on('end', async () => {
    const transport = nodemailer.createTransport({host, port: 25, name, ignoreTLS: true});
    const said = await transport.sendMail({envelope: {from: sender, to}, raw: Buffer.concat(chunks)});
    console.log(JSON.stringify({accepted: said.accepted, rejected: said.rejected, response: said.response,
                                refused: (said.rejectedErrors || []).map(e => e.response)}));
});
"""


class Nodemailer(peers.Peer):
    """A library: no queue, no bounce; it says itself who was refused."""

    name = "nodemailer"
    program = "/usr/share/nodejs/nodemailer/lib/nodemailer.js"
    newline = b"\r\n"

    def send(self, sender, recipients, data, timeout=60):
        return self.run("env", "NODE_PATH=/usr/share/nodejs", "node", "-e", NODEMAILER, ENGINE_IPV4, "client.test", sender,
                        *recipients, data=data, check=False, timeout=timeout)


PEERS = (*peers.SERVERS, Nodemailer)


def pytest_generate_tests(metafunc):
    """2 MB from each peer in the long tier, from Exim in both: it alone sends by BDAT what is offered as CHUNKING."""
    short = "large_mail" in metafunc.fixturenames and not metafunc.config.getoption("--long")
    rows = [pytest.param(peer, id=peer.name, marks=[] if peer.available() else
                         pytest.mark.skip(reason=f"{peer.name} is not there: its packages could not be had"))
            for peer in ((peers.Exim,) if short else PEERS)]
    metafunc.parametrize("peer", rows, indirect=True)


@pytest.fixture(name="engine", scope="module")
def engine_with_metrics(shared_bench):
    return shared_bench(workers=2, changes={"metrics": {"listen": METRICS}})


@pytest.fixture
def peer(request, engine):
    with request.param(engine.namespaces) as peer:
        yield peer


def difficult(message_id):
    """Lines of dots, and text of 8 bits."""
    fields = (b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit")
    data = messages.header(message_id, "difficult", SENDER, ALICE, fields) + b"\r\n" + BODY
    return messages.Message(message_id, data)


def known(engine):
    """Unique-ids of what is in the mailboxes already."""
    return {user: inbox(engine.namespaces, user)[1] for user in (ALICE, BOB, CAROL)}


def arrived(engine, user, before, accept, sent, patience=40):
    """Waits for one new message that is accepted."""
    def found():
        time.sleep(0.1)
        fresh, _uids = inbox(engine.namespaces, user, known=before[user])
        return next((data for data in fresh.values() if accept(data)), None)

    try:
        return wait_until(found, patience, f"a message for {user}")
    except TimeoutError as late:
        raise AssertionError(f"{late}: exit {sent.returncode}\n{sent.stderr.decode()}{sent.stdout.decode()}") from None


def with_id(message_id):
    return lambda data: messages.message_id_of(data) == message_id


def is_whole(stored, sent):
    """Behind what the engine and the peer put in front: every field of the header in its order, and the body."""
    fields = sent.split(b"\r\n\r\n")[0].split(b"\r\n")
    head, _blank, body = stored.partition(b"\r\n\r\n")
    lines = iter(head.split(b"\r\n"))
    return body == sent.partition(b"\r\n\r\n")[2] and all(field in lines for field in fields)


def bounced(data):
    """What the message says of the recipient whom the engine refused: (address, status)."""
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() == "message/delivery-status":
            for fields in part.get_payload():
                if "Final-Recipient" in fields:
                    return fields["Final-Recipient"], fields["Status"]
    return None


def read_back(engine, peer, mail, sent, before, users):
    """The message is in these mailboxes, whole."""
    try:
        for user in users:
            stored = arrived(engine, user, before, with_id(mail.message_id), sent)
            assert is_whole(stored, mail.data), stored[:20_000]
    except AssertionError as fault:
        raise AssertionError(f"{fault}\n{peer.told()}") from None


def test_difficult_text_and_an_unknown_recipient(engine, peer):
    mail = difficult(f"difficult@{peer.name}.test")
    before = known(engine)
    sent = peer.send(SENDER, [ALICE, BOB, NOBODY], mail.data)
    read_back(engine, peer, mail, sent, before, (ALICE, BOB))
    if isinstance(peer, Nodemailer):
        said = json.loads(sent.stdout)
        assert said["rejected"] == [NOBODY] and said["refused"][0].startswith("550 5.1.1"), said
    else:
        bounce = arrived(engine, CAROL, before, bounced, sent)
        who, status = bounced(bounce)
        assert NOBODY in who and status.startswith("5.") and b"550 5.1.1" in bounce


def counts(engine):
    """Messages taken, and those that came by DATA."""
    with inside(engine.namespaces.engine), urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return [sum(int(number) for number in re.findall(rf"^{name}.* (\d+)$", text, re.MULTILINE))
            for name in ("wirepost_messages_accepted_total", r'wirepost_smtp_replies_total\{.*reply="go_ahead"')]


@pytest.fixture
def large_mail(peer):
    return messages.large(f"large@{peer.name}.test", 2_000_000, sender=SENDER)


def test_two_megabytes(engine, peer, large_mail):
    before, (taken, by_data) = known(engine), counts(engine)
    sent = peer.send(SENDER, [ALICE], large_mail.data)
    read_back(engine, peer, large_mail, sent, before, (ALICE,))
    assert counts(engine) == [taken + 1, by_data + (0 if isinstance(peer, peers.Exim) else 1)]
