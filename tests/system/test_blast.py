# SPDX-License-Identifier: BSD-3-Clause
"""The load generator against servers: what it measures, what it reads back, what it refuses to do."""

import email
import email.policy
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab import schemas
from lab.commands import end, run, start, wait_until
from lab.engine import PASSWORD, binary
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, Namespaces

FAKES = Path(__file__).with_name("mail_fakes.py")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "blast.yaml"
OURS = "198.18.0.77/24"


def blast(namespace, port, *words, to, status=0, timeout=60):
    """The result in JSON, as its schema says."""
    result = run("ip", "netns", "exec", namespace, binary(), "blast", "--dev", port, "--address", OURS,
                 "--to", to, "--json", "-", *words, check=False, timeout=timeout)
    assert result.returncode == status, result.stderr.decode() + result.stdout.decode()
    told = json.loads(result.stdout)
    if schemas.available():
        schemas.check("blast", told)
    return told


@contextmanager
def server(*command):
    """A server at 198.18.0.1 behind the kernel's TCP; blast takes the other end of the cable."""
    with Namespaces("wpt") as namespaces:
        process = start(*namespaces.command(*command))
        listening = ["ss", "-Hltn", "sport = :25"]
        wait_until(lambda: namespaces.run(*listening).stdout, 10, "the server")
        try:
            yield namespaces
        finally:
            end(process)


@pytest.fixture(scope="module")
def quiet_engine(shared_bench):
    """An engine for several tests, without rules; the other end of its cable is blast's."""
    engine = shared_bench(changes={"rules": {"files": []}, "smtp": {"line_timeout": "1s", "data_timeout": "2s"}, "imap": {"allow_cleartext": True},
                                   "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"}, {"port": 143, "protocol": "imap"}]})
    engine.namespaces.take_addresses(engine.namespaces.client_port)
    return engine


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


def test_all_there_once(make_engine, request, password):
    """Our engine: two recipients each, sizes of the mix, many messages a connection; every one comes back as it was sent."""
    count = 300 if request.config.getoption("--long") else 90
    engine = make_engine(changes={"rules": {"files": []}})
    namespaces = engine.namespaces
    namespaces.take_addresses(namespaces.client_port)
    told = blast(namespaces.client, namespaces.client_port, "--rcpt", "alice@example.test", "--rcpt", "bob@example.test",
                 "--rcpt", "carol@example.test", "--recipients", 2, "--messages", count, "--sessions", 8, "--reuse", 5,
                 "--size", "mix", "--verify", "--password-file", password, to=f"{ENGINE_IPV4}:25")
    assert told["counts"]["messages_accepted"] == count and told["counts"]["recipients_accepted"] == 2 * count
    assert told["counts"]["sessions_done"] == told["latency_us"]["connect"]["count"] == count // 5
    assert told["latency_us"]["end"]["count"] == count
    assert told["errors"] == []
    verified = told["verified"]
    assert verified["ok"] and (verified["expected"], verified["found"], verified["mailboxes"]) == (2 * count, 2 * count, 3)
    # And by BDAT; recipients that are not there are told by code.
    told = blast(namespaces.client, namespaces.client_port, "--rcpt", "alice@example.test", "--rcpt", "nobody@example.test",
                 "--messages", 20, "--bdat", "--no-pipelining", to=f"{ENGINE_IPV4}:25")
    assert told["counts"]["messages_accepted"] == told["counts"]["messages_refused"] == 10
    assert {"what": "rcpt", "code": 550, "count": 10} in told["errors"]
    # What is there is retrieved and deleted: two of three of the first run, 10 of the second.
    told = blast(namespaces.client, namespaces.client_port, "--work", "pop3", "--rcpt", "alice@example.test", "--logins", 1,
                 "--delete", "--password-file", password, to=f"{ENGINE_IPV4}:110")
    assert told["counts"]["messages_retrieved"] == told["counts"]["messages_deleted"] == count * 2 // 3 + 10
    assert told["latency_us"]["retr"]["count"] == count * 2 // 3 + 10 and told["latency_us"]["login"]["count"] == 1


