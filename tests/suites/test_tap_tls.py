# SPDX-License-Identifier: BSD-3-Clause
"""TLS that goes by: described, and with a key log read like what is in the clear."""

import hashlib
import json
import random
import socket
import ssl
import subprocess

import pytest

import judge
from lab import captures, schemas
from lab.certificates import Authority
from lab.commands import wait_until
from tap_conversations import EHLO, MAIL, imap, lines, login, pipelined, pop3, smtp, turns
from tap_tls import SUITES, Relay, Talk, contexts, talk

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
    """What does not depend on when, where and how it was carried; what is odd about segments does."""
    rows = []
    for event in events:
        if event["kind"] not in KINDS or event["kind"] == "anomaly" and "offset" in event:
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


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["smtp", "pop3", "imap"])
def test_behind_starttls(told, made, name, version):
    """The conversation goes on behind the handshake: with EHLO, CAPA or LOGIN, and no greeting."""
    script, ask, go = {
        "smtp": (smtp(), b"STARTTLS", b"220 go ahead"), "pop3": (pop3(), b"STLS", b"+OK go ahead"),
        "imap": (imap(), b"s STARTTLS", b"s OK go ahead")}[name]
    before = [*(script[:3] if name == "smtp" else script[:1]), ("C", lines(ask)), ("S", lines(go))]
    spoken = talk(script[1:], made(version), before=before).close()
    clear, opened = told(script), told(spoken.script, made.keylog)
    tls = the_tls(opened)
    assert tls["opened"] and of(opened, "session")[0]["starttls"]
    ends = [row for row in facts(clear) if row["kind"] != "session"][1:]
    assert [row for row in facts(opened) if row["kind"] != "session"][-len(ends):] == ends
    assert len(of(opened, "message")) == len(of(clear, "message"))
    # Without the log nothing of it is told, and nothing is made up.
    closed = told(spoken.script)
    assert the_tls(closed)["unread"] == "no_key_log" and not of(closed, "message") and not of(closed, "login")
    assert len(of(closed, "command")) == sum(who == "C" for who, _ in before)


# ---- however it was captured ----

CHANGES = [captures.cut, captures.join, captures.shuffle, captures.repeat, captures.retransmit, captures.fragment]


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
def test_however_it_was_captured(told, made, suite):
    spoken = talk(SCRIPTS["smtp"], made(*SUITES[suite])).close()
    expected = facts(told(SCRIPTS["smtp"]))
    for number, change in enumerate(CHANGES):
        assert facts(told(spoken.script, made.keylog, lambda packets: change(packets, random.Random(number)))) == expected
    # A byte a segment: each record is cut at every point.
    assert facts(told(spoken.script, made.keylog, lambda packets: captures.cut(packets, random.Random(7), 1))) == expected


def whole_mails(told, tmp_path, *words, **options):
    """The messages that were written as whole ones, and what was told."""
    folder = tmp_path / "found"
    for old in folder.glob("*"):
        old.unlink()
    events = told(*words, words=("--extract", folder), **options)
    return {path.read_bytes() for path in folder.glob("*.eml")}, events


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"])
def test_each_segment_may_be_lost(told, made, tmp_path, suite):
    """Never misread: what is told as whole is, and what is not told has a reason."""
    spoken = talk(SCRIPTS["smtp"], made(*SUITES[suite])).close()
    count = len(captures.conversation(spoken.script))
    later = 0
    for gone in range(3 + (suite != "TLS_AES_128_GCM_SHA256"), count, 2):
        found, events = whole_mails(told, tmp_path, spoken.script, made.keylog,
                                    lambda packets: [p for n, p in enumerate(packets) if n != gone])
        assert found <= {MAIL}
        if not found and captures.conversation(spoken.script)[gone].payload:
            messages = of(events, "message")
            assert why(events) or any(a["name"] == "gap" for a in of(events, "anomaly")), gone
            later += any(reply["name"] == "QUIT" for reply in of(events, "reply")) and bool(messages)
    # A hole within one record costs that record alone.
    assert later > 2


