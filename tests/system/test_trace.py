# SPDX-License-Identifier: BSD-3-Clause
"""What is told of a message can be found again: records in a directory, hashed or not, the store, the log."""

import json
import re

import pytest
from lab import messages, records, schemas
from lab.commands import wait_until
from lab.smtp import Session

SENDER, ALICE, BOB = "sender@client.test", "alice@example.test", "bob@example.test"


def send(engine, name):
    with Session(engine.namespaces) as session:
        code, text = session.transaction(SENDER, [ALICE, BOB], messages.plain(name).data)[:2]
        session.quit()
    assert code == 250
    return text


def lines(engine, kind):
    return [row for path in sorted(engine.records.glob(f"{kind}-*.ndjson")) for row in records.rows(path)]


def wait_for(engine, count):
    wait_until(lambda: len(lines(engine, "message")) >= count, 10, "records of messages")
    wait_until(lambda: len(lines(engine, "connection")) >= count, 10, "records of connections")


def trace(engine, *query):
    found = engine.ask("trace", *query)
    assert found["complete"]
    return found["messages"]


def make(make_engine, **privacy):
    engine = make_engine(started=False)
    engine.records = engine.directory / "records"
    engine.settings["records"] = {"path": f"{engine.records}/", "privacy": {"keys": f"{engine.directory}/keys", **privacy}}
    engine.settings["log"] = {"target": "file", "path": f"{engine.directory}/lines", "format": "json"}
    engine.write()
    engine.start()
    return engine


def test_history_of_a_message(make_engine):
    engine = make(make_engine)
    before = len(lines(engine, "message"))
    send(engine, "one@client.test")
    send(engine, "two@client.test")
    wait_for(engine, before + 2)
    row = next(row for row in lines(engine, "message") if "one@client.test" in row["message"]["message_id"])
    for query in (row["id"], "<one@client.test>", "one@client.test"):
        found = trace(engine, query)
        assert list(found) == [row["id"]], query
        events = [step["event"] for step in found[row["id"]]]
        assert events.count("RCPT") == 2 and events.count("place") == 2 and "kept" in events
        assert events[0] == "connection" and events[-1] == "end of connection"
        times = [step["time"] for step in found[row["id"]]]
        assert times == sorted(times)
    assert len(trace(engine, ALICE)) == 2 and len(trace(engine, SENDER.upper(), "--since", "1h")) == 2
    assert not trace(engine, "nobody@example.test")
    assert engine.ctl("trace", ALICE, "--since", "soon", check=False).returncode == 1
    assert "end of connection" in engine.ctl("trace", row["id"]).stdout.decode()
    check_log(engine)


def check_log(engine):
    path = engine.directory / "lines"
    for line in path.read_text().splitlines():
        schemas.check("log", json.loads(line))
    path.rename(engine.directory / "lines.1")
    engine.ctl("reload")
    assert "is in force" in path.read_text()
    wait_until(lambda: [row["event"] for row in lines(engine, "engine")] == ["started", "reloaded"], 5, "the reload's record")


@pytest.mark.long
def test_hashed_records_are_found_while_their_key_is_there(make_engine):
    engine = make(make_engine, envelope="hash_local", content="hash", key_rotation="1h")
    send(engine, "hidden@client.test")
    wait_for(engine, 1)
    row = lines(engine, "message")[-1]
    assert re.fullmatch(r"hash:[0-9a-f]{8}:[0-9a-f]{24}@client\.test", row["message"]["mail_from"])
    assert re.fullmatch(r"hash:[0-9a-f]{8}:[0-9a-f]{24}", row["message"]["message_id"])
    assert row["message"]["rcpt_to"][0] == row["result"]["recipients"][0]["address"]
    text = "".join(path.read_text() for path in engine.records.glob("*.ndjson"))
    assert "alice" not in text and "hidden" not in text and "198.18.0.1" not in text
    for query in ("<hidden@client.test>", ALICE, SENDER):
        assert list(trace(engine, query)) == [row["id"]], query
    # A restart goes on with the key: what was equal is equal.
    engine.end()
    engine.start()
    send(engine, "hidden@client.test")
    wait_until(lambda: len(lines(engine, "message")) >= 2, 10, "the second record")
    assert lines(engine, "message")[-1]["message"]["message_id"] == row["message"]["message_id"]
    engine.end()
    (engine.directory / "keys").unlink()
    engine.start()
    assert not trace(engine, ALICE)
    # The settings change with a reload.
    engine.settings["records"]["privacy"]["envelope"] = "drop"
    engine.write()
    engine.ctl("reload")
    send(engine, "hidden@client.test")
    wait_until(lambda: lines(engine, "message")[-1]["message"]["mail_from"] is None, 10, "a record without envelope")
    assert records.messages(engine, ALICE) == 3