@pytest.mark.needs("smtp-sink")
@pytest.mark.needs("gnuplot")
def test_smtp_sink(tmp_path):
    """Postfix's sink behind the kernel's TCP; and when nobody listens there, exit status 1."""
    with server("smtp-sink", "-u", "root", "198.18.0.1:25", "200") as namespaces:
        told = blast(namespaces.engine, namespaces.engine_port, "--messages", 5, to="198.18.0.1:26", status=1)
        assert told["counts"]["sessions_refused"] == told["counts"]["messages_unsent"] == 5
        told = blast(namespaces.engine, namespaces.engine_port, "--messages", 500, "--sessions", 20, "--reuse", 10,
                     "-c", EXAMPLE, "--plot", tmp_path / "run.svg", to="198.18.0.1:25")
    assert told["counts"]["messages_accepted"] == 500 and told["counts"]["sessions_done"] == 50
    assert told["goodput_mbit"] > 0 and told["errors"] == []
    assert "p50" in (tmp_path / "run.svg").read_text()


def test_sink():
    """Our own sink takes everything; two workers share the load, each by ports whose replies find it."""
    with Namespaces("wpt") as namespaces:
        namespaces.take_addresses(namespaces.client_port)
        sink = start(*namespaces.command(binary(), "sink", "--dev", namespaces.client_port, "--address", "198.18.0.1/24"))
        try:
            told = blast(namespaces.engine, namespaces.engine_port, "--messages", 500, "--sessions", 20,
                         "--workers", 2, to="198.18.0.1:25")
        finally:
            assert end(sink) == 0
    assert told["counts"]["messages_accepted"] == 500


