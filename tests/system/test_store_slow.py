# SPDX-License-Identifier: BSD-3-Clause
"""A disk that answers late, or not at all: who waits for it is not answered, all others go on, and nothing is there twice."""

import time
from contextlib import ExitStack

import pytest
from lab import messages
from lab.commands import wait_until
from lab.smtp import Session, dotted, inbox, pop3, retrieve

SENDER = "sender@client.test"
ALICE = "alice@example.test"
BOB = "bob@example.test"
NOISE = messages.Noise(11)


@pytest.fixture
def stalling(make_engine):
    """An engine, and the file that keeps its disk from answering while it is there."""
    engine = make_engine(started=False, workers=2, changes={"smtp": {"end_timeout": "20s"}})
    disk = engine.stalls("STALL_SYNC")
    engine.start()
    yield engine, disk
    disk.unlink(missing_ok=True)


def deliver(engine, mail, recipient):
    with Session(engine.namespaces) as session:
        return session.transaction(SENDER, [recipient], mail.data)[0]


def begin(stack, engine, mail, recipient=ALICE):
    """Says all of a message, its end too, and leaves it at that."""
    session = stack.enter_context(Session(engine.namespaces))
    assert session.envelope(SENDER, [recipient])[0] == 354
    session.send(dotted(mail.data))
    return session


def parked(engine):
    return engine.ask("counters")["commits_parked"]


def others_go_on(engine, kept):
    """Reading, and commands of other sessions: all of it within a second."""
    began = time.monotonic()
    with pop3(engine.namespaces, BOB) as session:
        assert messages.is_delivery(retrieve(session, 1), len(kept.data), kept.digest)
    with Session(engine.namespaces) as session:
        for line in (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{BOB}>", f"RCPT TO:<{ALICE}>", "RSET", "NOOP", "VRFY alice"):
            assert session.command(line)[0] in (250, 252)
        session.quit()
    assert time.monotonic() - began < 1


def unanswered(session):
    session.socket.settimeout(0.05)
    try:
        return not session.socket.recv(1)
    except TimeoutError:
        return True
    finally:
        session.socket.settimeout(30)


def each_once(engine, user, sent):
    """The mailbox has these messages, each once and whole, and nothing else."""
    stored = inbox(engine.namespaces, user)[0].values()
    by_id = {messages.message_id_of(data): data for data in stored}
    assert len(stored) == len(by_id) == len(sent)
    assert all(messages.is_delivery(by_id[mail.message_id], len(mail.data), mail.digest) for mail in sent)


def test_a_store_that_answers_after_five_seconds(stalling):
    engine, disk = stalling
    kept = NOISE.message("kept@slow.test", 40_000)
    mails = [NOISE.message(f"slow{number}@slow.test", size) for number, size in enumerate((400, 30_000, 400_000, 400))]
    assert deliver(engine, kept, BOB) == 250
    disk.touch()
    until = time.monotonic() + 5
    with ExitStack() as stack:
        sessions = [begin(stack, engine, mail) for mail in mails]
        # The large one has not come so far: its pieces wait as well.
        wait_until(lambda: parked(engine) == len(mails) - 1, 3, "the commits to wait")
        while time.monotonic() < until - 1:
            others_go_on(engine, kept)
        assert parked(engine) == len(mails) - 1 and all(map(unanswered, sessions))
        time.sleep(max(0, until - time.monotonic()))
        disk.unlink()
        assert [session.reply()[0] for session in sessions] == [250] * len(mails)
    assert parked(engine) == 0
    each_once(engine, ALICE, mails)
    each_once(engine, BOB, [kept])


def hang_two(stack, engine, disk, first, second):
    """The first of two commits hangs, the second waits behind it; both for longer than an answer may take."""
    engine.settings["smtp"]["end_timeout"] = "1s"
    engine.write()
    engine.ctl("reload")
    disk.touch()
    sessions = [begin(stack, engine, first)]
    wait_until(lambda: parked(engine) == 1, 3, "a commit to hang")
    sessions.append(begin(stack, engine, second))
    wait_until(lambda: parked(engine) == 2, 3, "a commit to wait behind it")
    time.sleep(1.5)
    # That of the first may be durable already: whatever was said now could be wrong.
    assert all(map(unanswered, sessions))
    return sessions


def test_a_commit_that_was_not_begun_in_time_is_dropped(stalling):
    engine, disk = stalling
    begun, late = (NOISE.message(f"{name}@slow.test", 3000) for name in ("begun", "late"))
    with ExitStack() as stack:
        first, second = hang_two(stack, engine, disk, begun, late)
        disk.unlink()
        assert first.reply()[0] == 250
        code, text = second.reply()
        assert code == 451 and "4.3.0" in text
    each_once(engine, ALICE, [begun])


def test_a_store_that_never_answers_and_a_kill(stalling):
    """What was answered is there after kill -9; of what was not, nothing is half there."""
    engine, disk = stalling
    kept = NOISE.message("kept@slow.test", 40_000)
    answered = [NOISE.message(f"answered{number}@slow.test", 3000) for number in range(5)]
    hanging, behind = (NOISE.message(f"{name}@slow.test", 3000) for name in ("hanging", "behind"))
    assert deliver(engine, kept, BOB) == 250
    assert [deliver(engine, mail, ALICE) for mail in answered] == [250] * len(answered)
    with ExitStack() as stack:
        hang_two(stack, engine, disk, hanging, behind)
        others_go_on(engine, kept)
        engine.kill()
    disk.unlink()
    engine.start()
    there = {messages.message_id_of(data) for data in inbox(engine.namespaces, ALICE)[0].values()}
    each_once(engine, ALICE, [*answered, *([hanging] if hanging.message_id in there else [])])
    each_once(engine, BOB, [kept])
    assert deliver(engine, behind, ALICE) == 250
