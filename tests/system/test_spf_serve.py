# SPDX-License-Identifier: BSD-3-Clause
"""SPF in `serve`: what DNS says of who sends, and what becomes of the mail."""

from contextlib import ExitStack

import pytest
from lab import dns, records
from lab.commands import wait_until
from lab.namespaces import CLIENT_ADDRESSES, inside
from lab.smtp import Session, inbox

ALICE = "alice@example.test"
POSTMASTER = "postmaster@example.test"
CLIENT = CLIENT_ADDRESSES[0].partition("/")[0]
ZONE = {
    "pass.test": [("TXT", f"v=spf1 ip4:{CLIENT} -all")],
    "fail.test": [("TXT", "v=spf1 exp=why.fail.test -all")],
    "why.fail.test": [("TXT", "mail of %{d} comes from elsewhere")],
    "soft.test": [("TXT", "v=spf1 ~all")],
    "broken.test": [("TXT", "v=spf1 nonsense -all")],
    "slow.test": [dns.TIMEOUT],
    "away.test": [dns.SERVFAIL],
    "helo.test": [("TXT", "v=spf1 -all")],
    "none.test": [("A", "192.0.2.1")],
}
# Of a reverse path: the result, and the code for a recipient where results refuse.
CELLS = {"user@pass.test": ("pass", 250), "user@fail.test": ("fail", 550), "user@soft.test": ("softfail", 250),
         "user@broken.test": ("permerror", 550), "user@away.test": ("temperror", 451), "user@none.test": ("none", 250),
         "user@gone.test": ("none", 250)}


@pytest.fixture(scope="module")
def server_and_engine(shared_bench):
    with ExitStack() as stack:
        engine = shared_bench(started=False)
        with inside(engine.namespaces.engine):
            server = stack.enter_context(dns.Server(ZONE))
        engine.settings["dns"] = {"forwarders": [{"address": "127.0.0.1", "port": server.port}], "timeout": "1s"}
        engine.settings["spf"] = {"check": True, "fail": "refuse", "permerror": "refuse", "temperror": "defer", "timeout": "2s"}
        engine.write()
        engine.start()
        yield server, engine


def send(engine, sender, recipient=ALICE, helo="client.test", body=b"Subject: x\r\n\r\nx\r\n"):
    with Session(engine.namespaces) as session:
        session.command(f"EHLO {helo}")
        code, text = session.transaction(sender, [recipient], body)
        session.quit()
    return code, text


def told(engine, sender):
    """What the record of the only message of a sender says; it is written behind the reply."""
    def found():
        return [row["context"]["spf"] for row in records.read(engine, "message") if row["message"]["mail_from"] == sender]

    return wait_until(found, 10, f"the record of {sender}")[0]


@pytest.mark.parametrize("sender", CELLS)
def test_cells(server_and_engine, sender):
    """What the result is in the record, and what is answered."""
    _server, engine = server_and_engine
    result, code = CELLS[sender]
    assert send(engine, sender)[0] == code
    assert told(engine, sender) == {"result": result, "identity": "mailfrom"}


def test_fields_and_explanation(server_and_engine):
    _server, engine = server_and_engine
    forged = b"Authentication-Results: mx.example.test; spf=pass\r\nSubject: forged\r\n\r\nx\r\n"
    assert send(engine, "fields@pass.test", body=forged)[0] == 250
    stored, _uids = inbox(engine.namespaces, ALICE)
    [message] = [bytes(data) for data in stored.values() if b"forged" in bytes(data)]
    head = message.partition(b"\r\nReceived: ")[0]
    assert b"\r\nAuthentication-Results: mx.example.test; spf=pass" in head and b"\r\nReceived-SPF: pass" in head
    assert b"\r\nX-thentication-Results: mx.example.test; spf=pass\r\n" in message
    code, text = send(engine, "user@fail.test")
    assert code == 550 and "5.7.23" in text and "fail.test says: mail of fail.test comes from elsewhere" in text


def test_helo_fails_first_and_postmasters_get_mail(server_and_engine):
    _server, engine = server_and_engine
    assert send(engine, "helo@pass.test", helo="helo.test")[0] == 550
    assert told(engine, "helo@pass.test") == {"result": "fail", "identity": "helo"}
    assert send(engine, "", helo="helo.test")[0] == 550
    assert send(engine, "user@fail.test", recipient=POSTMASTER)[0] == 250


def test_a_slow_server_stalls_nobody_and_a_reload_changes_servers(server_and_engine):
    server, engine = server_and_engine
    with Session(engine.namespaces) as slow:
        slow.send(b"MAIL FROM:<user@slow.test>\r\n")
        assert send(engine, "beside@pass.test")[0] == 250
        assert slow.reply()[0] == 250
        assert slow.command(f"RCPT TO:<{ALICE}>")[0] == 451
    counters = engine.ask("counters")
    assert counters["spf_temperror"] >= 1 and counters["dns_timeout"] >= 1 and counters["spf_asked"] >= 2
    with inside(engine.namespaces.engine), dns.Server({"pass.test": [("TXT", "v=spf1 -all")]}) as other:
        engine.settings["dns"]["forwarders"][0]["port"] = other.port
        engine.write()
        engine.ctl("reload")
        assert send(engine, "other@pass.test")[0] == 550
    engine.settings["dns"]["forwarders"][0]["port"] = server.port
    engine.settings["spf"]["check"] = False
    engine.write()
    engine.ctl("reload")
    assert send(engine, "off@fail.test")[0] == 250 and told(engine, "off@fail.test") is None
