# SPDX-License-Identifier: BSD-3-Clause
"""Conversations that the project made itself: what servers and clients say, as captures."""

import base64

import tap_imap
from lab import captures, messages

MAIL = messages.plain("conversation-1@client.test", size=20_000).data
LARGE = messages.large("conversation-2@client.test", size=120_000).data
SMALL = messages.with_text("conversation-3@client.test", b"one\r\n.two\r\n..three").data


def stuffed(data):
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in data.split(b"\r\n")) + b".\r\n"


def lines(*words):
    return b"".join(word + b"\r\n" for word in words)


def turns(*words):
    """Alternating lines, the server's first."""
    return [("SC"[number % 2], word if isinstance(word, bytes) else lines(*word)) for number, word in enumerate(words)]


EHLO = (b"220 mx.example.test ESMTP", [b"EHLO client.test"], [b"250-mx.example.test", b"250-PIPELINING", b"250-CHUNKING",
                                                             b"250 8BITMIME"])


def greeted(*words):
    return turns([EHLO[0]], *EHLO[1:], *words)


def smtp():
    return greeted([b"MAIL FROM:<sender@client.test> SIZE=20000"], [b"250 2.1.0 Ok"], [b"RCPT TO:<alice@example.test>"], [b"250 2.1.5 Ok"],
                   [b"RCPT TO:<nobody@example.test>"], [b"550 5.1.1 Unknown"], [b"DATA"], [b"354 go on"], stuffed(MAIL),
                   [b"250 2.0.0 Ok: queued"], [b"QUIT"], [b"221 2.0.0 Bye"])


def pipelined():
    envelope = lines(b"MAIL FROM:<sender@client.test>", b"RCPT TO:<alice@example.test>", b"RCPT TO:<bob@example.test>", b"DATA")
    replies = lines(b"250 2.1.0 Ok", b"250 2.1.5 Ok", b"452 4.2.2 Full", b"354-well", b"354 go on")
    return greeted(envelope, replies, stuffed(LARGE), [b"250-2.0.0 Ok", b"250 2.0.0 queued"], envelope, replies, stuffed(SMALL),
                   [b"250 Ok"], [b"QUIT"], [b"221 Bye"])


def chunked():
    half = len(MAIL) // 2
    both = lines(b"MAIL FROM:<>", b"RCPT TO:<alice@example.test>", f"BDAT {half}".encode()) + MAIL[:half] \
        + lines(f"BDAT {len(MAIL) - half} LAST".encode()) + MAIL[half:]
    return greeted(both, [b"250 Ok", b"250 Ok", b"250 Ok", b"250 Ok: queued"], [b"QUIT"], [b"221 Bye"])


def refused():
    return greeted([b"MAIL FROM:<sender@client.test>"], [b"250 Ok"], [b"RCPT TO:<nobody@example.test>"], [b"550 No"], [b"DATA"],
                   [b"554 no valid recipients"], [b"RSET"], [b"250 Ok"], [b"STARTTLS"], [b"454 4.7.0 not now"],
                   [b"AUTH PLAIN " + base64.b64encode(b"\0tim\0sesame")], [b"535 5.7.8 no"], [b"MAIL FROM:<a@client.test>"],
                   [b"421 4.3.0 closing"])


def login():
    return greeted([b"AUTH LOGIN"], [b"334 VXNlcm5hbWU6"], [base64.b64encode(b"tim")], [b"334 UGFzc3dvcmQ6"],
                   [base64.b64encode(b"open sesame")], [b"235 2.7.0 in"], [b"MAIL FROM:<tim@client.test>"], [b"250 Ok"],
                   [b"RCPT TO:<alice@example.test>"], [b"250 Ok"], [b"DATA"], [b"354 go on"], stuffed(SMALL), [b"250 Ok"],
                   [b"QUIT"], [b"221 Bye"])


def pop3():
    return turns([b"+OK POP3 ready"], [b"CAPA"], [b"+OK", b"TOP", b"UIDL", b"."], [b"USER tim"], [b"+OK"], [b"PASS sesame"], [b"+OK in"],
                 [b"STAT", b"LIST", b"RETR 1"], lines(b"+OK 1 20000", b"+OK", b"1 20000", b".", b"+OK 20000") + stuffed(SMALL),
                 [b"TOP 1 1"], lines(b"+OK") + stuffed(SMALL[:200] + b"\r\n"), [b"QUIT"], [b"+OK bye"])


def imap():
    return turns([b"* OK IMAP4rev1 ready"], [b"a LOGIN {3}"], [b"+ go on"], [b"tim {6}"], [b"+ go on"], [b"sesame"], [b"a OK in"],
                 [b"b SELECT INBOX"], [b"* 1 EXISTS", b"b OK"], [b"c FETCH 1 BODY[]"],
                 lines(f"* 1 FETCH (BODY[] {{{len(SMALL)}}}".encode()) + SMALL + lines(b")", b"c OK"), [b"d LOGOUT"],
                 [b"* BYE", b"d OK"])


CONVERSATIONS = {
    "smtp": captures.conversation(smtp()),
    "smtp over IPv6": captures.conversation(smtp(), "2001:2::1", "2001:2::2", size=1220),
    "pipelined": captures.conversation(pipelined(), ports=(40001, 587)),
    "chunked": captures.conversation(chunked(), ports=(40002, 2525)),
    "refused": captures.conversation(refused()),
    "login": captures.conversation(login(), ports=(40003, 587)),
    "pop3": captures.conversation(pop3(), ports=(40004, 110)),
    "imap": captures.conversation(imap(), "2001:2::1", "2001:2::2", ports=(40005, 143)),
    "imap in pieces": captures.conversation(tap_imap.pieces(), ports=(40006, 143)),
    "imap appended": captures.conversation(tap_imap.appended(), "2001:2::1", "2001:2::2", ports=(40007, 143), size=900),
    "imap compressed": captures.conversation(tap_imap.compressed(), ports=(40008, 2143)),
}
