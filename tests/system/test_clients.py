# SPDX-License-Identifier: BSD-3-Clause
"""Mail programs, and clients that say it in unusual pieces."""

import re
import smtplib
import time

import pytest
from lab import clients, messages
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, inside
from lab.smtp import Session, dotted, inbox, pop3, retrieve

SENDER = "sender@client.test"
ALICE, BOB, DAVE = "alice@example.test", "bob@example.test", "dave@example.test"


def stored_once(engine, user, mail):
    stored, _uids = inbox(engine.namespaces, user)
    return sum(messages.is_delivery_of(data, mail) for data in stored.values()) == 1


@pytest.mark.needs("swaks")
@pytest.mark.parametrize("address", [ENGINE_IPV4, ENGINE_IPV6])
def test_swaks(engine, address):
    options = ("--header", f"Message-Id: <swaks{len(address)}@client.test>")
    sent = clients.swaks_send(engine.namespaces, address, SENDER, [ALICE], options)
    assert sent.code == 250, sent.transcript
    assert stored_once(engine, ALICE, sent.data)


@pytest.mark.needs("curl")
@pytest.mark.parametrize("address", [ENGINE_IPV4, ENGINE_IPV6])
def test_curl(engine, address):
    mail = messages.plain(f"curl{len(address)}@client.test", size=30_000)
    assert clients.curl_send(engine.namespaces, address, SENDER, [ALICE, BOB], mail).code == 250
    assert stored_once(engine, ALICE, mail.data) and stored_once(engine, BOB, mail.data)


def test_smtplib(engine):
    mail = messages.large("smtplib@client.test", 200_000)
    with inside(engine.namespaces.client):
        session = smtplib.SMTP(ENGINE_IPV4, local_hostname="client.test", timeout=30)
    refused = session.sendmail(SENDER, [ALICE, "nobody@example.test"], mail.data)
    assert refused["nobody@example.test"][0] == 550
    assert session.noop()[0] == 250 and session.rset()[0] == 250
    session.quit()
    assert stored_once(engine, ALICE, mail.data)


def test_greeting_names_extensions(engine):
    with Session(engine.namespaces) as session:
        code, text = session.command("EHLO client.test")
    assert session.banner[0] == 220 and "mx.example.test" in session.banner[1]
    offered = {line[4:].split()[0] for line in text.splitlines()[1:]}
    assert code == 250 and {"SIZE", "PIPELINING", "8BITMIME", "CHUNKING", "LIMITS", "ENHANCEDSTATUSCODES"} <= offered


def test_pipelining(engine):
    """RFC 2920: commands in one piece, data and QUIT in the next."""
    mail = messages.plain("pipelined@client.test")
    with Session(engine.namespaces) as session:
        session.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{ALICE}>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n".encode())
        assert [session.reply()[0] for _ in range(4)] == [250, 250, 550, 354]
        session.send(dotted(mail.data) + b"QUIT\r\n")
        assert [session.reply()[0] for _ in range(2)] == [250, 221]
        assert session.ended()
    assert stored_once(engine, ALICE, mail.data)


def test_all_recipients_refused_in_a_pipeline(engine):
    with Session(engine.namespaces) as session:
        session.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\nNOOP\r\n".encode())
        assert [session.reply()[0] // 100 for _ in range(4)] == [2, 5, 5, 2]


# RFC 5321 section 2.3.8: only CRLF ends a line. Each form in front of what a smuggler would add.
BAD_ENDS = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r", "LF.CR": b"\n.\r", "CRCRLF.CRLF": b"\r\r\n.\r\n", "bare LF": b"\n", "bare CR": b"\rx",
    "NUL": b"\0",
}


@pytest.mark.parametrize("form", BAD_ENDS)
def test_bad_line_end_is_refused(engine, form):
    smuggled = b"MAIL FROM:<smuggled@client.test>\r\nRCPT TO:<dave@example.test>\r\nDATA\r\nsmuggled\r\n.\r\n"
    with Session(engine.namespaces, timeout=5) as session:
        assert session.envelope(SENDER, [DAVE])[0] == 354
        session.send(b"Subject: x\r\n\r\nline" + BAD_ENDS[form] + smuggled)
        code, text = session.reply()
        assert (code, text[4:9]) == (550, "5.5.2"), text
        assert session.ended(), "a command was answered after the refusal"
    assert inbox(engine.namespaces, DAVE)[1] == []


