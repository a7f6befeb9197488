# SPDX-License-Identifier: BSD-3-Clause
"""Very many messages by two workers: all there, none twice, every byte right."""

import multiprocessing
import time
import urllib.request

from lab import messages
from lab.namespaces import inside
from lab.smtp import Session, dotted, inbox

USERS = ("alice@example.test", "bob@example.test", "carol@example.test", "dave@example.test")
SENDERS = 4
CONNECTION = 100     # messages before a connection is closed, as many as the engine allows
SEED = 7
METRICS = "127.0.0.1:9109"


def mail(number):
    """Most are small, some large."""
    size = 120_000 if number % 500 == 499 else 20_000 if number % 20 == 19 else 500 + number % 3000
    return NOISE.message(f"{number}@volume.test", size)


NOISE = messages.Noise(SEED)


def send(namespaces, lane, count, faults):
    """Every SENDERS-th message, many to a connection, commands in one piece (RFC 2920)."""
    numbers = list(range(lane, count, SENDERS))
    for at in range(0, len(numbers), CONNECTION):
        with Session(namespaces) as session:
            for number in numbers[at : at + CONNECTION]:
                recipient = USERS[number % len(USERS)]
                session.send(f"MAIL FROM:<s@client.test>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
                codes = [session.reply()[0] for _ in range(3)]
                session.send(dotted(mail(number).data))
                codes.append(session.reply()[0])
                if codes != [250, 250, 354, 250]:
                    faults.put(f"{number}: {codes}")
                    return
            session.quit()


def read(namespaces, user, count, faults):
    """The mailbox holds each of the user's messages once and whole."""
    expected = set(range(USERS.index(user), count, len(USERS)))
    fresh, listed = inbox(namespaces, user)
    if len(set(listed)) != len(expected):
        faults.put(f"{user}: {len(set(listed))} messages, not {len(expected)}")
    for data in fresh.values():
        number = int((messages.message_id_of(data) or "-1@").partition("@")[0])
        if number not in expected:
            faults.put(f"{user}: message {number} is there twice, or was never sent to it")
            return
        expected.remove(number)
        if not messages.is_delivery_of(data, mail(number).data):
            faults.put(f"{user}: message {number} is not what was sent")
            return


def beside(jobs):
    """Runs the jobs as processes, side by side; their faults."""
    faults = multiprocessing.SimpleQueue()
    processes = [multiprocessing.Process(target=job, args=(*arguments, faults)) for job, arguments in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = [f"a helper ended with {process.exitcode}" for process in processes if process.exitcode]
    while not faults.empty():
        found.append(faults.get())
    return found


def shares(engine):
    """How many messages each worker has taken."""
    with inside(engine.namespaces.engine), urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    return [int(line.split()[-1]) for line in lines if line.startswith("wirepost_messages_accepted_total{worker=")]


def test_all_there_none_twice(make_engine, request):
    count = 100_000 if request.config.getoption("--long") else 1_500
    engine = make_engine(workers=2, changes={"metrics": {"listen": METRICS}})
    began = time.monotonic()
    assert beside([(send, (engine.namespaces, lane, count)) for lane in range(SENDERS)]) == []
    sent = time.monotonic()
    assert beside([(read, (engine.namespaces, user, count)) for user in USERS]) == []
    print(f"{count} messages sent in {sent - began:.1f} s, read and compared in {time.monotonic() - sent:.1f} s")
    taken = shares(engine)
    # Each connection's worker is that of its hash; of so many neither gets next to none.
    assert sum(taken) == count and len(taken) == 2 and min(taken) > count / 10, taken