def on_a_terminal(*command):
    """What the command says on standard error when that is a terminal, and on standard output when it is none."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([str(word) for word in command], stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    out, said = process.communicate(timeout=60)[0], b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:     # the other end is closed
        pass
    os.close(ours)
    assert process.returncode == 0, out + said
    return said, out


def test_steps():
    """A rate in steps: each has a result of its own. A terminal gets a progress bar, and a pipe none."""
    with Namespaces("wpt") as namespaces:
        namespaces.take_addresses(namespaces.client_port)
        sink = start(*namespaces.command(binary(), "sink", "--dev", namespaces.client_port, "--address", "198.18.0.1/24"))
        try:
            # The last one is there to be cut: what is late at the end of a load does not begin any more.
            told = blast(namespaces.engine, namespaces.engine_port, "--steps", "50:0.4,100:0.4,10:0.5", to="198.18.0.1:25")
            said, out = on_a_terminal("ip", "netns", "exec", namespaces.engine, binary(), "blast", "--dev", namespaces.engine_port,
                                      "--address", OURS, "--to", "198.18.0.1:25", "--seconds", 1, "--rate", 20)
        finally:
            assert end(sink) == 0
    assert b"ETA" in said and b"messages/s" in said and b"ETA" not in out and b"messages/s" in out
    assert [s["started"] for s in told["steps"]] == [s["done"] for s in told["steps"]]
    assert [s["started"] for s in told["steps"][:2]] == [20, 40] and told["steps"][2]["started"] <= 6
    assert told["steps"][1]["messages"] == told["steps"][1]["latency_us"]["end"]["count"] == 40


def test_imap(quiet_engine, password):
    """Every command of the mix, compared and read back; sessions that watch hear of what others append; other words are another message."""
    namespaces = quiet_engine.namespaces
    words = (namespaces.client, namespaces.client_port, "--work", "imap", "--password-file", password, "--rcpt", "carol@example.test",
             "--rcpt", "dave@example.test", "--size", 2000)
    told = blast(*words, "--sessions", 4, "--watchers", 2, "--logins", 4, "--commands", 25, "--fetch", 5, "--retrieve", 3, "--verify",
                 "--mix", "envelope=1,headers=2,read=2,store=2,append=3,search=1,idle=1", to=f"{ENGINE_IPV4}:143")
    counts, times = told["counts"], told["latency_us"]
    assert told["errors"] == [] and counts["sessions_done"] == 6 and counts["commands"] == 100
    assert counts["messages_same"] == counts["messages_retrieved"] > 0 and counts["headers_same"] > 0
    assert counts["headers_differing"] == counts["answers_wrong"] == 0
    assert {"envelope", "headers", "read", "store", "append", "search", "idle", "done", "wake", "notice", "select", "login"} <= times.keys()
    verified = told["verified"]
    assert verified["ok"] and verified["expected"] == verified["found"] == counts["messages_accepted"] > 0 and verified["mailboxes"] == 2
    # Nothing is appended any more, and what is there is not what these words make.
    counts = blast(*words, "--seed", 2, "--sessions", 1, "--logins", 2, "--mix", "read=1,headers=1", "--commands", 4, "--retrieve", 2, "--verify",
                   to=f"{ENGINE_IPV4}:143", status=1)["counts"]
    assert counts["messages_same"] == 0 and counts["messages_differing"] > 0 and counts["headers_differing"] > 0


@pytest.mark.long
def test_idle(quiet_engine, password):
    """Connections that say hello and then nothing, from 16 addresses, of both protocols; all are told, and all end. With a password they log in."""
    namespaces = quiet_engine.namespaces
    for work, port in ("smtp", 25), ("pop3", 110), ("imap", 143):
        told = blast(namespaces.client, namespaces.client_port, "--address", "198.18.0.100-198.18.0.114/24", "--work", work,
                     "--sessions", 500, "--hold", 1, to=f"{ENGINE_IPV4}:{port}")
        assert told["counts"]["sessions_stood"] == told["counts"]["sessions_done"] == 500
        assert told["latency_us"]["stand"]["count"] == 500 and 0 < told["setup_seconds"] < 20
        assert told["errors"] == []
        assert max(row["open"] for row in told["timeline"]) == 500
    before = quiet_engine.ask("counters")["pop3_logins"]
    told = blast(namespaces.client, namespaces.client_port, "--work", "pop3", "--rcpt", "alice@example.test", "--rcpt", "bob@example.test",
                 "--sessions", 2, "--hold", 1, "--password-file", password, to=f"{ENGINE_IPV4}:110")
    assert told["counts"]["sessions_stood"] == told["counts"]["sessions_done"] == 2 and told["errors"] == []
    assert told["latency_us"]["login"]["count"] == 2 and quiet_engine.ask("counters")["pop3_logins"] == before + 2
    told = blast(namespaces.client, namespaces.client_port, "--work", "imap", "--rcpt", "alice@example.test", "--rcpt", "bob@example.test",
                 "--sessions", 200, "--hold", 1, "--password-file", password, to=f"{ENGINE_IPV4}:143")
    assert told["counts"]["sessions_stood"] == told["counts"]["sessions_done"] == 200 and told["errors"] == []
    assert told["latency_us"]["select"]["count"] == told["latency_us"]["idle"]["count"] == 200


@pytest.mark.long
def test_clients_that_do_not_behave(quiet_engine, password):
    """Slow, broken and spoofed ones beside those that do: told apart, and what the server answered is counted."""
    namespaces = quiet_engine.namespaces
    told = blast(namespaces.client, namespaces.client_port, "--rcpt", "bob@example.test", "--messages", 80, "--sessions", 40,
                 "--slow-senders", 10, "--slow-readers", 10, "--slow-bytes", 20000, "--broken", 50, "--timeout", 2,
                 "--syn-flood", 300, "--syn-flood-from", "198.18.0.128/25", to=f"{ENGINE_IPV4}:25")
    assert told["counts"]["messages_accepted"] == told["counts"]["sessions_done"] == 80
    clients = told["clients"]
    assert len(clients) == 8 and all(c["begun"] == c["ended"] + c["reset"] for c in clients.values()), clients
    assert sum(clients["garbage"]["refused"].values()) >= clients["garbage"]["begun"]
    slow = clients["slow_sender"]["begun"] + clients["slow_reader"]["begun"]
    assert told["latency_us"]["session"]["count"] + slow == 80 and told["latency_us"]["slow"]["count"] == slow
    assert told["counts"]["syns_flooded"] > 50 and told["engine"]["net_claimed"] > 20
    # Over IPv6 neighbour discovery finds them as well: what answers their SYNs arrives.
    told = blast(namespaces.client, namespaces.client_port, "--address", "2001:2::77/64", "--messages", 20, "--rate", 40, "--rcpt", "carol@example.test",
                 "--syn-flood", 300, "--syn-flood-from", "2001:2:0:0:1::/80", to=f"[{ENGINE_IPV6}]:25")
    assert told["counts"]["syns_flooded"] > 5 and told["engine"]["net_claimed"] > 5 and told["counts"]["messages_accepted"] == 20
    told = blast(namespaces.client, namespaces.client_port, "--work", "pop3", "--rcpt", "bob@example.test", "--logins", 3,
                 "--sessions", 1, "--slow-readers", 60, "--broken", 40, "--slow-bytes", 200000, "--password-file", password,
                 to=f"{ENGINE_IPV4}:110")
    assert told["counts"]["messages_retrieved"] == 240 and told["clients"]["slow_reader"]["ended"] == 3


def test_a_rough_line():
    """2 % lost and 10 to 30 ms added each way: everything arrives, and takes its time."""
    with Namespaces("wpt") as namespaces:
        namespaces.take_addresses(namespaces.client_port)
        sink = start(*namespaces.command(binary(), "sink", "--dev", namespaces.client_port, "--address", "198.18.0.1/24"))
        try:
            told = blast(namespaces.engine, namespaces.engine_port, "--messages", 100, "--sessions", 50, "--loss", "2",
                         "--delay", "20:10", "--seed", 5, to="198.18.0.1:25")
        finally:
            assert end(sink) == 0
    assert told["counts"]["messages_accepted"] == 100
    assert told["latency_us"]["end"]["min"] > 20000 and told["latency_us"]["end"]["p50"] < 100000
    assert told["engine"]["worker_line_lost_in"] > 0 and told["engine"]["worker_line_lost_out"] > 0
    assert "worker_line_full" not in told["engine"]


@pytest.mark.long
def test_mailboxes_and_refusals(quiet_engine, password):
    """POP3 in groups and one by one, with lists; recipients and messages that are to be refused."""
    namespaces = quiet_engine.namespaces
    send = namespaces.client, namespaces.client_port, "--messages", 30, "--size", 1000
    told = blast(*send, "--rcpt", "alice@example.test", "--rcpt", "!nobody@example.test", "--recipients", 2,
                 to=f"{ENGINE_IPV4}:25")
    counts = told["counts"]
    assert counts["messages_accepted"] == counts["recipients_rejected"] == 30
    assert counts["recipients_refused"] == counts["recipients_wrong"] == 0 and told["errors"] == []
    told = blast(*send, "--rcpt", "nobody@example.test", "--expect-reject", 550, to=f"{ENGINE_IPV4}:25")
    assert told["counts"]["messages_rejected"] == 30 and told["counts"]["messages_refused"] == 0 and told["errors"] == []
    told = blast(*send, "--rcpt", "alice@example.test", "--expect-reject", 550, to=f"{ENGINE_IPV4}:25", status=1)
    assert told["counts"]["messages_wrong"] == told["counts"]["messages_accepted"] == 30
    # What is retrieved is compared with what these words send, whichever run it was.
    read = (namespaces.client, namespaces.client_port, "--work", "pop3", "--rcpt", "alice@example.test", "--logins", 1, "--sessions", 1,
            "--password-file", password, "--verify")
    counts = blast(*read, "--size", 1000, to=f"{ENGINE_IPV4}:110")["counts"]
    assert (counts["messages_same"], counts["messages_differing"]) == (60, 0)
    counts = blast(*read, "--size", 1001, to=f"{ENGINE_IPV4}:110", status=1)["counts"]
    assert (counts["messages_same"], counts["messages_differing"]) == (0, 60)
    for words in [], ["--no-pipelining", "--delete"], ["--delete"]:
        told = blast(namespaces.client, namespaces.client_port, "--work", "pop3", "--rcpt", "alice@example.test", "--logins", 2,
                     "--sessions", 1, "--list", "--password-file", password, *words, to=f"{ENGINE_IPV4}:110")
        times = told["latency_us"]
        expected = {0: 120, 2: 60}.get(len(words), 0)
        assert told["counts"]["messages_retrieved"] == expected and told["errors"] == []
        assert times["list"]["count"] == times["uidl"]["count"] == times["stat"]["count"] == 2
        assert told["counts"]["messages_deleted"] == (expected if words else 0)


def test_made_messages(tmp_path):
    """Every shape in every language is read by Python's email without a defect, and its text by its charset."""
    run(binary(), "blast", "--write", tmp_path, "--texts", 400, "--shapes", "mix", "--languages", "mix", "--spam", 10,
        "--size", "lognormal:6k:0.6")
    messages = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in sorted(tmp_path.iterdir())]
    assert len(messages) == 400
    types, charsets, spam = set(), set(), 0
    for message in messages:
        assert message["subject"] and not message["subject"].defects
        for part in message.walk():
            assert not part.defects, (message.as_string()[:400], part.defects)
            types.add(part.get_content_type())
            if part.get_content_maintype() == "text":
                charsets.add(part.get_content_charset())
                text = part.get_payload(decode=True).decode(part.get_content_charset())
                assert len(text) > 20 and "\ufffd" not in text
            elif part.get_content_type() == "image/png":
                assert part.get_payload(decode=True).startswith(b"\x89PNG\r\n\x1a\n")
        spam += "example.test/" in message.as_string() or "FREE" in message.as_string().upper()
    assert types == {"text/plain", "text/html", "multipart/alternative", "multipart/mixed", "multipart/related", "message/rfc822",
                     "image/png", "application/octet-stream"}
    assert charsets == {"us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "iso-8859-2", "koi8-r", "iso-8859-7", "gb18030",
                        "shift_jis", "windows-1256"}
    assert 20 < spam < 80


