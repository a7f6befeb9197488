# SPDX-License-Identifier: BSD-3-Clause
"""Limits, greylisting, banners that wait; and clients that take what they can and give nothing."""

import socket
import time
from contextlib import ExitStack

import pytest
from lab import messages
from lab.commands import wait_until
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session, inbox

ALICE = "alice@example.test"
SENDER = "sender@client.test"


def deliver(engine, message_id, sender=SENDER):
    with Session(engine.namespaces) as session:
        return session.transaction(sender, [ALICE], messages.plain(message_id).data)


def test_connections_of_an_address_are_limited_over_workers(make_engine):
    engine = make_engine(workers=2, changes={"limits": {"address": {"connections": 5}}})
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(engine.namespaces)) for _ in range(5)]
        refused = stack.enter_context(Session(engine.namespaces, greet=False))
        code, text = refused.reply()
        assert code == 421 and "4.7.0" in text and refused.ended()
        sessions[0].quit()
        assert deliver(engine, "room@client.test")[0] == 250
    assert engine.ask("counters")["smtp_reply_address_sessions"] >= 1


def test_reload_changes_limits(lone_engine):
    engine = lone_engine
    assert deliver(engine, "before@client.test")[0] == 250
    engine.settings["limits"]["sender"] = {"messages": 1}
    engine.write()
    engine.ctl("reload")
    assert deliver(engine, "one@client.test")[0] == 250
    code, text = deliver(engine, "two@client.test")
    assert code == 450 and "4.7.1" in text
    engine.settings["limits"]["networks"] = [{"network": "198.18.0.0/24", "trusted": True}]
    engine.write()
    engine.ctl("reload")
    assert deliver(engine, "trusted@client.test")[0] == 250


def test_who_speaks_first_is_refused(lone_engine):
    engine = lone_engine
    engine.settings.setdefault("smtp", {})["greet_delay"] = "500ms"
    engine.write()
    engine.ctl("reload")
    with Session(engine.namespaces, greet=False) as early:
        early.send(b"EHLO early.test\r\n")
        assert early.reply()[0] == 554
    began = time.monotonic()
    assert deliver(engine, "patient@client.test")[0] == 250
    assert time.monotonic() - began >= 0.5


def test_greylisting(make_engine):
    changes = {"domains": [{"name": "example.test", "greylist": True}], "greylist": {"delay": "1s"}}
    engine = make_engine(changes=changes)
    code, text = deliver(engine, "stranger@client.test")
    assert code == 451 and "4.7.1" in text
    time.sleep(1.1)
    # What is known outlives the engine, though nobody waited for it to be on the disk.
    engine.kill()
    engine.start()
    assert deliver(engine, "again@client.test")[0] == 250
    assert deliver(engine, "known@client.test")[0] == 250
    assert deliver(engine, "other@client.test", "other@client.test")[0] == 451
    assert deliver(engine, "null@client.test", "")[0] == 250
    rows = engine.ask("greylist", "list")
    assert {row.get("mail_from") for row in rows} == {None, SENDER, "other@client.test"}
    assert {row["network"] for row in rows} == {"198.18.0.0/24"}
    assert engine.ask("greylist", "remove", "198.18.0.0/24") == {"removed": 3}
    row = engine.ask("audit")[-1]
    assert (row["action"], row["address"], row["messages"]) == ("greylist-remove", "198.18.0.0/24", 3)
    assert deliver(engine, "forgotten@client.test")[0] == 451
    counters = engine.ask("counters")
    assert counters["greylist_passed"] == 1 and counters["greylist_unasked"] == 0
    assert counters["smtp_reply_greylisted"] == 2


@pytest.mark.long
def test_greylisting_forgets_without_mail(make_engine):
    """Rows whose time is over go by themselves: nobody sends, and no domain asks for greylisting any more."""
    engine = make_engine(changes={"domains": [{"name": "example.test", "greylist": True}]})
    assert deliver(engine, "stranger@client.test")[0] == 451
    assert len(engine.ask("greylist", "list")) == 1
    engine.end()
    engine.settings["domains"] = [{"name": "example.test"}]
    engine.write()
    if not engine.fake_clock(FAKETIME="+3d"):
        pytest.skip("libfaketime is not installed")
    engine.start(reachable=False)
    # The row goes first, and is counted behind that, by another thread than the one that answers here.
    wait_until(lambda: engine.ask("greylist", "list") == [] and engine.ask("counters")["greylist_swept"], 10,
               "the end of a row that nobody uses")
    counters = engine.ask("counters")
    assert counters["greylist_swept"] == 1 and counters["greylist_asked"] == 0


@pytest.mark.long
def test_others_go_on_beside_slow_and_deaf_clients(lone_engine):
    engine = lone_engine
    with ExitStack() as stack:
        slow, deaf = [], []
        with inside(engine.namespaces.client):
            for kind in [slow] * 300 + [deaf] * 20:
                connection = stack.enter_context(socket.create_connection((ENGINE_IPV4, 25), timeout=10))
                connection.setblocking(False)
                kind.append(connection)
        # Each of these asks for more than fits, and reads none of it.
        for connection in deaf:
            try:
                while True:
                    connection.send(b"EHLO deaf.test\r\n" * 1000)
            except BlockingIOError:
                pass
        for letter in b"EHLO":
            for connection in slow:
                connection.send(bytes([letter]))
            assert deliver(engine, f"beside{letter}@client.test")[0] == 250
        counters = engine.ask("counters")
        assert counters["sessions_open"] >= 320
        assert counters["messages_accepted"] == 4
    assert len(inbox(engine.namespaces, ALICE)[0]) == 4
