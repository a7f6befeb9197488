# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at random moments under load: what was answered 250 is there once and whole, and nothing is half there."""

import poplib
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from lab import messages, records
from lab.certificates import Authority
from lab.engine import HOSTNAME
from lab.smtp import SecureSession, Session, inbox, pop3, retrieve

SENDER = "sender@client.test"
USERS = ("alice@example.test", "bob@example.test", "carol@example.test")
CONNECTIONS = 6
ROUNDS, TLS_ROUNDS = 3, 1
SIZES = (1_000, 100_000)
LARGE, LARGE_SHARE = (1_000_000, 5_000_000), 0.02
NOISE = messages.Noise(0, size=2 * LARGE[1])


@dataclass
class Attempt:
    """A message whose final dot may have been sent."""

    size: int
    digest: str
    recipients: tuple
    answered: bool = False
    copies: dict = field(default_factory=dict)


class Load:
    """Connections that send message after message until the engine is gone."""

    def __init__(self, namespaces, rng, number, attempts, session=Session):
        self.namespaces = namespaces
        self.session = session
        self.attempts = attempts
        self.noise = NOISE
        seeds = [rng.random() for _ in range(CONNECTIONS)]
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(random.Random(seed), f"{number}-{lane}"))
                        for lane, seed in enumerate(seeds)]
        self.faults = []
        self.sessions = []

    def _send(self, rng, lane):
        try:
            with self.session(self.namespaces, timeout=10) as session:
                self.sessions.append(session)
                for count in range(100):
                    if self.stopping.is_set() or not self._one(session, rng, f"{lane}-{count}@client.test"):
                        return
        except OSError:
            return

    def _one(self, session, rng, message_id):
        low, high = LARGE if rng.random() < LARGE_SHARE else SIZES
        size = round(low * (high / low) ** rng.random())
        recipients = tuple(rng.sample(USERS, rng.choice((1, 1, 2, 3))))
        mail = self.noise.message(message_id, size)
        attempt = Attempt(len(mail.data), mail.digest, recipients)
        self.attempts[message_id] = attempt
        code, text = session.transaction(SENDER, recipients, mail.data)
        attempt.answered = code == 250
        if code not in (0, 250):
            self.faults.append(f"{message_id}: {text}")
        return code == 250

    def run(self, seconds, kill):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        kill()
        self.stopping.set()
        # Nobody is left to say that the connections are gone; replies that had arrived are still read.
        for session in self.sessions:
            with suppress(OSError):
                # Under TLS too the connection's own: what was read before stays as it is.
                socket.socket.shutdown(session.socket, socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(20)
        assert not self.faults, self.faults[:5]


def take_stock(engine, attempts, known):
    """Reads what POP3 shows and was not seen before; each message must be whole and be one that was sent."""
    for user in USERS:
        fresh, listed = inbox(engine.namespaces, user, known=known[user])
        assert len(set(listed)) == len(listed), "a unique-id twice"
        assert known[user] <= set(listed), "messages that had been read are gone"
        for uid, data in fresh.items():
            message_id = messages.message_id_of(data)
            assert message_id in attempts, f"{uid}: nobody sent this: {data[:300]!r}"
            attempt = attempts[message_id]
            assert messages.is_delivery(data, attempt.size, attempt.digest), f"{message_id} is not whole"
            attempt.copies[user] = attempt.copies.get(user, 0) + 1
        known[user] = set(listed)


def check_attempts(attempts):
    for message_id, attempt in attempts.items():
        expected = {user: 1 for user in attempt.recipients}
        if attempt.answered:
            assert attempt.copies == expected, f"{message_id} was answered 250, copies: {attempt.copies}"
        else:
            assert attempt.copies in ({}, expected), f"{message_id} is half there: {attempt.copies}"


def check_ctl(engine, known):
    """ctl lists what POP3 lists, and exports what POP3 retrieves."""
    for user in USERS:
        entries = records.mailbox(engine, user)
        assert len(entries) == len(known[user])
        if not entries:
            continue
        with pop3(engine.namespaces, user) as session:
            for number in (1, len(entries)):
                exported = records.export(engine, entries[number - 1]["id"], user)
                assert exported == retrieve(session, number)


def kill_under_load(engine, rounds, session=Session, least=0.02):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    attempts, known = {}, {user: set() for user in USERS}
    for number in range(rounds):
        if number:
            engine.start()
        take_stock(engine, attempts, known)
        check_attempts(attempts)
        Load(engine.namespaces, rng, number, attempts, session).run(rng.uniform(least, least + 0.6), engine.kill)
    engine.start()
    take_stock(engine, attempts, known)
    check_attempts(attempts)
    check_ctl(engine, known)
    answered = sum(attempt.answered for attempt in attempts.values())
    unanswered = sum(bool(attempt.copies) and not attempt.answered for attempt in attempts.values())
    print(f"{len(attempts)} sent, {answered} answered 250, {unanswered} there without an answer")
    return answered


def test_kill_under_load(make_engine, request):
    rounds = 100 if request.config.getoption("--long") else ROUNDS
    answered = kill_under_load(make_engine(workers=2), rounds)
    assert answered > rounds * 5, "there was no load worth the name"


@pytest.mark.long
def test_kill_under_load_behind_starttls(make_engine, request, tmp_path):
    rounds = 50 if request.config.getoption("--long") else TLS_ROUNDS
    changes = {"listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"}, {"port": 110, "protocol": "pop3"}],
               "tls": {"certificates": [Authority(tmp_path).sign("mx", HOSTNAME)], "threads": 2}}
    assert kill_under_load(make_engine(workers=2, changes=changes), rounds, SecureSession, 1) > 0, "there was no load worth the name"


@pytest.mark.long
def test_kill_while_messages_are_read_ahead(make_engine):
    """A reader in the middle of its mailbox: what it marked with DELE without QUIT stays (RFC 1939 section 6), and all is as it was."""
    engine = make_engine()
    mails = [NOISE.message(f"ahead-{number}@client.test", 40_000) for number in range(60)]
    with Session(engine.namespaces) as session:
        for mail in mails:
            assert session.transaction(SENDER, USERS[:1], mail.data)[0] == 250
        session.quit()
    before, listed = inbox(engine.namespaces, USERS[0])
    for mark in (b"", b"DELE 1\r\nDELE 2\r\n"):
        with suppress(OSError, EOFError, poplib.error_proto), pop3(engine.namespaces, USERS[0]) as reader:
            reader.sock.sendall(mark + b"".join(b"RETR %d\r\n" % number for number in range(3, 61)))
            came = 0
            while came < 300_000:
                came += len(reader.sock.recv(1 << 16))
            assert engine.ask("counters")["pop3_ahead"] > 0
            engine.kill()
        engine.start()
        after, listed_after = inbox(engine.namespaces, USERS[0])
        assert listed_after == listed and after == before
    assert all(messages.is_delivery_of(data, mail.data) for data, mail in zip(after.values(), mails))