def test_bad_line_end_in_a_command(engine):
    with Session(engine.namespaces, timeout=5) as session:
        session.send(b"NOOP\nNOOP\r\n")
        assert session.reply()[0] // 100 == 5
        assert session.ended()


def test_byte_by_byte(engine):
    mail = messages.plain("bytes@client.test", size=60)
    with Session(engine.namespaces, address=ENGINE_IPV6) as session:
        talk = (f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n".encode(), dotted(mail.data), b"QUIT\r\n")
        replies = []
        for piece, expected in zip(talk, (3, 1, 1)):
            for byte in piece:
                session.send(bytes([byte]))
            replies += [session.reply()[0] for _ in range(expected)]
    assert replies == [250, 250, 354, 250, 221]
    assert stored_once(engine, ALICE, mail.data)


def test_1000_connections_in_turn(engine):
    began = time.monotonic()
    for number in range(1000):
        with Session(engine.namespaces, (ENGINE_IPV4, ENGINE_IPV6)[number % 2]) as session:
            assert session.quit()[0] == 221
    print(f"{1000 / (time.monotonic() - began):.0f} connections a second")


def test_200_connections_at_once(engine):
    sessions = [Session(engine.namespaces, (ENGINE_IPV4, ENGINE_IPV6)[number % 2]) for number in range(200)]
    for number, session in enumerate(sessions):
        assert session.transaction(SENDER, [BOB], messages.plain(f"once{number}@client.test").data)[0] == 250
    assert all(session.quit()[0] == 221 for session in sessions)


def test_dots_come_back_single(engine):
    mail = messages.with_text("dots@client.test", b".\r\n..\r\n.x\r\n...")
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, [ALICE], mail.data)[0] == 250
    assert stored_once(engine, ALICE, mail.data)


def test_pop3_deletes_after_quit_only(make_engine):
    engine = make_engine()
    for number in range(3):
        with Session(engine.namespaces) as session:
            session.transaction(SENDER, [ALICE], messages.plain(f"delete{number}@client.test").data)
    with pop3(engine.namespaces, ALICE) as session:
        count, octets = session.stat()
        assert count == 3 and octets == sum(len(retrieve(session, number)) for number in (1, 2, 3))
        assert "UIDL" in session.capa() and "USER" in session.capa()
        session.dele(2)
    with pop3(engine.namespaces, ALICE) as session:
        kept = [messages.message_id_of(retrieve(session, number)) for number in (1, 2)]
        session.dele(1)
        session.close()
        session.quit = lambda: None
    assert kept == ["delete0@client.test", "delete2@client.test"]
    assert len(inbox(engine.namespaces, ALICE)[1]) == 2


def test_pop3_refuses_a_wrong_password(engine):
    result = engine.namespaces.run("curl", "--silent", "--show-error", "--user", f"{ALICE}:wrong",
                                   f"pop3://{ENGINE_IPV4}/", check=False)
    assert result.returncode == 67, result.stderr


def test_prefix_names_the_way(engine):
    """Return-Path, Delivered-To and Received (RFC 5321 section 4.4), `for` with one recipient only."""
    one, two = messages.plain("one@client.test"), messages.plain("both@client.test")
    with Session(engine.namespaces) as session:
        session.transaction(SENDER, [BOB], one.data)
        session.transaction(SENDER, [ALICE, BOB], two.data)
    stored = inbox(engine.namespaces, BOB)[0].values()
    prefixes = [next(data[: -len(mail.data)].decode() for data in stored if data.endswith(mail.data)) for mail in (one, two)]
    for prefix in prefixes:
        assert prefix.startswith(f"Return-Path: <{SENDER}>\r\n")
        assert re.search(rf"^Delivered-To: {BOB}\r$", prefix, re.MULTILINE)
        assert re.search(r"^Received: from client\.test .*\[198\.18\.0\.1\]", prefix, re.MULTILINE | re.DOTALL)
    assert f"for <{BOB}>" in prefixes[0] and "for <" not in prefixes[1]
