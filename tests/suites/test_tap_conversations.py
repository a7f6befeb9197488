# SPDX-License-Identifier: BSD-3-Clause
"""What tap makes of conversations as clients and servers really lead them; and that it never tells a secret unasked."""

import base64
import itertools
import json
import random
from dataclasses import replace

import pytest

import judge
from lab import captures
from tap_conversations import CONVERSATIONS, EHLO, MAIL, SMALL, greeted, lines, stuffed, turns

ENVELOPE = lines(b"MAIL FROM:<a@client.test>", b"RCPT TO:<alice@example.test>", b"DATA")
SECRET = b"open-sesame-42"


@pytest.fixture
def told(tmp_path):
    def run(script, *words, **options):
        path = tmp_path / "conversation.pcap"
        path.write_bytes(captures.pcap(script if isinstance(script[0], captures.Segment) else captures.conversation(script, **options)))
        return judge.tap(path, "--commands", *words)
    return run


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def names(events):
    return {event["name"] for event in of(events, "anomaly")}


def pairs(events):
    """Each reply with the command that it is said to answer."""
    return [(event["name"], event["code"]) for event in of(events, "reply")]


# ---- SMTP ----

def test_all_at_once(told):
    """A client that waits for nothing but the banner."""
    events = told(turns([b"220 mx ESMTP"], lines(b"EHLO c.test") + ENVELOPE + stuffed(SMALL) + lines(b"QUIT"),
                        [b"250-mx", b"250 PIPELINING", b"250 Ok", b"250 Ok", b"354 go", b"250 kept", b"221 Bye"]))
    assert [m["message"]["size"] for m in of(events, "message")] == [len(SMALL)]
    assert of(events, "message")[0]["result"]["code"] == 250 and "unsynced" in names(events)
    assert pairs(events)[-1] == ("QUIT", 221)


def test_a_refused_envelope_is_none(told):
    events = told(greeted([b"MAIL FROM:<a@client.test>"], [b"550 no"], [b"MAIL FROM:<b@client.test>"], [b"250 Ok"],
                          [b"RCPT TO:<x@example.test>"], [b"550 no"], [b"RCPT TO:<alice@example.test>"], [b"250 Ok"],
                          [b"DATA"], [b"354 go"], stuffed(SMALL), [b"550 5.7.1 spam"], [b"QUIT"], [b"221 Bye"]))
    message, = of(events, "message")
    assert (message["message"]["mail_from"], message["message"]["rcpt_to"]) == ("b@client.test", ["alice@example.test"])
    assert message["result"]["reply"] == "550 5.7.1 spam"
    assert [r["code"] for r in message["result"]["recipients"]] == [550, 250]


def test_data_refused_and_tried_again(told):
    events = told(greeted(ENVELOPE, [b"250 Ok", b"250 Ok", b"451 4.3.0 later"], [b"DATA"], [b"354 go"], stuffed(SMALL), [b"250 Ok"],
                          [b"QUIT"], [b"221 Bye"]))
    assert len(of(events, "message")) == 1 and pairs(events).count(("DATA", 451)) == 1


def test_a_chunk_refused_midway(told):
    half = len(MAIL) // 2
    events = told(greeted(lines(b"MAIL FROM:<>", b"RCPT TO:<alice@example.test>"), [b"250 Ok", b"250 Ok"],
                          lines(f"BDAT {half}".encode()) + MAIL[:half], [b"552 5.3.4 too much"],
                          lines(f"BDAT {len(MAIL) - half} LAST".encode()) + MAIL[half:], [b"503 5.5.1 no"], [b"NOOP"], [b"250 Ok"],
                          [b"QUIT"], [b"221 Bye"]))
    assert [m["result"]["code"] for m in of(events, "message")] == [503]
    assert pairs(events)[-2:] == [("NOOP", 250), ("QUIT", 221)]


def test_closing_midway(told):
    events = told(greeted(ENVELOPE, [b"250 Ok", b"250 Ok", b"354 go"], SMALL, [b"421 4.4.2 timeout"]))
    message, = of(events, "message")
    assert message["result"]["code"] == 421 and "early_verdict" in names(events)


def test_starttls_refused_and_taken(told):
    hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
    events = told(greeted([b"STARTTLS"], [b"454 4.7.0 not now"], *([[b"STARTTLS"], [b"220 go ahead"]]), hello, hello))
    session, = of(events, "session")
    assert session["starttls"] and pairs(events).count(("STARTTLS", 454)) == 1
    events = told(greeted(lines(b"STARTTLS", b"MAIL FROM:<injected@client.test>"), [b"220 go ahead"]))
    assert "plain_behind_starttls" in names(events)


