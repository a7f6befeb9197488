# SPDX-License-Identifier: BSD-3-Clause
"""Mail programs by their own clients, and what only some of them speak: PRDR, XCLIENT, PROXY, SMTPUTF8."""

import smtplib

import pytest
from lab import clients, messages
from lab.commands import wait_until
from lab.namespaces import ENGINE_IPV4, inside
from lab.records import rows as rows_of
from lab.smtp import inbox

SENDER = "sender@client.test"
ALICE, BOB = "alice@example.test", "bob@example.test"
JORG = "jörg@example.test"
CLIENT_IPV4 = "198.18.0.1"


def records(engine, kind):
    """The records of this kind, once one has come and that of its connection behind it: none of that session can follow."""
    def found():
        rows = [row for file in engine.record_files() for row in rows_of(file)]
        wanted = [index for index, row in enumerate(rows) if row["kind"] == kind]
        return wanted and any(row["kind"] == "connection" for row in rows[wanted[-1]:]) and [rows[index] for index in wanted]
    return wait_until(found, 10, f"a record of a {kind} and its connection")


def stored(engine, user, mail):
    return sum(messages.is_delivery_of(data, mail) for data in inbox(engine.namespaces, user)[0].values())


@pytest.mark.needs("msmtp")
def test_msmtp(engine, tmp_path):
    mail = messages.plain("msmtp@client.test", size=20_000)
    file = tmp_path / "mail"
    file.write_bytes(mail.data.replace(b"\r\n", b"\n"))
    engine.namespaces.run("sh", "-c", f"msmtp --file=/dev/null --host={ENGINE_IPV4} --port=25 --tls=off --auth=off "
                          f"--domain=client.test --from={SENDER} {ALICE} {BOB} <{file}", timeout=30)
    assert stored(engine, ALICE, mail.data) == stored(engine, BOB, mail.data) == 1


@pytest.mark.needs("swaks")
def test_swaks_asks_for_prdr(engine):
    sent = clients.swaks_send(engine.namespaces, ENGINE_IPV4, SENDER, [ALICE, BOB],
                              ("--prdr", "--header", "Message-Id: <prdr@client.test>"))
    assert "353 " in sent.transcript and sent.code == 250, sent.transcript
    assert stored(engine, ALICE, sent.data) == stored(engine, BOB, sent.data) == 1


@pytest.mark.needs("swaks")
def test_swaks_speaks_for_another(make_engine):
    engine = make_engine(changes={"smtp": {"xclient_networks": [f"{CLIENT_IPV4}/32"]}})
    options = ("--xclient-addr", "192.0.2.77", "--xclient-name", "far.client.test", "--xclient-login", "j@far.test")
    sent = clients.swaks_send(engine.namespaces, ENGINE_IPV4, SENDER, [ALICE], options)
    assert sent.code == 250, sent.transcript
    (data,) = inbox(engine.namespaces, ALICE)[0].values()
    assert b"(far.client.test [192.0.2.77])" in data and b"with ESMTPA id" in data
    (record,) = records(engine, "message")
    context = record["context"]
    assert context["client"]["address"] == "192.0.2.77" and context["via"]["address"] == CLIENT_IPV4
    assert context["client_name"] == "far.client.test" and context["login"] == "j@far.test"


@pytest.mark.needs("swaks")
def test_swaks_behind_a_proxy(make_engine):
    engine = make_engine(changes={"network": {"proxy_networks": [f"{CLIENT_IPV4}/32"]}}, started=False)
    engine.start(reachable=False)  # without a header it greets nobody
    options = ("--proxy-version", "2", "--proxy-family", "AF_INET", "--proxy-protocol", "STREAM", "--proxy-command", "PROXY",
               "--proxy-source", "192.0.2.7", "--proxy-source-port", "4660", "--proxy-dest", "192.0.2.25",
               "--proxy-dest-port", "25")
    wait_until(lambda: clients.swaks_send(engine.namespaces, ENGINE_IPV4, SENDER, [ALICE], options).code == 250, 20,
               "a message through the proxy")
    (record,) = records(engine, "message")
    assert record["context"]["client"] == {"address": "192.0.2.7", "port": 4660}
    assert record["context"]["via"]["address"] == CLIENT_IPV4


def test_smtplib_speaks_utf8(make_engine):
    """RFC 6531: smtplib says SMTPUTF8 where an address needs it."""
    engine = make_engine(changes={"aliases": [{"address": JORG, "members": [ALICE]}]})
    with inside(engine.namespaces.client):
        session = smtplib.SMTP(ENGINE_IPV4, local_hostname="client.test", timeout=30)
    assert session.ehlo()[0] == 250 and session.has_extn("smtputf8")
    data = "From: <sender@client.test>\r\nSubject: Grüße\r\n\r\nx\r\n".encode()
    session.sendmail(SENDER, [JORG], data, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    session.quit()
    (record,) = records(engine, "message")
    assert record["message"]["smtputf8"] and record["message"]["rcpt_to"] == [JORG]
    assert record["result"]["code"] == 250
