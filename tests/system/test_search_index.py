# SPDX-License-Identifier: BSD-3-Clause
"""The search index of a running engine: what SEARCH says is right before it is caught up, after kill -9, and while it is made anew."""

import imaplib
import threading
from pathlib import Path

import pytest
from lab.commands import wait_until
from lab.engine import PASSWORD
from lab.imap import served
from lab.smtp import Session

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
ALICE = "alice@example.test"
COUNT = 20


class Client(imaplib.IMAP4):
    def __init__(self, engine):
        self.engine = engine
        super().__init__()
        self.login(ALICE, PASSWORD)
        self.select("INBOX")

    def open(self, host="", port=143, timeout=None):
        self.sock = served.server_of(self.engine).connect()
        self.file = self.sock.makefile("rb")

    def find(self, *keys):
        status, answer = self.search(None, *keys)
        assert status == "OK"
        return [int(number) for number in answer[0].split()]


def deliver(engine, first, count):
    with Session(engine.namespaces) as session:
        for number in range(first, first + count):
            data = f"Subject: =?utf-8?q?Stra=C3=9Fe_{number}?=\r\nFrom: a@client.test\r\n\r\nthe needle{number}end and hay\r\n"
            assert session.transaction("sender@client.test", [ALICE], data.encode())[0] == 250


def indexed(engine, count):
    status = engine.ask("index", "status")
    return status["caught_up"] and status["documents"] == count and status["lag"] == 0


def right(client, count):
    assert client.find("TEXT", '"hay"') == list(range(1, count + 1))
    assert client.find("BODY", '"needle7END"') == [8]
    assert client.find("SUBJECT", '"STRASSE 3"', "NOT", "TEXT", '"eedle3e"') == [number + 1 for number in range(count) if str(number)[0] == "3" and number != 3]
    assert client.find("TEXT", '"nowhere"') == []


def test_search_with_an_index(make_engine):
    engine = make_engine(changes={**served.CHANGES, "index": {"enabled": True}})
    deliver(engine, 0, COUNT)
    client = Client(engine)
    right(client, COUNT)
    wait_until(lambda: indexed(engine, COUNT), 30, "the index has caught up")
    right(client, COUNT)
    counters = engine.ask("counters")
    assert counters["index_searches"] >= 8 and counters["index_documents"] == COUNT
    assert not any(value for name, value in counters.items() if name.startswith("index_errors_"))
    deliver(engine, COUNT, COUNT)
    engine.kill()
    engine.start()
    client = Client(engine)
    right(client, 2 * COUNT)
    wait_until(lambda: indexed(engine, 2 * COUNT), 30, "the index has caught up")
    right(client, 2 * COUNT)
    stop = threading.Event()
    again = []

    def rebuild():
        while not stop.is_set():
            again.append(engine.ask("index", "rebuild", ALICE))
    thread = threading.Thread(target=rebuild)
    thread.start()
    for _ in range(2):
        right(client, 2 * COUNT)
    stop.set()
    thread.join()
    assert again
    wait_until(lambda: indexed(engine, 2 * COUNT), 30, "the index has caught up")
    status = engine.ask("index", "status", ALICE)
    assert status["documents"] == 2 * COUNT and status["bytes"] > 0
    client.store("1:3", "+FLAGS", "(\\Deleted)")
    client.expunge()
    wait_until(lambda: indexed(engine, 2 * COUNT - 3), 30, "what was expunged has left the index")
    client.logout()
    files = Path(engine.settings["store"]["path"]) / "index"
    assert len(list(files.glob("0*.db"))) == 1


def test_without_an_index(make_engine):
    engine = make_engine(changes=served.CHANGES)
    deliver(engine, 0, COUNT)
    right(Client(engine), COUNT)
    refused = engine.ctl("index", "status", check=False)
    assert refused.returncode != 0 and b"there is no index" in refused.stderr + refused.stdout
