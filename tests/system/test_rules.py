# SPDX-License-Identifier: BSD-3-Clause
"""Rules in a running engine: reloads, what they did, and what a client sees of it."""

import email
import pathlib
import time

import pytest
from lab import records
from lab.smtp import Session, inbox

SENDER = "sender@client.test"
ALICE = "alice@example.test"

RULES = """
rules:
  - {id: blue, scope: body, patterns: [{literal: BLUE}], action: reject, text: No blue}
  - {id: watched, scope: body, patterns: [{literal: WATCH}], action: reject, text: No, shadow: true}
  - id: bulk
    scope: body
    patterns: [{name: bulk, literal: BULK}]
    when: {all: [bulk, {not: {rule: friend}}]}
    tag: {header: 'X-Bulk: yes', subject: '[bulk] '}
  - {id: friend, scope: header.X-Friend, patterns: [{literal: 'yes'}]}
"""


@pytest.fixture
def ruled(make_engine, tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    engine = make_engine(changes={"rules": {"files": [str(path)], "cache": str(tmp_path / "cache")}, "profile": {"sample": 1}})
    engine.rules = path
    return engine


def send(engine, body, header=b""):
    message = b"Subject: colours\r\nMessage-ID: <" + body + b"@client.test>\r\n" + header + b"\r\n" + body + b"\r\n"
    with Session(engine.namespaces) as session:
        code = session.transaction(SENDER, (ALICE,), message)[0]
        session.quit()
    return code


def rule(engine, name):
    return next(row for row in engine.ask("rules")["rules"] if row["id"] == name)


def test_hits_are_told_over_reloads(ruled):
    assert send(ruled, b"BLUE") == 550
    assert send(ruled, b"WATCH") == 250
    assert send(ruled, b"plain") == 250
    blue, watched = rule(ruled, "blue"), rule(ruled, "watched")
    assert (blue["hits"], watched["hits"], rule(ruled, "bulk")["hits"]) == (1, 1, 0)
    assert watched["mode"] == "shadow" and abs(blue["last_hit_ms"] / 1000 - time.time()) < 60
    assert blue["scopes"] == ["body"] and blue["cycles_per_message_apportioned"] > 0
    body = next(row for row in ruled.ask("rules")["scopes"] if row["scope"] == "body")
    assert body["patterns"] == 3 and body["measured_bytes"] > 0 and body["sample_ns_per_kib"] > 0
    assert b"cycles_per_message_apportioned" in ruled.ctl("rules").stdout
    # The counts go on where the id stays.
    ruled.rules.write_text(RULES.replace("BLUE", "GREEN"))
    ruled.ctl("reload")
    assert send(ruled, b"BLUE") == 250 and send(ruled, b"GREEN") == 550
    assert rule(ruled, "blue")["hits"] == 2


def test_wrong_rules_leave_the_running_ones(ruled):
    ruled.rules.write_text(RULES + "  - {id: a, when: {rule: b}}\n  - {id: b, when: {rule: a}}\n  - {id: c, scope: x}\n")
    answer = ruled.ctl("reload", check=False)
    assert answer.returncode != 0
    assert b"rules.yaml:13: rule 'c': expected a scope" in answer.stderr
    ruled.rules.write_text(RULES + "  - {id: a, when: {rule: b}}\n  - {id: b, when: {rule: a}}\n")
    answer = ruled.ctl("reload", check=False)
    assert b"rules.yaml:11: rule 'a': its logic leads back to itself" in answer.stderr
    assert send(ruled, b"BLUE") == 550 and send(ruled, b"fine") == 250


def test_forged_fields_are_not_shown(ruled):
    """What a POP3 reader takes for ours is ours: Return-Path, X-Wirepost-*, and a field that a rule adds."""
    forged = b"Return-Path: <boss@example.test>\r\nX-Wirepost-Rule: friend\r\nX-Bulk: no\r\n"
    assert send(ruled, b"BULK", forged) == 250
    stored, _uids = inbox(ruled.namespaces, ALICE)
    [data] = stored.values()
    mail = email.message_from_bytes(bytes(data))
    assert mail.get_all("Return-Path") == [f"<{SENDER}>"] and mail.get_all("X-Bulk") == ["yes"]
    assert mail.get_all("X-Wirepost-Rule") == ["bulk"]
    assert mail.get_all("X-turn-Path") == ["<boss@example.test>"]
    assert mail.get_all("Y-Bulk") == ["no"] and mail.get_all("Y-Wirepost-Rule") == ["friend"]
    assert ruled.ask("counters")["fields_hidden"] == 3


def test_tenants_have_rules_of_their_own(make_engine, tmp_path):
    rules = tmp_path / "rules.yaml"
    own = "rules:\n- {id: own, scope: body, patterns: [{literal: RED}], tenants: acme, action: reject, text: No red}\n"
    rules.write_text(own)
    engine = make_engine(changes={"rules": {"files": [str(rules)]},
                                  "domains": [{"name": "example.test", "tenant": "acme"}]})
    engine.rules = rules
    assert send(engine, b"RED") == 550 and send(engine, b"BLUE") == 250
    rules.write_text(own.replace("acme", "other"))
    answer = engine.ctl("reload", check=False)
    assert answer.returncode != 0
    assert b"rules.yaml:2: rule 'own': expected a tenant that a domain has, not 'other'" in answer.stderr
    assert send(engine, b"RED") == 550
    rules.write_text(own.replace("tenants: acme", "except_tenants: acme"))
    engine.ctl("reload")
    assert send(engine, b"RED") == 250


def test_damaged_cache_is_rebuilt(ruled):
    cached = list(pathlib.Path(ruled.settings["rules"]["cache"]).glob("*.rules"))
    assert len(cached) == 1
    whole = cached[0].read_bytes()
    cached[0].write_bytes(whole[: len(whole) // 2])
    ruled.ctl("reload")
    assert send(ruled, b"BLUE") == 550 and send(ruled, b"fine") == 250
    assert cached[0].read_bytes() == whole


def test_a_tagged_subject_is_the_only_one(ruled):
    assert send(ruled, b"BULK") == 250
    assert send(ruled, b"BULK2", b"X-Friend: yes\r\n") == 250
    stored, _uids = inbox(ruled.namespaces, ALICE)
    mails = {bytes(data).split(b"\r\n")[-2]: email.message_from_bytes(data) for data in stored.values()}
    assert mails[b"BULK"].get_all("Subject") == ["[bulk] colours"]
    assert mails[b"BULK"].get_all("X-Bulk") == ["yes"] and mails[b"BULK"]["X-Title"] == "colours"
    assert mails[b"BULK2"].get_all("Subject") == ["colours"] and mails[b"BULK2"]["X-Bulk"] is None
    entry = next(e for e in records.mailbox(ruled, ALICE))
    assert entry["size"] in {len(data) for data in stored.values()}
