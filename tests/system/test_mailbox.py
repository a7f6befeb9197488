# SPDX-License-Identifier: BSD-3-Clause
"""Mail that is there: quarantine and release, the audit log, erasing, import and export."""

import concurrent.futures

import pytest
from lab import messages, records
from lab.commands import wait_until
from lab.smtp import Session, inbox

SENDER = "sender@client.test"
ALICE = "alice@example.test"
BOB = "bob@example.test"
CAROL = "carol@example.test"
DAVE = "dave@example.test"
BY = ("--by", "the operator", "--why", "asked for by the recipient")

RULES = """rules:
  - id: hold-back
    scope: subject
    patterns:
      - literal: "plain"
    action: quarantine
  - id: throw-away
    scope: header.Message-ID
    patterns:
      - literal: "discard@"
    action: discard
  - id: send-back
    scope: header.Message-ID
    patterns:
      - literal: "reject@"
    action: reject
    text: Not here
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """Holds back all mail of messages.plain()."""
    file = tmp_path_factory.mktemp("rules") / "hold.yaml"
    file.write_text(RULES)
    return {"files": [str(file)], "cache": ""}


@pytest.fixture
def engine(request, shared_bench, rules):
    """One engine for the tests that need no other limits; each has an account of its own."""
    if not shared_bench.engines:
        shared_bench(changes={"rules": rules, "store": {"quota": "64KiB"}, "quarantine": {"quota": "1MiB"}})
    request.node.engines = shared_bench.engines
    return shared_bench.engines[0]


def deliver(engine, message_id, recipients=(ALICE,), size=400, sender=SENDER):
    mail = messages.plain(message_id, size)
    with Session(engine.namespaces) as session:
        code = session.transaction(sender, recipients, mail.data)[0]
        session.quit()
    return mail, code


def held(engine, *account):
    return engine.ask("quarantine", "list", *account)


def audit_records(engine, identity):
    """The records of what was done to a message; they follow the change."""
    def found():
        return [row["audit"] for row in records.read(engine, "audit") if row["id"] == identity]
    return wait_until(found, 5, "records of the audit log")


def test_release_delivers_once_with_its_envelope(engine):
    mail, code = deliver(engine, "held@client.test")
    assert code == 250
    assert inbox(engine.namespaces, ALICE)[0] == {}
    [row] = held(engine, ALICE)
    assert (row["rcpt_to"], row["mail_from"], row["rule"]) == (ALICE, SENDER, "hold-back")
    assert engine.ask("quarantine", "show", ALICE, row["id"])["mail_from"] == SENDER
    assert engine.ask("mailbox", "status", ALICE)[0]["octets"] == 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: engine.ctl("quarantine", "release", ALICE, row["id"], *BY, check=False).returncode,
                              range(8)))
    assert sorted(codes) == [0] + [1] * 7
    # Before the crash, which may lose the last records, never a row of the log.
    [told] = audit_records(engine, row["id"])
    engine.kill()
    engine.start()
    stored, _ = inbox(engine.namespaces, ALICE)
    [data] = stored.values()
    assert data.endswith(mail.data) and data.startswith(f"Return-Path: <{SENDER}>\r\nDelivered-To: ".encode())
    assert held(engine, ALICE) == []
    # No rule judged it again: the only verdict there ever was is that of its arrival.
    assert len(records.of_message(engine, mail.message_id)) == 1
    [entry] = engine.ask("audit")
    assert (entry["action"], entry["who"], entry["why"]) == ("release", BY[1], BY[3])
    assert (entry["id"], entry["address"], entry["rule"]) == (row["id"], ALICE, "hold-back")
    assert engine.ask("audit", str(entry["sequence"])) == []
    assert told == entry
    assert engine.ask("message", "show", row["id"])["mail_from"] == SENDER


def test_delete_wants_who_and_why(engine):
    deliver(engine, "deleted@client.test", (ALICE, BOB))
    assert [row["rcpt_to"] for row in held(engine)] == [ALICE, BOB]
    identity = held(engine, BOB)[0]["id"]
    for words, code, told in ((("--by", "me"), 2, b"--why TEXT"), (("--why", "spam"), 2, b"--by WHO"),
                              (("--by", "me", "--why", ""), 1, b"--why TEXT")):
        refused = engine.ctl("quarantine", "delete", BOB, identity, *words, check=False)
        assert refused.returncode == code and told in refused.stderr, refused.stderr
    assert len(held(engine)) == 2
    assert engine.ask("quarantine", "delete", BOB, identity, *BY)[0]["outcome"] == "deleted"
    assert [row["rcpt_to"] for row in held(engine)] == [ALICE]
    assert [row["action"] for row in audit_records(engine, identity)] == ["delete"]


def test_a_full_inbox_refuses_a_release(engine):
    deliver(engine, "large@client.test", (CAROL,), size=100000)
    [row] = held(engine, CAROL)
    refused = engine.ctl("quarantine", "release", row["id"], *BY, check=False)
    assert refused.returncode == 1 and b"the inbox is full" in refused.stderr
    assert held(engine, CAROL) == [row]


def test_discard_leaves_the_record_of_a_rejection(engine):
    rows = {}
    for what, code in (("discard", 250), ("reject", 550)):
        before = engine.ask("mailbox", "list", BOB)
        mail, answer = deliver(engine, f"{what}@client.test", (BOB, CAROL))
        assert answer == code
        assert engine.ask("mailbox", "list", BOB) == before
        wanted = f"<{mail.message_id}>"
        [rows[what]] = wait_until(lambda: [row for row in records.read(engine, "message")
                                           if row["message"]["message_id"] == wanted],  # noqa: B023
                                  5, "the record")
    assert rows["discard"]["result"]["verdict"] == "discard" and rows["reject"]["result"]["verdict"] == "reject"
    assert rows["discard"]["result"]["rule"] == "throw-away"
    for part in ("message", "context", "result"):
        assert rows["discard"][part].keys() == rows["reject"][part].keys()


@pytest.mark.long
def test_expiry_and_a_full_quarantine(make_engine, rules):
    engine = make_engine(changes={"rules": rules, "quarantine": {"quota": "64KiB", "expiry": "3s"}})
    for number in range(4):
        assert deliver(engine, f"one{number}@client.test", size=20000)[1] == 250
    assert len(held(engine, ALICE)) == 3
    wait_until(lambda: held(engine, ALICE) == [], 10, "the expiry of the quarantine")
    actions = [row["action"] for row in engine.ask("audit")]
    assert actions == ["evict", "expire", "expire", "expire"]
    engine.settings["quarantine"] = {"quota": "64KiB", "expiry": "none", "full": "defer"}
    engine.settings["smtp"]["message_size"] = "64KiB"
    engine.write()
    engine.ctl("reload")
    codes = [deliver(engine, f"two{number}@client.test", size=20000)[1] for number in range(4)]
    assert codes == [250, 250, 250, 452]


def test_erase_says_what_remains(engine):
    before = len(engine.ask("audit"))
    for number in range(3):
        deliver(engine, f"gone{number}@client.test", (DAVE, BOB))
    # Greylisting remembers whom a stranger wrote to.
    local = engine.settings["domains"]
    engine.settings["domains"] = [{**local[0], "greylist": True}]
    engine.write()
    engine.ctl("reload")
    assert deliver(engine, "stranger@client.test", (DAVE,))[1] == 451 and deliver(engine, "known@client.test", (BOB,))[1] == 451
    # It is kept behind the answer.
    wait_until(lambda: [row["rcpt_to"] for row in engine.ask("greylist", "list")] == [BOB, DAVE], 5, "both to be remembered")
    engine.settings["domains"] = local
    engine.write()
    engine.ctl("reload")
    refused = engine.ctl("account", "erase", DAVE, *BY, check=False)
    assert refused.returncode == 1 and b"still lists" in refused.stderr
    engine.settings["accounts"] = [a for a in engine.settings["accounts"] if a["address"] != DAVE]
    engine.write()
    engine.ctl("reload")
    answer = engine.ask("account", "erase", DAVE, *BY)
    assert answer["messages"] == 3 and answer["greylist"] == 1
    assert [row["rcpt_to"] for row in engine.ask("greylist", "list")] == [BOB]
    remains = {row["what"]: row["how_much"] for row in answer["remains"]}
    assert "log" in remains
    assert remains["audit log"] == "2 rows" and str(engine.records) == remains["records"]
    assert any(what.startswith("bodies") and how_much.startswith("3 messages") for what, how_much in remains.items())
    assert len(held(engine, BOB)) == 3 and DAVE not in {row["rcpt_to"] for row in held(engine)}
    assert engine.ctl("mailbox", "list", DAVE, check=False).returncode == 1
    assert [row["action"] for row in engine.ask("audit")][before:] == ["erase", "erased"]
