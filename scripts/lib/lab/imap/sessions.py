# SPDX-License-Identifier: BSD-3-Clause
"""
Several sessions of one user on two mailboxes, with commands drawn from a seed, every response checked against the model.
One thread: commands are sent before the answers of others are read, so that they run at once in the server. From time to
time all stop, and everything that can be asked must be equal for all and to what is known.
"""

import random

from lab.imap.drawn import BOXES, Drawn
from lab.imap.model import Box, Violation
from lab.imap.settle import settle
from lab.imap.wire import ImapError, quoted, transcript, utf7


class Crowd:
    """The sessions, the mailboxes, the seed."""

    def __init__(self, server, seed, count=4):
        self.server, self.seed, self.count = server, seed, count
        self.random = random.Random(seed)
        self.boxes = {name: Box(name) for name in BOXES}
        self.commands = self.marks = 0
        self.given_uids = {name: set() for name in BOXES}
        self.sessions = []
        self.uses = None        # mailboxes with a special use, as they were told first

    def given(self, box, uid):
        """A command's answer says that it made this UID: no other may."""
        if uid in self.given_uids[box.name]:
            raise Violation(f"{box.name}: UID {uid} was given before")
        self.given_uids[box.name].add(uid)

    def message(self):
        self.marks += 1
        earlier = self.random.sample(range(1, self.marks), min(self.marks - 1, self.random.choice((0, 0, 1, 2))))
        references = " ".join(f"<{mark}.{self.seed}@imap.test>" for mark in sorted(earlier))
        references = f"References: {references}\r\n" if earlier else ""
        subject = f"message {self.marks} of {self.seed}" if self.random.random() < 0.5 else f"{self.random.choice(('Re: ', ''))}topic {self.random.randrange(9)}"
        sent = f"{self.random.randrange(1, 29)} Jan 2024 {self.random.randrange(24):02}:00:00 +0{self.random.randrange(3)}00"
        lines = "".join(f"line {number} of {self.marks}\r\n" for number in range(self.random.randrange(1, 40)))
        return (f"From: a{self.marks}@imap.test\r\nTo: b@imap.test\r\nSubject: {subject}\r\n"
                f"Date: {sent}\r\nX-Mark: {self.seed}-{self.marks}\r\n{references}"
                f"Message-ID: <{self.marks}.{self.seed}@imap.test>\r\n\r\n{lines}")

    def start(self):
        for number in range(self.count):
            self.sessions.append(Drawn(self, number))
        first = self.sessions[0]
        for name in [*BOXES, *reversed([name for session in self.sessions for name in session.folders.names])]:
            first.connection.command(f"DELETE {quoted(utf7(name))}", expect=None)
            first.connection.command(f"UNSUBSCRIBE {quoted(utf7(name))}", expect=None)
        for name in BOXES:
            first.connection.command(f"CREATE {quoted(utf7(name))}")
        # The first is a client of RFC 3501, the last one of RFC 7162; those between are of all kinds.
        for session in self.sessions[1:-1]:
            session.enable(*self.random.choice((("IMAP4REV2",), ("UTF8=ACCEPT",), ("IMAP4REV2", "UTF8=ACCEPT"), ())))
        self.sessions[-1].enable("QRESYNC", *self.random.choice(((), ("IMAP4REV2",))))

    def turns(self, count):
        for _ in range(count):
            session = self.random.choice(self.sessions)
            if session.pending:
                session.finish()
            else:
                session.draw()
                self.commands += 1

    def stop(self):
        for session in self.sessions:
            if session.pending:
                session.finish()

    def close(self):
        for session in self.sessions:
            session.connection.close()


def play(server, seed, rounds=3, turns=400, count=4):
    """One seed. Raises Violation with the seed and what was said last; returns the commands that were sent."""
    crowd = Crowd(server, seed, count)
    try:
        crowd.start()
        for _ in range(rounds):
            crowd.turns(turns)
            crowd.stop()
            settle(crowd)
        return crowd.commands
    except (Violation, ImapError, ValueError, IndexError, KeyError, TypeError) as error:
        raise Violation(f"seed {seed}: {type(error).__name__}: {error}\n{transcript(session.connection for session in crowd.sessions)}") from error
    finally:
        crowd.close()