def test_xclient_begins_anew(told):
    events = told(greeted([b"XCLIENT ADDR=198.18.0.9 NAME=other.test"], [b"220 mx again"], [b"EHLO other.test"], [b"250 mx"], ENVELOPE,
                          [b"250 Ok", b"250 Ok", b"354 go"], stuffed(SMALL), [b"250 Ok"]))
    assert [m["message"]["helo"] for m in of(events, "message")] == ["other.test"]


@pytest.mark.parametrize("prelude", (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n",
                                     b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)))
def test_a_balancer_in_front(told, prelude):
    script = [("C", prelude), *greeted(ENVELOPE, [b"250 Ok", b"250 Ok", b"354 go"], stuffed(SMALL), [b"250 Ok"], [b"QUIT"], [b"221 Bye"])]
    for size in (1460, 1):
        events = told(script, size=size)
        assert [m["result"]["code"] for m in of(events, "message")] == [250]
        assert not names(events) and of(events, "session")[0]["commands"] == 5


def test_lmtp_answers_for_each(told):
    events = told(turns([b"220 mx LMTP"], [b"LHLO c.test"], [b"250-mx", b"250 PIPELINING"],
                        lines(b"MAIL FROM:<>", b"RCPT TO:<a@example.test>", b"RCPT TO:<b@example.test>", b"DATA"),
                        [b"250 Ok", b"250 Ok", b"250 Ok", b"354 go"], stuffed(SMALL) + lines(b"QUIT"),
                        [b"250 a has it", b"452 b is full", b"221 Bye"]))
    message, = of(events, "message")
    assert message["message"]["rcpt_to"] == ["a@example.test", "b@example.test"]
    assert "reply_unasked" not in names(events) and pairs(events)[-1] == ("QUIT", 221)


def test_nonsense_before_the_banner(told):
    for junk, anomaly in ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "early_talker"), (b"\x01\x02" * 1500, "command_long")):
        events = told([("C", junk), ("S", lines(b"220 mx ESMTP")), *greeted(ENVELOPE, [b"250 Ok", b"250 Ok", b"354 go"])[1:]])
        assert of(events, "session") and anomaly in names(events)


def test_odd_replies(told):
    events = told(turns([b"220-mx ESMTP", b"220-", b"220 ready"], [b"EHLO c.test"], b"250-mx\n250 PIPELINING\n", [b"NOOP"], [b"250"],
                        [b"VRFY x"], [b"299-weird", b"252 maybe"], [b"HELP"], [b"no reply at all", b"214 help"], [b"QUIT"], [b"221 Bye"]))
    assert pairs(events) == [("", 220), ("EHLO", 250), ("NOOP", 250), ("VRFY", 252), ("HELP", 214), ("QUIT", 221)]
    assert {"reply_form", "reply_stray"} <= names(events)


# ---- POP3 and IMAP ----

def test_pop3_messages(told):
    events = told(turns([b"+OK"], lines(b"USER tim", b"PASS " + SECRET, b"RETR 1", b"RETR 2", b"RETR 3", b"QUIT"),
                        lines(b"+OK", b"+OK in", b"+OK") + stuffed(SMALL) + lines(b"-ERR none", b"+OK") + stuffed(SMALL) + lines(b"+OK")))
    messages = of(events, "message")
    assert [m["message"]["size"] for m in messages] == [len(SMALL), len(SMALL)]
    assert [login["user"] for login in of(events, "login")] == ["tim"]


# ---- secrets ----