def test_starts_in_the_middle(told, made, tmp_path):
    spoken = talk(SCRIPTS["smtp"], made()).close()
    for first in range(1, len(captures.conversation(spoken.script)), 3):
        found, _ = whole_mails(told, tmp_path, spoken.script, made.keylog, lambda packets: packets[first:])
        assert found <= {MAIL}


@pytest.mark.parametrize("way", "CS")
def test_one_direction(told, made, way):
    spoken = talk(SCRIPTS["smtp"], made()).close()
    events = told(spoken.script, made.keylog, lambda packets: [p for p in packets if (p.ports[0] == 40000) == (way == "C")])
    assert not of(events, "message") and not the_tls(events)["opened"] and the_tls(events)["unread"] == "no_hello"
    assert the_tls(events)["name"] == ("mx.example.test" if way == "C" else None)


# ---- the key log ----

def test_what_the_log_lacks(told, made):
    spoken = talk(SCRIPTS["smtp"], made()).close()
    expected = facts(told(SCRIPTS["smtp"]))
    rows = [row for row in made.keylog.read_text().splitlines() if not row.startswith("#")]
    for label, opened in (("CLIENT_HANDSHAKE_TRAFFIC_SECRET", True), ("SERVER_HANDSHAKE_TRAFFIC_SECRET", True),
                          ("CLIENT_TRAFFIC_SECRET_0", False), ("SERVER_TRAFFIC_SECRET_0", False), ("EXPORTER_SECRET", True)):
        made.keylog.write_text("\n".join(row for row in rows if not row.startswith(label + " ")))
        events = told(spoken.script, made.keylog)
        assert (facts(events) == expected) == opened, label
        if not opened:
            assert why(events) == {"unread_no_secret": 1} and not of(events, "message")
    made.keylog.write_text("")
    assert why(told(spoken.script, made.keylog)) == {"unread_no_secret": 1}


def test_a_wrong_secret_opens_nothing(told, made):
    spoken = talk(SCRIPTS["smtp"], made(ssl.TLSVersion.TLSv1_2)).close()
    label, client, secret = made.keylog.read_text().split()[-3:]
    made.keylog.write_text(f"{label} {client} {secret[:-1]}{'0' if secret[-1] != '0' else '1'}\n")
    events = told(spoken.script, made.keylog)
    assert why(events) == {"unread_forged": 1} and not of(events, "message") and not of(events, "command")


def test_lines_of_all_kinds(told, made):
    """Comments, blank lines, CR LF, labels of others and nonsense beside what is read; capital digits; no end."""
    spoken = talk(SCRIPTS["smtp"], made()).close()
    rows = [row for row in made.keylog.read_text().splitlines() if row and not row.startswith("#")]
    upper = [" ".join((row.split()[0], *(word.upper() for word in row.split()[1:]))) for row in rows]
    made.keylog.write_text("# a log\n\nRSA 0102 0304\nCLIENT_RANDOM xx yy\n" + "x" * 1000 + "\r\n" + "\r\n".join(upper))
    events = told(spoken.script, made.keylog)
    assert facts(events) == facts(told(SCRIPTS["smtp"]))
    assert of(events, "statistics")[0]["keylog"] == {"secrets": len(rows) - 1 - (not rows[-1].startswith("EXPORTER")), "misformed": 1,
                                                    "failed": 0} or of(events, "statistics")[0]["keylog"]["misformed"] == 1


def test_the_log_is_not_there(told, made, tmp_path):
    path = tmp_path / "conversation.pcap"
    path.write_bytes(captures.pcap(captures.conversation(SCRIPTS["smtp"])))
    done = subprocess.run([judge.BINARY, "tap", "--keylog", tmp_path / "none", "--pcap", path, "--json", "-"], capture_output=True, check=False)
    assert done.returncode == 1 and b"none cannot be read: No such file" in done.stderr


