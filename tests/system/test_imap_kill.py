# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 while a session changes its mailbox: UIDs and modification sequences never go back, and a client that was there before
is told by QRESYNC exactly what is different now."""

import random

import pytest
from lab.imap import served
from lab.imap.wire import fetched, in_set, opened

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "word")
RECENT = "\\Recent"
MESSAGE = "Subject: one of many\r\n\r\ntext\r\n"


def flags_of(items):
    return frozenset(items["FLAGS"]) - {RECENT}


class Client:
    """What a client keeps of a mailbox between two connections."""

    def __init__(self):
        self.validity, self.modseq, self.rows = 1, 1, {}
        self.uid_next = 1
        self.highest = 0    # MODSEQ or HIGHESTMODSEQ that was ever told

    def hear(self, responses, changing=False):
        for response in responses:
            if response.kind == "VANISHED":
                for uid in in_set(str(response.words[-1])):
                    self.rows.pop(uid, None)
            elif response.kind == "FETCH":
                items = fetched(response)
                if "MODSEQ" in items:
                    self.highest = max(self.highest, int(items["MODSEQ"][0]))
                if "FLAGS" in items and not changing:
                    self.rows[int(items["UID"])] = flags_of(items)

    def select(self, connection):
        """Comes back: what it knows is brought up to date, and must then be what is there."""
        connection.command("ENABLE QRESYNC")
        found, _ = connection.command(f"SELECT INBOX (QRESYNC ({self.validity} {self.modseq}))")
        codes = {name: int(response.code(name)) for response in found for name in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")
                 if response.code(name)}
        if self.rows:
            assert codes["UIDVALIDITY"] == self.validity
        assert codes["UIDNEXT"] >= self.uid_next, "UIDNEXT has gone back"
        assert codes["HIGHESTMODSEQ"] >= self.highest, "HIGHESTMODSEQ has gone back"
        self.hear(found)
        now, _ = connection.command("UID FETCH 1:* (UID FLAGS)")
        rows = {int(items["UID"]): flags_of(items) for items in map(fetched, (one for one in now if one.kind == "FETCH"))}
        if self.modseq > 1:
            assert self.rows == rows, "QRESYNC has not told the difference"
        self.rows, self.validity = rows, codes["UIDVALIDITY"]
        self.modseq = self.highest = codes["HIGHESTMODSEQ"]
        self.uid_next = codes["UIDNEXT"]


def command(rng, client):
    uids = sorted(client.rows)
    kind = rng.random()
    if kind < 0.25 or len(uids) < 5:
        return f"APPEND INBOX ({rng.choice(FLAGS)}) {{{len(MESSAGE)}+}}\r\n{MESSAGE}"
    some = ",".join(map(str, rng.sample(uids, rng.randint(1, min(4, len(uids))))))
    if kind < 0.85:
        return f"UID STORE {some} {rng.choice(('+', '-'))}FLAGS{rng.choice(('', '.SILENT'))} ({rng.choice(FLAGS)})"
    if kind < 0.93:
        return f"UID STORE {some} +FLAGS.SILENT (\\Deleted)"
    return "EXPUNGE"


def work(connection, rng, client):
    """Commands that are answered, each noted; then some more at once, of which nobody knows."""
    for _ in range(rng.randint(10, 40)):
        found, answer = connection.command(command(rng, client), expect=None)
        client.hear(found, changing=True)
        if answer.code("APPENDUID"):
            client.uid_next = max(client.uid_next, int(answer.code("APPENDUID").split()[1]) + 1)
        if answer.code("HIGHESTMODSEQ"):
            client.highest = max(client.highest, int(answer.code("HIGHESTMODSEQ")))
    for _ in range(20):
        connection.send(command(rng, client))


def test_a_client_comes_back_after_kill(make_engine, request):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, client = random.Random(seed), Client()
    engine = make_engine(workers=2, changes=served.CHANGES)
    server = served.server_of(engine)
    for _ in range(30 if request.config.getoption("--long") else 2):
        with opened(server) as connection:
            client.select(connection)
            # What the client knew stays as it is from here on: the changes are another one's, as far as it can see.
            other = Client()
            other.rows, other.uid_next, other.highest = dict(client.rows), client.uid_next, client.highest
            try:
                work(connection, rng, other)
            finally:
                engine.kill()
            client.uid_next, client.highest = other.uid_next, other.highest
        engine.start()
    with opened(server) as connection:
        client.select(connection)
        uid = min(client.rows)
        found, _ = connection.command(f"UID STORE {uid} FLAGS (again{rng.randrange(1 << 20)})")
        told = [int(fetched(one)["MODSEQ"][0]) for one in found if one.kind == "FETCH"]
        assert told and told[0] > client.highest, "a modification sequence was given again"