B64 = base64.b64encode
PLAIN, CRAM = B64(b"\0tim\0" + SECRET), B64(b"tim 0123456789abcdef0123456789abcdef")
BEARER = B64(b"user=tim\1auth=Bearer " + SECRET + b"\1\1")
WITH_SECRETS = {
    "AUTH PLAIN": greeted([b"AUTH PLAIN " + PLAIN], [b"235 in"], [b"QUIT"], [b"221 Bye"]),
    "auth plain, later": greeted([b"auth plain"], [b"334 "], [PLAIN], [b"535 no"], [b"AUTH PLAIN ="], [b"334"], [PLAIN], [b"235 in"]),
    "AUTH LOGIN": greeted([b"AUTH LOGIN"], [b"334 VXNlcm5hbWU6"], [B64(b"tim")], [b"334 UGFzc3dvcmQ6"], [B64(SECRET)], [b"235 in"]),
    "AUTH LOGIN at once": greeted(lines(b"AUTH LOGIN " + B64(b"tim"), B64(SECRET), b"QUIT"), [b"334 UGFzc3dvcmQ6", b"235 in", b"221 Bye"]),
    "AUTH CRAM-MD5": greeted([b"AUTH CRAM-MD5"], [b"334 PDEyM0B4Pg=="], [CRAM], [b"235 in"]),
    "AUTH XOAUTH2": greeted([b"AUTH XOAUTH2 " + BEARER], [b"334 e30="], [b""], [b"535 no"], [b"AUTH  XOAUTH2"], [b"334 "], [BEARER],
                            [b"235 in"]),
    "blanks before AUTH": greeted([b"  AUTH\tPLAIN " + PLAIN], [b"500 what"], [b"QUIT"], [b"221 Bye"]),
    "PASS": turns([b"+OK ready"], [b"USER tim"], [b"+OK"], [b"PASS " + SECRET], [b"-ERR no"], [b"pass  " + SECRET + b" x"], [b"+OK in"]),
    "PASS behind a tab": turns([b"+OK ready"], [b"USER tim"], [b"+OK"], [b"PASS\t" + SECRET], [b"-ERR no"]),
    "APOP": turns([b"+OK <1.2@mx>"], [b"APOP tim " + SECRET], [b"+OK in"]),
    "AUTH of POP3": turns([b"+OK ready"], [b"CAPA"], [b"+OK", b"SASL PLAIN", b"."], [b"AUTH PLAIN"], [b"+ "], [PLAIN], [b"+OK in"], [b"STAT"],
                          [b"+OK 0 0"]),
    "POP3 without a greeting": turns([b"+OK ready"], [b"CAPA"], [b"+OK", b"."], [b"AUTH XOAUTH2"], [b"+ "], [BEARER], [b"+OK in"])[1:],
    "LOGIN": turns([b"* OK IMAP4rev1"], [b'a LOGIN tim "' + SECRET + b'"'], [b"a NO no"], [b"b login tim " + SECRET], [b"b OK in"]),
    "LOGIN in literals": turns([b"* OK IMAP4rev1"], [b"a LOGIN {3}"], [b"+ go"], [b"tim {14}"], [b"+ go"], [SECRET], [b"a OK in"]),
    "LOGIN in literals at once": turns([b"* OK IMAP4rev1"], lines(b"a LOGIN {3+}", b"tim {14+}", SECRET, b"b NOOP"), [b"a OK", b"b OK"]),
    "AUTHENTICATE": turns([b"* OK IMAP4rev1"], [b"a AUTHENTICATE PLAIN"], [b"+ "], [PLAIN], [b"a OK in"], [b"b AUTHENTICATE PLAIN " + PLAIN],
                          [b"b BAD"]),
}
HIDDEN = [SECRET, PLAIN, CRAM, BEARER, B64(SECRET)]


def damaged(script, first_port):
    """The conversation whole, without one of its segments, from one of them on, and each direction alone."""
    whole = captures.conversation(script, ports=(first_port, 25), size=9)
    yield whole
    for at in range(len(whole)):
        yield whole[:at] + whole[at + 1:]
        yield whole[at:]
    for side in (True, False):
        yield [segment for segment in whole if captures.clientwards(segment) == side]


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_secrets_are_not_told(name, tmp_path):
    path, packets = tmp_path / "secrets.pcap", []
    for number, kept in enumerate(damaged(WITH_SECRETS[name], 10000)):
        packets += [replace(segment, ports=tuple(port if port == 25 else port + number for port in segment.ports)) for segment in kept]
    path.write_bytes(captures.pcap(captures.ordered(packets)))
    seen = json.dumps(judge.tap(path, "--commands"))
    for secret in HIDDEN:
        assert secret.decode() not in seen, f"{secret} is told"
    path.write_bytes(captures.pcap(captures.conversation(WITH_SECRETS[name])))
    shown = json.dumps(judge.tap(path, "--commands", "--show-secrets"))
    assert any(json.dumps(secret.decode())[1:-1] in shown for secret in HIDDEN) or "in literals" in name


# ---- captures of two, cut ones, and wrong ones ----

def test_two_captures_as_one(tmp_path):
    """Merged by time they tell what each tells alone, in whatever order they are named."""
    rows = {}
    for name in ("smtp", "pipelined", "imap"):
        path = tmp_path / f"{name}.pcap"
        path.write_bytes(captures.pcap(CONVERSATIONS[name]))
        rows[name] = [event["message"] for event in of(judge.tap(path), "message")]
    paths = [tmp_path / f"{name}.pcap" for name in rows]
    for order in (paths, paths[::-1]):
        done = judge.subprocess.run([judge.BINARY, "tap", "--pcap", *order, "--json", "-"], capture_output=True, check=True)
        found = [event["message"] for event in of(map(json.loads, done.stdout.splitlines()), "message")]
        key = json.dumps
        assert sorted(map(key, found)) == sorted(map(key, itertools.chain(*rows.values())))


