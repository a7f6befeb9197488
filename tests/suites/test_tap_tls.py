# SPDX-License-Identifier: BSD-3-Clause
"""TLS that goes by: described, and with a key log read like what is in the clear."""

import hashlib
import json
import random
import ssl
import subprocess
from dataclasses import replace

import pytest

import judge
from lab import captures, schemas
from lab.certificates import Authority
from tap_conversations import EHLO, MAIL, imap, lines, login, pipelined, pop3, smtp, turns
from tap_tls import SUITES, Talk, contexts, talk

KINDS = ("message", "part", "login", "command", "reply", "session", "anomaly")
SCRIPTS = {"smtp": smtp(), "pipelined": pipelined(), "login": login(), "pop3": pop3(), "imap": imap()}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An authority, a server's certificate and a client's."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "ca")
    return {"folder": folder, "authority": authority.file, "server": authority.sign("mx", "mx.example.test", "mail.example.test"),
            "client": authority.sign("client", "client.test")}


def tap(path, *words, status=0):
    done = subprocess.run([judge.BINARY, "tap", "--commands", *map(str, words), "--pcap", path, "--json", "-"], capture_output=True,
                          check=False)
    assert done.returncode == status, done.stderr.decode()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows if schemas.available() else ():
        schemas.check_record(row)
    return rows


@pytest.fixture
def told(tmp_path):
    def run(script, keylog=None, change=None, words=(), **options):
        path = tmp_path / "conversation.pcap"
        packets = captures.conversation(script, **options)
        path.write_bytes(captures.pcap(change(packets) if change else packets))
        return tap(path, *(("--keylog", keylog) if keylog else ()), *words)
    return run


@pytest.fixture
def made(place, tmp_path):
    keylog = tmp_path / "keys.log"

    def make(version=None, suites=None, client=False):
        return contexts(place["server"], place["authority"], keylog, version, suites, place["client"] if client else None)
    make.keylog = keylog
    return make


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def facts(events):
    """What does not depend on when, where and how it was carried."""
    rows = []
    for event in events:
        if event["kind"] not in KINDS:
            continue
        row = {key: value for key, value in event.items() if key not in ("time", "flow", "connection", "id", "context", "opened")}
        if event["kind"] in ("part", "rule"):
            row.pop("message")
        rows.append(row)
    return rows


def the_tls(events):
    event, = of(events, "tls")
    return event["tls"]


def why(events):
    return {name: count for name, count in of(events, "statistics")[0]["tls"].items() if name.startswith("unread_") and count}


# ---- the same as in the clear ----

@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_as_in_the_clear(told, made, name, suite):
    version, ciphers = SUITES[suite]
    spoken = talk(SCRIPTS[name], made(version, ciphers)).close()
    clear, opened = told(SCRIPTS[name]), told(spoken.script, made.keylog)
    assert facts(opened) == facts(clear) and facts(clear)
    tls = the_tls(opened)
    assert tls["opened"] and tls["unread"] is None
    assert of(opened, "session")[0]["opened"] and not of(clear, "session")[0]["opened"]
    assert tls["suite"] == (suite if ciphers else spoken.ends["C"].tls.cipher()[0])
    assert not why(opened)