def test_faults_are_found(password):
    """A server that loses, doubles and changes a message: exit status 1."""
    with server(sys.executable, FAKES, "keep") as namespaces:
        told = blast(namespaces.engine, namespaces.engine_port, "--messages", 10, "--sessions", 2, "--verify",
                     "--password-file", password, to="198.18.0.1:25", status=1)
    verified = told["verified"]
    assert not verified["ok"] and verified["expected"] == 10
    assert (verified["lost"], verified["duplicated"], verified["changed"]) == (1, 1, 1)


def test_a_stall_is_seen():
    """Open loop: a server that stalls for 2 s can't hide it, since sessions count from when they were to begin."""
    with server(sys.executable, FAKES, "stall") as namespaces:
        told = blast(namespaces.engine, namespaces.engine_port, "--rate", 50, "--seconds", 3, to="198.18.0.1:25")
    times = told["latency_us"]["session"]
    assert told["counts"]["sessions_done"] == 150
    assert times["p99_9"] > 1_800_000 and times["max"] > 1_800_000
    assert times["min"] < 500_000


@pytest.mark.parametrize("words, why", [
    (["--to", "192.0.3.1:25"], b"yes-this-is-mine"),
    (["--to", "[2606::1]:25", "--address", "2001:2::7/64"], b"yes-this-is-mine"),
    (["--to", "198.18.0.1"], b"ADDRESS:PORT"),
    (["--to", "198.18.0.1:25", "--rate", "200000"], b"limit-rate"),
    (["--to", "[2001:2::1]:25"], b"family"),
    (["--to", "198.18.0.1:25", "--verify"], b"password-file"),
    (["--to", "198.18.0.1:25", "--imap"], b"no such option"),
])
def test_words_that_are_refused(words, why):
    result = run(binary(), "blast", "--dev", "nothing0", "--address", OURS, *words, check=False)
    assert result.returncode == 2 and why in result.stderr, result.stderr


