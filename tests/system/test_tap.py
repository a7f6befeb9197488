# SPDX-License-Identifier: BSD-3-Clause
"""What tap tells of captures: the same of a message as serve, files by their hash, and what is wrong with a file."""

import hashlib
import json
import random
import subprocess

from lab import captures, messages, records, schemas
from lab.commands import wait_until
from lab.engine import STARTER_RULES, binary
from lab.smtp import Session

SENDER = "sender@client.test"
ALICE, BOB = "alice@example.test", "bob@example.test"
NOBODY = "nobody@example.test"
MAILS = [messages.plain("tap-1@client.test", size=3000),
         messages.plain("tap-2@client.test", size=200_000),
         messages.with_text("tap-3@client.test", messages.GTUBE),
         messages.with_text("tap-4@client.test", b"a line\r\n.with a dot\r\n..and two")]
CHUNKED = messages.plain("tap-5@client.test", size=5000)


def tap(*words, status=0):
    done = subprocess.run([binary(), "tap", *map(str, words), "--json", "-"], capture_output=True, check=False)
    assert done.returncode == status, done.stderr.decode()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if schemas.available():
        for event in events:
            schemas.check_record(event)
    return events, done.stderr.decode()


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def without_digests(message):
    """serve makes none."""
    for part in message["parts"]:
        part.pop("sha256", None)
    return message


def send_all(engine):
    """One by one, the second with a recipient that is refused; then all of a transaction at once, in chunks."""
    with Session(engine.namespaces) as session:
        for number, mail in enumerate(MAILS):
            if number == 1:
                session.command(f"MAIL FROM:<{SENDER}>")
                assert session.command(f"RCPT TO:<{NOBODY}>")[0] == 550
                session.command("RSET")
            session.transaction(SENDER, [ALICE, BOB] if number == 1 else [ALICE], mail.data)
        data = CHUNKED.data
        session.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{ALICE}>\r\nRCPT TO:<{NOBODY}>\r\nBDAT 1000\r\n".encode()
                     + data[:1000] + f"BDAT {len(data) - 1000} LAST\r\n".encode() + data[1000:])
        assert [session.reply()[0] for _ in range(5)] == [250, 250, 550, 250, 250]
        session.quit()


def test_the_same_in_both_roles(make_engine, tmp_path):
    engine = make_engine()
    capture = tmp_path / "session.pcap"
    with engine.namespaces.capturing(capture):
        send_all(engine)
        count = len(MAILS) + 1
        # Transactions that bring no message leave a record in serve alone.
        served = wait_until(lambda: len(rows := [r for r in records.read(engine, "message") if r["message"]["size"]]) >= count
                            and rows, 10, "the records")
    events, _ = tap("--rules", STARTER_RULES, "--extract", tmp_path / "out", "--pcap", capture)
    told = [event for event in of(events, "message")]
    assert len(told) == len(served) == count
    for serve, seen in zip(served, told):
        assert without_digests(seen["message"]) == serve["message"]
        assert (serve["context"]["role"], seen["context"]["role"]) == ("serve", "tap")
        assert seen["result"]["code"] == serve["result"]["code"]
    for mail in (*MAILS, CHUNKED):
        assert (tmp_path / "out" / f"{hashlib.sha256(mail.data).hexdigest()}.eml").read_bytes() == mail.data
    for part in of(events, "part"):
        kept = (tmp_path / "out" / f"{part['sha256']}.part").read_bytes()
        assert (hashlib.sha256(kept).hexdigest(), len(kept)) == (part["sha256"], part["size"])
    assert any(event["rule"] for event in of(events, "rule"))
    for seed in range(2):
        changed, rng, packets = tmp_path / "changed.pcap", random.Random(seed), captures.load(capture)
        assert any(isinstance(packet, captures.Segment) and packet.payload for packet in packets)
        for change in (captures.cut, captures.shuffle, captures.repeat, captures.fragment):
            packets = change(packets, rng, *((600,) if change is captures.cut else ()))
        changed.write_bytes(captures.pcap(packets))
        again = of(tap("--rules", STARTER_RULES, "--pcap", changed)[0], "message")
        assert [without_digests(row["message"]) for row in again] == [row["message"] for row in served]
    sessions = of(events, "session")
    assert len(sessions) == 1 and sessions[0]["messages"] == count and not sessions[0]["one_sided"]


def test_a_file_that_breaks_off(make_engine, tmp_path):
    engine = make_engine()
    capture = tmp_path / "session.pcap"
    with engine.namespaces.capturing(capture):
        send_all(engine)
        wait_until(lambda: len(records.read(engine, "message")) > len(MAILS), 10, "the records")
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(capture.read_bytes()[:-7])
    events, said = tap("--pcap", broken, status=1)
    assert "offset" in said and len(of(events, "message")) == len(MAILS) + 1
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"this is no capture at all, but a text")
    events, said = tap("--pcap", foreign, status=1)
    assert str(foreign) in said and not of(events, "flow")


def test_secrets_are_left_out(make_engine, tmp_path):
    engine = make_engine()
    capture = tmp_path / "session.pcap"
    with engine.namespaces.capturing(capture):
        with Session(engine.namespaces) as session:
            session.command("AUTH PLAIN AHRpbQBzZXNhbWUA")
            session.quit()
        wait_until(lambda: records.connections(engine), 10, "the connection's record")
    events, _ = tap("--commands", "--pcap", capture)
    assert "AHRpbQBzZXNhbWUA" not in json.dumps(events)
    assert [(login["mechanism"], login["user"], login["good"]) for login in of(events, "login")] == [("PLAIN", "tim", False)]
    events, _ = tap("--commands", "--show-secrets", "--pcap", capture)
    assert "AHRpbQBzZXNhbWUA" in json.dumps(events)
