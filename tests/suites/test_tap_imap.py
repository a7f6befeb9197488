# SPDX-License-Identifier: BSD-3-Clause
"""Messages of IMAP conversations as tap tells them: appended, fetched whole and in pieces, compressed, with holes."""

import hashlib
import json

import pytest

import judge
from lab import captures
from tap_imap import HEAD, MAIL, OTHER, SMALL, Talk, appended, compressed, fetch, literal, pieces


@pytest.fixture
def told(tmp_path):
    """What is told of a script, or of packets, with the SHA-256 of all messages that were kept."""
    def run(script, *words, change=None, **options):
        path = tmp_path / "imap.pcap"
        packets = captures.conversation(script, ports=(40000, 143), **options)
        path.write_bytes(captures.pcap(change(packets) if change else packets))
        return judge.tap(path, "--commands", "--extract", tmp_path / "kept", *words)
    run.kept = lambda: {path.stem for path in (tmp_path / "kept").glob("*.eml")}
    return run


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def counted(events):
    return {name: value for name, value in of(events, "statistics")[-1]["imap"].items() if value}


def places(events):
    """Of each message its size, and where it is."""
    return [(m["message"]["size"], *(m["context"]["imap"][name] for name in ("direction", "whole", "user", "mailbox", "uidvalidity", "uid")))
            for m in of(events, "message")]


def digests(*mails):
    return {hashlib.sha256(mail).hexdigest() for mail in mails}


@pytest.mark.parametrize("size", (1460, 7))
def test_fetched_in_pieces(told, size):
    events = told(pieces(), size=size)
    assert places(events) == [(len(mail), "fetched", True, "tim", "A box", 77, uid) for uid, mail in ((11, MAIL), (12, OTHER), (13, SMALL))]
    assert told.kept() == digests(MAIL, OTHER, SMALL)
    assert counted(events) == {"fetched": 3, "fetched_again": 2, "sections": 1}
    assert not of(events, "anomaly")


@pytest.mark.parametrize("size", (1460, 7))
def test_appended(told, size):
    events = told(appended(), size=size)
    assert places(events) == [(len(SMALL), "appended", True, "tim", "Sent", 9, 41), (len(MAIL), "appended", True, "tim", "Drafts", 10, 1),
                              (len(SMALL), "appended", True, "tim", "Drafts", 10, 2), (len(MAIL), "appended", True, "tim", "Sent", 0, 0)]
    assert [m["result"]["reply"] for m in of(events, "message")][-1] == "NO [OVERQUOTA] full now"
    assert counted(events) == {"appended": 4} and not of(events, "anomaly")
    assert [event["name"] for event in of(events, "command")][-4:] == ["APPEND", "IDLE", "APPEND", "LOGOUT"]


@pytest.mark.parametrize("size", (1460, 11))
def test_compressed(told, size):
    events = told(compressed(), size=size)
    assert [place[:2] for place in places(events)] == [(len(OTHER), "fetched"), (len(MAIL), "appended")]
    assert told.kept() == digests(OTHER, MAIL) and counted(events) == {"appended": 1, "fetched": 1, "compressed": 1}
    assert [event["name"] for event in of(events, "command")][-1] == "LOGOUT"


def bomb(talk):
    talk.tag += 1
    talk.say("C", b"t%d APPEND x {999999999+}\r\n" % talk.tag)
    for _ in range(24):
        talk.say("C", bytes(1 << 20))


@pytest.mark.parametrize("name, do", (("compress_bomb", bomb), ("compress_bad", lambda talk: talk.script.append(("S", b"\xff\xff\xff\xff")))))
def test_what_is_compressed_wrongly(told, name, do):
    talk = Talk()
    talk.begin()
    talk.compress()
    do(talk)
    events = told(talk.script)
    assert [event["name"] for event in of(events, "anomaly")] == [name] and counted(events)[name] == 1


def without(*texts):
    """The packets without those that have one of the texts."""
    return lambda packets: [packet for packet in packets if not any(text in packet.payload for text in texts)]


def test_a_hole_within_a_message(told):
    """The rest of it is read, and it is said that it is not whole; a second time it is."""
    talk, marked = Talk(), MAIL[:9000] + b"HOLE" + MAIL[9004:]
    talk.begin()
    for _ in range(2):
        talk.do(b"UID FETCH 5 BODY[]", fetch(1, b"UID 5", literal(b"BODY[]", marked)))
        marked = MAIL
    talk.append(b"Sent", MAIL[:3000] + b"HOLE" + MAIL[3004:], answer=b"OK [APPENDUID 9 41] kept")
    events = told(talk.end(), change=without(b"HOLE"))
    assert [place[1:3] for place in places(events)] == [("fetched", False), ("fetched", True), ("appended", False)]
    assert told.kept() == digests(MAIL)
    assert [event["name"] for event in of(events, "command")][-1] == "LOGOUT"


def test_a_hole_beyond_a_message(told):
    """Where responses begin is not known: the message's own text is not taken for one; the next answer is."""
    talk, fake = Talk(), b"x\r\n" * 600 + b"* 9 FETCH (BODY[] {20}\r\nSubject: no message\r\n\r\nt1 OK no\r\n" * 100
    talk.begin()
    talk.do(b"UID FETCH 5:6 BODY[]", fetch(1, b"UID 5", literal(b"BODY[]", b"HOLE" * 100)), fetch(2, b"UID 6", literal(b"BODY[]", fake)))
    talk.do(b"UID FETCH 7 BODY[]", fetch(3, b"UID 7", literal(b"BODY[]", SMALL)))
    events = told(talk.end(), change=without(b"HOLE"))
    assert [place[6] for place in places(events)] == [7]
    assert counted(events) == {"fetched": 1, "resync": 1}