def test_statuses():
    """Help is whole; a run that can't begin, or that gets nowhere, is 1."""
    assert b"--yes-this-is-mine" in run(binary(), "blast", "--help").stdout
    assert b"--port" in run(binary(), "sink", "--help").stdout
    result = run(binary(), "blast", "--dev", "nothing0", "--address", OURS, "--to", "198.18.0.1:25", check=False)
    assert result.returncode == 1 and b"nothing0" in result.stderr


@pytest.mark.long
def test_memif(tmp_path):
    """Blast and sink as two processes on shared memory, no kernel between them; eight source addresses."""
    device = f"id=0,socket={tmp_path}/memif,socket-abstract=no"
    with open(tmp_path / "log", "wb") as log:
        sink = start(binary(), "sink", "--device", f"net_memif0,role=server,{device}", "--address", "198.18.0.1/24",
                     log=log)
        wait_until((tmp_path / "memif").exists, 20, "the sink")
        result = run(binary(), "blast", "--device", f"net_memif0,role=client,{device}", "--address", "198.18.0.2-198.18.0.9/24",
                     "--to", "198.18.0.1:25", "--messages", 5000, "--sessions", 50, "--json", "-")
        assert end(sink) == 0
    told = json.loads(result.stdout)
    assert told["counts"]["messages_accepted"] == 5000 and told["errors"] == []
