# SPDX-License-Identifier: BSD-3-Clause
"""Programs that read mail by IMAP: what they are told is what is there, and what they change is changed."""

import imaplib
import re

import pytest
from lab.engine import DOMAIN, PASSWORD
from lab.imap import served
from lab.imap.wire import fetched, opened
from lab.namespaces import ENGINE_IPV4, inside

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")


@pytest.fixture(scope="module")
def mail_engine(shared_bench):
    return shared_bench(changes=served.CHANGES)


def message(name):
    return f"From: a@client.test\r\nTo: b@example.test\r\nSubject: {name}\r\nMessage-ID: <{name}@client.test>\r\n\r\nbody of {name}\r\n".encode()


def on_server(engine, user, box="INBOX"):
    """{Message-ID: flags}"""
    found = {}
    with opened(served.server_of(engine, user)) as connection:
        connection.command(f"EXAMINE {box}")
        for response in connection.command("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[0]:
            if response.kind == "FETCH":
                items = fetched(response)
                name = re.search(r"<([^>]*)@client.test>", str(items["BODY[HEADER.FIELDS (MESSAGE-ID)]"])).group(1)
                assert name not in found, f"{name} is there twice"
                found[name] = frozenset(items["FLAGS"]) - {"\\Recent"}
    return found


# ---- imaplib ----

def test_imaplib(mail_engine):
    with inside(mail_engine.namespaces.client):
        session = imaplib.IMAP4(ENGINE_IPV4, timeout=30)
    with session:
        session.login(f"alice@{DOMAIN}", PASSWORD)
        # It asks once, before the login, and goes by that.
        session.capabilities = tuple(session.capability()[1][0].decode().upper().split())
        assert {"CONDSTORE", "QRESYNC", "ENABLE"} <= set(session.capabilities)
        assert session.create("Archive/2026")[0] == "OK"
        for number in range(3):
            assert session.append("INBOX", "(\\Flagged)" if number else "", imaplib.Time2Internaldate(1700000000 + number), message(f"lib{number}"))[0] == "OK"
        assert session.select("INBOX") == ("OK", [b"3"])
        assert session.search(None, "FLAGGED", "SUBJECT", '"lib"') == ("OK", [b"2 3"])
        (_, data), _ = session.fetch("2", "(UID INTERNALDATE BODY.PEEK[])")[1]
        assert data == message("lib1")
        assert session.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert session.expunge() == ("OK", [b"1"])
        assert session.uid("COPY", "2:3", "Archive/2026")[0] == "OK"
        assert session.status("Archive/2026", "(MESSAGES HIGHESTMODSEQ)")[1][0].startswith(b"Archive/2026 (MESSAGES 2 HIGHESTMODSEQ ")
        assert session.unselect()[0] == "OK" and session.enable("QRESYNC")[0] == "OK"
        session.select("INBOX")
        assert session.uid("FETCH", "1:*", "(FLAGS)", "(CHANGEDSINCE 1 VANISHED)")[0] == "OK"
        assert session.untagged_responses.get("VANISHED") == [b"(EARLIER) 1"]
        assert session.close()[0] == "OK"
        assert session.delete("Archive/2026")[0] == "OK"
    assert set(on_server(mail_engine, "alice")) == {"lib1", "lib2"}


# ---- curl ----

def curl(engine, path, *options):
    return engine.namespaces.run("curl", "--silent", "--show-error", "--max-time", 60, "--user", f"bob@{DOMAIN}:{PASSWORD}",
                                 f"imap://{ENGINE_IPV4}/{path}", *options, timeout=90).stdout


@pytest.mark.needs("curl")
def test_curl(mail_engine, tmp_path):
    for number in range(3):
        (tmp_path / "mail").write_bytes(message(f"curl{number}"))
        curl(mail_engine, "INBOX", "--upload-file", tmp_path / "mail")
    assert b'* LIST (\\HasNoChildren) "/" INBOX\r\n' in curl(mail_engine, "")
    assert curl(mail_engine, "INBOX?SUBJECT%20curl1") == b"* SEARCH 2\r\n"
    assert curl(mail_engine, "INBOX;UID=3") == message("curl2")
    assert curl(mail_engine, "INBOX;MAILINDEX=1;SECTION=TEXT") == b"body of curl0\r\n"
    curl(mail_engine, "INBOX", "--request", "STORE 1 +FLAGS \\Deleted")
    assert curl(mail_engine, "INBOX", "--request", "EXPUNGE").splitlines()[-1] == b"* 1 EXPUNGE"
    assert set(on_server(mail_engine, "bob")) == {"curl1", "curl2"}