def test_the_log_grows_beside_the_capture(made, tmp_path):
    """Frames come by a pipe as they are captured, secrets a little later than what they open."""
    spoken = talk(SCRIPTS["smtp"], made()).close()
    secrets = made.keylog.read_text()
    data = captures.pcap(captures.conversation(spoken.script))
    made.keylog.write_text("")
    with subprocess.Popen([judge.BINARY, "tap", "--keylog", made.keylog, "--pcap", "-", "--json", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        process.stdin.write(data[:len(data) // 2])
        process.stdin.flush()
        made.keylog.write_text(secrets)
        process.stdin.write(data[len(data) // 2:])
        process.stdin.close()
        events = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert process.returncode == 0 and len(of(events, "message")) == 1 and the_tls(events)["opened"]


# ---- what is told of a handshake ----

def test_the_handshake(told, made, place):
    here, there = made(client=True)
    here.set_alpn_protocols(["smtp", "x"])
    there.set_alpn_protocols(["smtp"])
    events = told(talk(SCRIPTS["smtp"], (here, there)).close().script, made.keylog)
    event, = of(events, "tls")
    tls = event["tls"]
    assert (tls["version"], tls["name"], tls["resumed"], tls["retried"], tls["alert"]) == ("TLS1.3", "mx.example.test", False, False, None)
    assert tls["offered_versions"] == ["TLS1.3"] and tls["offered_alpn"] == ["smtp", "x"] and event["alpn"] == "smtp"
    for shown, item, subject in ((tls["certificates"], "server", "CN=mx.example.test"), (tls["client_certificates"], "client", "CN=client.test")):
        der = ssl.PEM_cert_to_DER_cert(open(place[item]["certificate"]).read())
        text = subprocess.run(["openssl", "x509", "-in", place[item]["certificate"], "-noout", "-serial", "-dates", "-dateopt", "iso_8601"],
                              capture_output=True, check=True, text=True).stdout.split("\n")
        told_of = shown[0]
        assert told_of["sha256"] == hashlib.sha256(der).hexdigest() and told_of["subject"] == subject
        assert told_of["issuer"] == "CN=test authority ca" and (told_of["key"], told_of["key_bits"]) == ("EC", 256)
        assert told_of["serial"] == text[0].split("=")[1].lower()
        assert [told_of[key].replace(".000", "") for key in ("not_before", "not_after")] == [
            row.split("=")[1].replace(" ", "T") for row in text[1:3]]
        # The capture is of 2023.
        assert not told_of["valid"]
    assert tls["certificates"][0]["names"] == ["mx.example.test", "mail.example.test"] == event["certificate_names"]


def test_a_chain_before_tls13_needs_no_log(told, made):
    spoken = talk(SCRIPTS["smtp"], made(ssl.TLSVersion.TLSv1_2, client=True)).close()
    tls = the_tls(told(spoken.script))
    assert tls["unread"] == "no_key_log" and tls["certificates"][0]["subject"] == "CN=mx.example.test"
    assert tls["client_certificates"][0]["subject"] == "CN=client.test"
    tls = the_tls(told(talk(SCRIPTS["smtp"], made()).close().script))
    assert tls["unread"] == "no_key_log" and tls["certificates"] == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption(told, made, version):
    both = made(version)
    first = talk(SCRIPTS["smtp"], both)
    again = talk(SCRIPTS["smtp"], both, session=first.ends["C"].tls.session).close()
    assert again.ends["C"].tls.session_reused
    assert not the_tls(told(first.script, made.keylog))["resumed"]
    events = told(again.script, made.keylog)
    assert the_tls(events)["resumed"] and facts(events) == facts(told(SCRIPTS["smtp"]))
    assert the_tls(told(again.script))["resumed"]


def test_another_hello(told, made):
    here, there = made()
    there.set_ecdh_curve("secp521r1")
    events = told(talk(SCRIPTS["smtp"], (here, there)).close().script, made.keylog)
    assert the_tls(events)["retried"] and facts(events) == facts(told(SCRIPTS["smtp"]))


def test_early_data_is_passed_over(told, place, tmp_path):
    """By openssl's own client and server; what is said behind it is read."""
    keylog, session, early = tmp_path / "keys", tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"EHLO early\r\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = {name: tmp_path / name for name in ("server", "first", "second")}

    def openssl(name, *words):
        with open(said[name], "wb") as out:
            return subprocess.Popen(["openssl", *map(str, words)], stdin=subprocess.PIPE, stdout=out, stderr=out)

    def say(process, line, script):
        before = len(script)
        process.stdin.write(line)
        process.stdin.flush()
        wait_until(lambda: len(script) > before, 10, f"{line} to go by")
    server = openssl("server", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", place["server"]["certificate"], "-key", place["server"]["key"],
                     "-early_data", "-max_early_data", "1000", "-naccept", "2")
    with server, Relay(port) as relay:
        wait_until(lambda: b"ACCEPT" in said["server"].read_bytes(), 10, "the server")
        client = ("s_client", "-connect", f"127.0.0.1:{relay.port}", "-tls1_3", "-keylogfile", keylog)
        with openssl("first", *client, "-sess_out", session) as first:
            wait_until(lambda: session.exists() and session.stat().st_size, 10, "a session")
            first.stdin.write(b"Q\n")
            first.stdin.flush()
        with openssl("second", *client, "-sess_in", session, "-early_data", early) as second:
            # A ticket ends the handshake.
            wait_until(lambda: said["second"].read_bytes().count(b"read R BLOCK"), 10, "the handshake")
            script = relay.scripts[1]
            say(server, b"220 mx ESMTP\n", script)
            say(second, b"EHLO later\n", script)
            say(server, b"250 mx\n", script)
            second.stdin.write(b"Q\n")
            second.stdin.flush()
    assert b"Early data was accepted" in said["second"].read_bytes()
    events = told(script, keylog)
    assert the_tls(events)["opened"] and the_tls(events)["resumed"] and not why(events)
    assert [event["text"] for event in of(events, "command")] == ["EHLO later"] and [reply["code"] for reply in of(events, "reply")] == [220, 250]


def test_a_handshake_that_fails(told, made, tmp_path):
    here, there = made(ssl.TLSVersion.TLSv1_2)
    spoken = Talk(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), there)
    with pytest.raises(ssl.SSLCertVerificationError):
        spoken.shake()
    spoken.move("C")
    tls = the_tls(told(spoken.script))
    assert tls["alert"] == {"from": "client", "fatal": True, "number": 48} and tls["unread"] == "ended"


@pytest.mark.parametrize("version, suites, reason", [
    (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", "suite"), (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-CCM", "suite"),
    (ssl.TLSVersion.TLSv1_1, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", "version")])
def test_what_is_not_opened(told, made, version, suites, reason):
    spoken = talk(SCRIPTS["smtp"], made(version, suites)).close()
    events = told(spoken.script, made.keylog)
    tls = the_tls(events)
    assert (tls["opened"], tls["unread"]) == (False, reason) and why(events) == {f"unread_{reason}": 1}
    assert tls["certificates"][0]["subject"] == "CN=mx.example.test" and tls["suite"].startswith("TLS_ECDHE_ECDSA_WITH_AES_")
    assert not of(events, "message") and not of(events, "command")


def test_not_mail(told, made):
    events = told(talk([("C", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("S", b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200_000))], made()).close().script,
                  made.keylog)
    assert the_tls(events)["opened"] and not of(events, "session")
    assert of(events, "statistics")[0]["protocol"]["tls"] == 1 and of(events, "statistics")[0]["protocol"]["unknown"] == 1


def test_tls_within_tls(told, made):
    inner = talk(SCRIPTS["smtp"], made())
    events = told(talk(inner.script, made()).close().script, made.keylog)
    assert not of(events, "message") and len(of(events, "tls")) == 1


def test_plain_bytes_where_a_record_belongs(told, made):
    script = talk(SCRIPTS["smtp"], made()).script
    at = next(n for n, (who, said) in enumerate(script) if n > 4 and who == "C")
    events = told([*script[:at], ("C", b"MAIL FROM:<a@client.test>\r\n"), *script[at:]], made.keylog)
    assert why(events) == {"unread_misformed": 1} and not of(events, "message")
    assert any(a["name"] == "tls_misformed" for a in of(events, "anomaly"))
    who, said = script[at]
    events = told([*script[:at], (who, said[:-1] + bytes([said[-1] ^ 1])), *script[at + 1:]], made.keylog)
    assert why(events) == {"unread_forged": 1} and not of(events, "message")
