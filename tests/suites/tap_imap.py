# SPDX-License-Identifier: BSD-3-Clause
"""IMAP conversations that the project made itself: messages that are appended, and fetched in all the ways there are."""

import zlib

from lab import messages

MAIL = messages.plain("imap-1@client.test", size=20_000).data
SMALL = messages.with_text("imap-2@client.test", b"one\r\n* 1 FETCH (BODY[] {9}\r\na1 OK no\r\n").data
OTHER = messages.large("imap-3@client.test", size=90_000).data
HEAD = SMALL.index(b"\r\n\r\n") + 4


def literal(name, data, kind=b"{%d}"):
    return name + b" " + kind % len(data) + b"\r\n" + data


def fetch(number, *items):
    return b"* %d FETCH (" % number + b" ".join(items) + b")\r\n"


class Talk:
    """Who says what, one after the other; behind COMPRESS compressed."""

    def __init__(self, *first):
        self.script, self.tag, self.packers = [("S", b"* OK IMAP4rev1 ready\r\n")] if not first else list(first), 0, None

    def say(self, who, data):
        if self.packers:
            packer = self.packers[who]
            data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        self.script.append((who, data))

    def do(self, command, *untagged, answer=b"OK done"):
        """A command and all that answers it."""
        self.tag += 1
        tag = b"t%d " % self.tag
        self.say("C", tag + command + b"\r\n")
        self.say("S", b"".join(untagged) + tag + answer + b"\r\n")

    def begin(self, mailbox=b"INBOX", user=b"tim"):
        self.do(b"LOGIN " + user + b" sesame", answer=b"OK in")
        self.do(b"SELECT " + mailbox, b"* 3 EXISTS\r\n", b"* OK [UIDVALIDITY 77] valid\r\n", answer=b"OK [READ-WRITE] selected")

    def append(self, mailbox, *mails, answer, waits=True):
        """Each message is waited for, or none is."""
        self.tag += 1
        form = b"{%d}" if waits else b"{%d+}"
        line = b"t%d APPEND %s (\\Seen)" % (self.tag, mailbox)
        for mail in mails:
            self.say("C", line + b" " + form % len(mail) + b"\r\n")
            if waits:
                self.say("S", b"+ go on\r\n")
            self.say("C", mail)
            line = b""
        self.say("C", b"\r\n")
        self.say("S", b"t%d " % self.tag + answer + b"\r\n")

    def compress(self):
        self.do(b"COMPRESS DEFLATE", answer=b"OK begin")
        self.packers = {who: zlib.compressobj(6, zlib.DEFLATED, -15) for who in "CS"}

    def end(self):
        self.do(b"LOGOUT", b"* BYE\r\n")
        return self.script


def pieces():
    """Partial answers in order and out of order, header and text, twice the same, parts that are not put together."""
    talk = Talk()
    talk.begin(b'"A box"')
    for at in (0, 8000, 16000):
        talk.do(b"UID FETCH 11 (BODY.PEEK[]<%d.8000>)" % at, fetch(1, b"UID 11", literal(b"BODY[]<%d>" % at, MAIL[at:at + 8000])))
    size = b"RFC822.SIZE %d" % len(OTHER)
    for at in (30_000, 0, 60_000):
        talk.do(b"UID FETCH 12 (RFC822.SIZE BODY[]<%d.31000>)" % at,
                fetch(2, literal(b"BODY[]<%d>" % at, OTHER[at:at + 31_000]), b"UID 12", size))
    talk.do(b"UID FETCH 13 BODY[HEADER]", fetch(3, b"UID 13", literal(b"BODY[HEADER]", SMALL[:HEAD])))
    talk.do(b"UID FETCH 13 BODY[TEXT]", fetch(3, b"UID 13", literal(b"BODY[TEXT]", SMALL[HEAD:])))
    talk.do(b"UID FETCH 11:13 BODY[1]", fetch(1, b"UID 11", literal(b"BODY[1]", b"no message")))
    talk.do(b"UID FETCH 13 (BINARY.PEEK[])", fetch(3, literal(b"BINARY[]", SMALL, b"~{%d}"), b"UID 13"))
    talk.do(b"UID FETCH 11 BODY[HEADER]", fetch(1, b"UID 11", literal(b"BODY[HEADER]", b"Subject: x\r\n\r\n")))
    return talk.end()


def appended():
    talk = Talk()
    talk.begin()
    talk.append(b"Sent", SMALL, answer=b"OK [APPENDUID 9 41] kept")
    talk.append(b"Drafts", MAIL, SMALL, answer=b"OK [APPENDUID 10 1:2] kept", waits=False)
    talk.tag += 1
    talk.say("C", b"t%d APPEND Sent {%d}\r\n" % (talk.tag, len(MAIL)))
    talk.say("S", b"t%d NO [OVERQUOTA] full\r\n" % talk.tag)
    talk.do(b"IDLE", b"+ idling\r\n* 4 EXISTS\r\n", answer=b"OK idled")
    talk.append(b"Sent", MAIL, answer=b"NO [OVERQUOTA] full now")
    return talk.end()


def compressed():
    talk = Talk()
    talk.begin()
    talk.compress()
    talk.do(b"UID FETCH 5 BODY[]", fetch(1, b"UID 5", literal(b"BODY[]", OTHER)))
    talk.append(b"Sent", MAIL, answer=b"OK [APPENDUID 9 41] kept")
    return talk.end()