@pytest.mark.parametrize("side", (True, False))
def test_one_direction_alone(told, side):
    """Each is read without the other; what the other would say is not known."""
    talk = Talk()
    talk.begin()
    talk.do(b"UID FETCH 5 BODY[]", fetch(1, b"UID 5", literal(b"BODY[]", MAIL)))
    talk.append(b"Sent", SMALL, answer=b"OK [APPENDUID 9 41] kept")
    events = told(talk.end(), change=lambda packets: [p for p in packets if captures.clientwards(p) == side])
    found = {place[1]: place[0] for place in places(events)}
    assert found == ({"appended": len(SMALL)} if side else {"fetched": len(MAIL)})
    assert "one_sided" in {event["name"] for event in of(events, "anomaly")}


def test_from_the_middle_on(told):
    talk = Talk()
    talk.begin()
    talk.do(b"NOOP")
    talk.do(b"FETCH 1 RFC822", fetch(1, literal(b"RFC822", SMALL)))

    def change(packets):
        return packets[next(n for n, packet in enumerate(packets) if b"NOOP" in packet.payload):]
    assert places(told(talk.end(), change=change)) == [(len(SMALL), "fetched", True, "", "", 0, 0)]


def test_by_number(told):
    """Without UIDs a number is a message's until others go."""
    talk = Talk()
    talk.begin()
    for mail, expunged in ((SMALL, b""), (SMALL, b"* 1 EXPUNGE\r\n"), (MAIL, b"")):
        talk.do(b"FETCH 1 BODY[]", fetch(1, literal(b"BODY[]", mail)), expunged)
    events = told(talk.end())
    assert [place[0] for place in places(events)] == [len(SMALL), len(MAIL)] and counted(events)["fetched_again"] == 1


def test_what_is_not_whole(told):
    """A beginning alone is told as such; headers, and texts without them, are counted."""
    talk = Talk()
    talk.begin()
    talk.do(b"UID FETCH 1:3 BODY[]<0.2000>", *(fetch(n, b"UID %d" % n, literal(b"BODY[]<0>", MAIL[:2000])) for n in (1, 2)),
            fetch(3, b"UID 3", literal(b"BODY[]<0>", SMALL)))
    talk.do(b"UID FETCH 4:5 BODY[HEADER]", *(fetch(n, b"UID %d" % n, literal(b"BODY[HEADER]", SMALL[:HEAD])) for n in (4, 5)))
    talk.do(b"UID FETCH 6 BODY[TEXT]", fetch(6, b"UID 6", literal(b"BODY[TEXT]", SMALL[HEAD:])))
    talk.do(b"UID FETCH 7 BODY[]<99.50>", fetch(7, b"UID 7", literal(b"BODY[]<99>", MAIL[99:149])))
    events = told(talk.end())
    assert [(place[0], place[2], place[6]) for place in places(events)] == [(2000, False, 1), (2000, False, 2), (len(SMALL), True, 3)]
    assert counted(events) == {"fetched": 1, "fetched_partly": 2, "headers": 2, "headless": 2}


def test_too_much_out_of_order(told):
    talk, many = Talk(), 20
    talk.begin()
    step = len(OTHER) // many
    for n in range(many - 1, -1, -1):
        part = OTHER[n * step:] if n == many - 1 else OTHER[n * step:(n + 1) * step]
        talk.do(b"UID FETCH 5 BODY[]<%d.%d>" % (n * step, len(part)), fetch(1, b"UID 5", literal(b"BODY[]<%d>" % (n * step), part)))
    events = told(talk.end())
    assert counted(events)["unordered"] and not [place for place in places(events) if place[2]]


def test_odd_servers(told):
    """What is no response is told once, and the rest is read."""
    talk = Talk()
    talk.begin()
    talk.do(b"NOOP", b"what is this\r\n* 1 FETCH (FLAGS (\\Seen)))\r\n* 1 FETCH (ENVELOPE (\r\n" + b"* OK {5}\r\n* X " + b"(" * 2000 + b"\r\n")
    talk.do(b"UID FETCH 5 BODY[]", fetch(1, literal(b"BODY[]", SMALL), b"UID 5"))
    events = told(talk.end())
    assert [place[0] for place in places(events)] == [len(SMALL)]
    assert {event["name"] for event in of(events, "anomaly")} == {"response_head", "response_unbalanced"}


def test_passwords_are_nowhere(told):
    events = told(appended())
    assert "sesame" not in json.dumps(events) and [login["user"] for login in of(events, "login")] == ["tim"]


def test_rules_see_both_directions(told, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {id: one, score: 1, patterns: [{regex: one, scope: body}]}\n")
    script = Talk()
    script.begin()
    script.do(b"UID FETCH 5 BODY[]", fetch(1, b"UID 5", literal(b"BODY[]", SMALL)))
    script.append(b"Sent", SMALL, answer=b"OK kept")
    assert [event["rule"] for event in of(told(script.end(), "--rules", rules), "rule")] == ["one", "one"]
