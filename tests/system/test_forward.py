# SPDX-License-Identifier: BSD-3-Clause
"""Addresses here that lead to other servers: what is for them waits in the queue, in whatever back end they stand."""

import pytest
from lab.engine import PASSWORD, crypt
from lab.smtp import Session, inbox

HERE, STRANGER = "example.test", "sender@client.test"
NAMES = ("postmaster", "alice", "bob")


@pytest.fixture(scope="module")
def engine(shared_bench):
    accounts = [{"address": f"{name}@{HERE}", "password": crypt(PASSWORD)} for name in NAMES]
    accounts[1]["forward"] = ["Alice@Far.example", "a@other.example"]
    accounts[2].update(forward=["bob@far.example"], keep_copy=False)
    engine = shared_bench(changes={
        "accounts": accounts,
        "aliases": [{"address": f"abuse@{HERE}", "members": [f"postmaster@{HERE}"]},
                    {"address": f"out@{HERE}", "forward": ["out@far.example"]},
                    {"address": f"mixed@{HERE}", "members": [f"out@{HERE}", f"bob@{HERE}", f"postmaster@{HERE}"]}],
        "directory": {"backends": ["yaml", "store"]},
    })
    engine.ask("domain", "add", "store.test", "detail_separator=+", f"catch_all=postmaster@{HERE}")
    return engine


def send(engine, recipients, ident, sender=STRANGER, fields=()):
    data = "\r\n".join([f"From: {STRANGER}", f"X-Ident: {ident}", *fields, "", "text", ""]).encode()
    with Session(engine.namespaces) as session:
        return session.transaction(sender, recipients, data)[0]


def queued(engine):
    return [(row["rcpt_to"], row["mail_from"], row["state"]) for row in engine.ask("queue", "list")]


def new(engine, before):
    return queued(engine)[len(before):]


def test_what_the_configuration_forwards(engine):
    """With and without a copy, by aliases of aliases, each address once; to nobody who is not in the directory."""
    before = queued(engine)
    assert send(engine, [f"alice@{HERE}"], "copy") == 250
    assert new(engine, before) == [(to, STRANGER, "queued") for to in ("Alice@far.example", "a@other.example")]
    stored, _uids = inbox(engine.namespaces, f"alice@{HERE}")
    assert any(b"X-Ident: copy" in data and data.startswith(b"Return-Path: ") for data in stored.values())
    before = queued(engine)
    assert send(engine, [f"bob@{HERE}", f"mixed@{HERE}", f"out@{HERE}"], "mixed", sender="") == 250
    assert new(engine, before) == [(to, "", "queued") for to in ("bob@far.example", "out@far.example")]
    assert not inbox(engine.namespaces, f"bob@{HERE}")[0]
    assert any(b"X-Ident: mixed" in data for data in inbox(engine.namespaces, f"postmaster@{HERE}")[0].values())
    assert send(engine, ["bob@far.example"], "relay") == 550


def test_what_the_store_forwards(engine):
    engine.ask("account", "add", "keeps@store.test", "forward=k@far.example")
    engine.ask("account", "add", "away@store.test", "forward=x@far.example", "forward=Y@Far.example", "keep_copy=off")
    engine.ask("alias", "add", "list@store.test", "away@store.test", f"bob@{HERE}", "forward=z@far.example")
    [row] = engine.ask("account", "list", "store.test")[:1]
    assert row["address"] == "away@store.test" and row["forward"] == ["x@far.example", "Y@far.example"] and not row["keep_copy"]
    assert engine.ask("alias", "list") == [{"alias": "list@store.test", "members": ["away@store.test", f"bob@{HERE}"],
                                            "forward": ["z@far.example"]}]
    before = queued(engine)
    assert send(engine, ["list+detail@store.test", "keeps@store.test"], "store") == 250
    assert [row[0] for row in new(engine, before)] == ["x@far.example", "Y@far.example", "bob@far.example", "z@far.example",
                                                       "k@far.example"]
    # A change is known at once, to those who lead there too.
    engine.ask("account", "set", "away@store.test", "forward=")
    before = queued(engine)
    assert send(engine, ["list@store.test"], "changed") == 250
    assert [row[0] for row in new(engine, before)] == ["bob@far.example", "z@far.example"]
    for words in (("account", "set", "away@store.test", f"forward=x@{HERE}"), ("account", "set", "away@store.test", "forward=x"),
                  ("alias", "set", "list@store.test", "forward=x@store.test"), ("alias", "set", "list@store.test", "x@far.example")):
        assert engine.ctl(*words, check=False).returncode != 0, words


def test_a_loop_ends(engine):
    """RFC 5321 section 6.3, RFC 9228: it comes back with what the forwarder wrote into it."""
    before = queued(engine)
    assert send(engine, [f"out@{HERE}"], "once") == 250
    row = engine.ask("queue", "list")[-1]
    header = engine.ctl("message", "export", row["id"]).stdout.split(b"\r\n\r\n")[0].decode()
    assert header.startswith(f"Delivered-To: out@{HERE}\r\nReceived: ") and f"for <out@{HERE}>" in header and "far.example" not in header
    assert send(engine, [f"out@{HERE}"], "again", fields=[header]) == 554
    assert send(engine, [f"out@{HERE}", f"postmaster@{HERE}"], "held", fields=[header]) == 250
    assert [row[2] for row in new(engine, before)] in (["queued", "held"], ["held", "queued"])


def test_it_survives_kill(engine):
    assert send(engine, [f"mixed@{HERE}"], "killed") == 250
    before = queued(engine)
    engine.kill()
    engine.start()
    assert queued(engine) == before and len(before) > 2
    assert engine.ctl("fsck").returncode == 0