@pytest.mark.parametrize("snap", (60, 200, 1000))
def test_a_snap_length_leaves_gaps(snap, tmp_path):
    path = tmp_path / "cut.pcap"
    packets = CONVERSATIONS["smtp"]
    path.write_bytes(captures.pcap(packets, snap))
    cut = sum(max(0, len(frame) - snap) for packet in packets for _, frame in packet.frames())
    flow, = of(judge.tap(path), "flow")
    assert sum(flow[side]["gap_bytes"] for side in ("to_server", "to_client")) == cut
    total = sum(len(packet.payload) for packet in packets)
    assert sum(flow[side]["bytes"] for side in ("to_server", "to_client")) == total - cut


def test_overlaps_are_told(tmp_path):
    """A retransmission with other bytes, and fragments that differ: each by an event with its place."""
    path = tmp_path / "overlap.pcap"
    packets = captures.conversation(greeted([b"NOOP"], [b"250 Ok"]))
    at = next(number for number, packet in enumerate(packets) if packet.payload.startswith(b"EHLO"))
    packets.insert(at + 1, replace(packets[at], payload=packets[at].payload.upper()))
    path.write_bytes(captures.pcap(packets))
    found = [event for event in of(judge.tap(path, "--show-secrets"), "anomaly") if event["name"] == "retransmission"]
    assert [(event["offset"], event["length"], event["other"]) for event in found][:1] == [(0, 18, "EHLO CLIENT.TEST??")]
    packets = captures.conversation(greeted([b"NOOP"], [b"250 Ok"]))
    at = next(number for number, packet in enumerate(packets) if packet.payload.startswith(b"EHLO"))
    other = replace(packets[at], payload=packets[at].payload.swapcase())
    size = len(packets[at].tcp())
    packets[at:at + 1] = [captures.Fragments(packets[at], [(0, 24)], 7, packets[at].time),
                          captures.Fragments(other, [(8, 32)], 7, packets[at].time),
                          captures.Fragments(packets[at], [(24, size)], 7, packets[at].time)]
    path.write_bytes(captures.pcap(packets))
    assert "fragment_dropped" in names(judge.tap(path)) and "fragment_overlap" in names(judge.tap(path, "--policy", "first"))


def test_streams(tmp_path):
    packets = CONVERSATIONS["chunked"]
    path, folder = tmp_path / "one.pcap", tmp_path / "streams"
    path.write_bytes(captures.pcap(captures.shuffle(packets, random.Random(1))))
    flow, = of(judge.tap(path, "--streams", folder), "flow")
    for name, port in (("client", 40002), ("server", 2525)):
        said = b"".join(packet.payload for packet in packets if packet.ports[0] == port)
        assert (folder / f"{flow['connection']}.{name}").read_bytes() == said


WRONG = {form: make(CONVERSATIONS["smtp"]) for form, make in captures.FORMS.items()}


@pytest.mark.parametrize("form", WRONG)
def test_broken_files(form, tmp_path):
    """Truncated or corrupt in its middle: exit 1, the offset, and what was readable before."""
    path, whole = tmp_path / "broken", WRONG[form]
    path.write_bytes(whole)
    all_of_it = len(of(judge.tap(path, "--commands"), "reply"))
    for broken in (whole[:len(whole) * 9 // 10], whole[:20], whole[:len(whole) // 2] + b"\xff" * 64 + whole[len(whole) // 2:]):
        path.write_bytes(broken)
        done = judge.subprocess.run([judge.BINARY, "tap", "--commands", "--pcap", path, "--json", "-"], capture_output=True, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 1 and rows[-1]["kind"] == "statistics", done.stderr
        assert str(path).encode() in done.stderr and b"offset" in done.stderr, done.stderr
        assert len(of(rows, "reply")) <= all_of_it
        if form.startswith("pcap") and len(broken) > len(whole) // 2:
            assert of(rows, "flow"), "what was readable is told"


@pytest.mark.parametrize("data", (b"", b"this is a text, and no capture at all", b"\x1f\x8bno gzip", bytes(4096), b"\x28\xb5\x2f\xfdno zstd"))
def test_foreign_files(data, tmp_path):
    path, good = tmp_path / "foreign", tmp_path / "good.pcap"
    path.write_bytes(data)
    good.write_bytes(captures.pcap(CONVERSATIONS["smtp"]))
    done = judge.subprocess.run([judge.BINARY, "tap", "--pcap", path, good, "--json", "-"], capture_output=True, check=False)
    assert done.returncode == 1 and str(path).encode() in done.stderr
    assert len(of(map(json.loads, done.stdout.splitlines()), "message")) == 1, "the other file is read all the same"


@pytest.mark.parametrize("words", (["--policy", "best", "--json", "-", "--pcap", "x"], ["--json", "-"], ["--pcap", "x"], ["--pcap", "x", "--json"],
                                   ["--no-such", "--pcap", "x", "--json", "-"]))
def test_wrong_words(words):
    done = judge.subprocess.run([judge.BINARY, "tap", *words], capture_output=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith(b"wirepost tap: ")
