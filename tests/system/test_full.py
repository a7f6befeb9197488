# SPDX-License-Identifier: BSD-3-Clause
"""No room: a full mailbox, a full disk; and clients that take time and room away from others."""

import contextlib
import errno
import resource
import selectors
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from lab import messages
from lab.commands import run, wait_until
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session, dotted, inbox, pop3

ALICE = "alice@example.test"
BOB = "bob@example.test"
SENDER = "sender@client.test"
METRICS = "127.0.0.1:9109"
NOISE = messages.Noise(5)


def answers(engine, mail, *recipients):
    """What each RCPT is answered, and the end of the data; 0 when nobody is left to send to."""
    with Session(engine.namespaces) as session:
        session.command(f"MAIL FROM:<{SENDER}> SIZE={len(mail.data)}")
        codes = [session.command(f"RCPT TO:<{recipient}>") for recipient in recipients]
        end = (0, "")
        if any(code == 250 for code, _text in codes):
            session.send(b"DATA\r\n")
            session.reply()
            end = messages_end(session, mail)
        session.quit()
    return [text[:9] for _code, text in codes], end


def messages_end(session, mail):
    session.send(mail.data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    return session.reply()


def counter(engine, name):
    return engine.ask("counters")[name]


def replies(engine, reply):
    """How often all workers have answered so."""
    with inside(engine.namespaces.engine), urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines
               if line.startswith("wirepost_smtp_replies") and f'"{reply}"' in line)


def test_full_mailbox(make_engine):
    """Found at a commit, then told at RCPT, after a restart too; the others get their mail; in the end it is for good."""
    engine = make_engine(started=False, changes={"store": {"quota": "64KiB", "full_days": 2}, "metrics": {"listen": METRICS}})
    engine.start()
    big, small = (NOISE.message(f"{name}@full.test", size) for name, size in (("big", 50_000), ("small", 20_000)))
    assert answers(engine, big, ALICE)[1][0] == 250
    taken, end = answers(engine, small, ALICE, BOB)
    assert taken == ["250 2.1.5"] * 2 and end[1].startswith("452 4.2.2")
    taken, end = answers(engine, small, ALICE, BOB)
    assert taken == ["452 4.2.2", "250 2.1.5"] and end[0] == 250
    # What fits all the same is taken.
    assert answers(engine, messages.plain("tiny@full.test", 100), BOB)[1][0] == 250

    engine.kill()
    faked = engine.fake_clock(FAKETIME="+3d")
    engine.start()
    told = "552 5.2.2" if faked else "452 4.2.2"
    assert answers(engine, small, ALICE, BOB)[0] == [told, "250 2.1.5"]
    assert replies(engine, "mailbox_full_long" if faked else "mailbox_full") == 1
    with pop3(engine.namespaces, ALICE) as session:
        session.dele(1)
    assert answers(engine, small, ALICE)[1][0] == 250


def put_store_on_tmpfs(engine, megabytes):
    """Before the start. The file system is the engine's alone and goes with it; its folder as seen from here."""
    store = engine.settings["store"]["path"]
    mount = f'mkdir -p {store} && mount -t tmpfs -o size={megabytes}m tmpfs {store} && exec "$@"'
    engine.wrapper = ["unshare", "-m", "sh", "-c", mount, "sh"]
    return lambda: Path(f"/proc/{engine.process.pid}/root{store}")


def fill_up(path):
    with open(path, "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(1 << 20))


def test_full_disk(make_engine):
    """452 4.3.1 while POP3 goes on; mail is taken again when there is room; nothing that was taken is lost."""
    engine = make_engine(started=False, changes={"metrics": {"listen": METRICS}, "store": {"reserve": "64MiB"}})
    folder = put_store_on_tmpfs(engine, 192)
    engine.start()
    mails = [NOISE.message(f"{number}@disk.test", 900_000) for number in range(120)]
    sent, refused = [], None
    for mail in mails[:3]:
        assert answers(engine, mail, ALICE)[1][0] == 250
        sent.append(mail)
    filler = folder() / "filler"
    fill_up(filler)
    for mail in mails[3:]:
        end = answers(engine, mail, ALICE)[1]
        if end[0] != 250:
            refused = end[1]
            break
        sent.append(mail)
    assert refused and refused.startswith("452 4.3.1"), refused
    assert replies(engine, "disk_full") >= 1
    assert same(inbox(engine.namespaces, ALICE)[0], sent)

    filler.unlink()
    again = NOISE.message("again@disk.test", 400_000)
    wait_until(lambda: answers(engine, again, ALICE)[1][0] == 250, 10, "a message taken after there was room")
    assert same(inbox(engine.namespaces, ALICE)[0], [*sent, again])


def same(stored, sent):
    """The mailbox has what was taken, each once and whole, and nothing else."""
    by_id = {messages.message_id_of(data): data for data in stored.values()}
    return len(stored) == len(by_id) == len(sent) and all(
        messages.is_delivery(by_id[mail.message_id], len(mail.data), mail.digest) for mail in sent)


@pytest.fixture(scope="module")
def patient(shared_bench):
    """An engine that waits for nobody longer than a few seconds."""
    return shared_bench(workers=2, changes={
        "smtp": {"line_timeout": "4s", "command_timeout": "4s"},
        "pop3": {"idle_timeout": "4s"}})


def connect(engine, count, port=25, room=None):
    sockets = []
    with inside(engine.namespaces.client):
        for _ in range(count):
            one = socket.socket()
            if room:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
            one.settimeout(20)
            one.connect((ENGINE_IPV4, port))
            sockets.append(one)
    return sockets


def deliver_quickly(engine, name, count=10):
    """Others' mail: how long the slowest of them took."""
    slowest = 0
    for number in range(count):
        began = time.monotonic()
        assert answers(engine, messages.plain(f"{name}{number}@abuse.test"), BOB)[1][0] == 250
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def test_one_byte_a_second(patient):
    """1000 connections that send a byte a second: others go on, and the deadline of a line ends them."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    ended_before = counter(patient, "sessions_timed_out")
    drips = connect(patient, 1000)
    for second in range(4):
        until = time.monotonic() + 1
        for one in drips:
            one.send(b"N")
        if second == 1:
            assert counter(patient, "sessions_open") >= 1000
            assert deliver_quickly(patient, "drip") < 1
        time.sleep(max(0, until - time.monotonic()))
    wait_until(lambda: counter(patient, "sessions_timed_out") - ended_before >= 1000, 10, "the end of all that drip")
    assert drips[0].recv(4096).startswith(b"220 ")
    for one in drips:
        one.close()


@pytest.mark.long
def test_one_byte_a_second_of_data(make_engine):
    """While sessions are short, mail that drips is ended with 421 after its ten seconds; mail that comes at its pace is taken."""
    engine = make_engine(changes={"engine": {"connections": 200}, "smtp": {"pressure": 50, "pressure_rate": "1KiB"}})
    drips = connect(engine, 150)
    for one in drips:
        one.send(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
    wait_until(lambda: counter(engine, "smtp_reply_go_ahead") >= 150, 10, "all of them in their data")
    paced = NOISE.message("paced@abuse.test", 60_000)
    with Session(engine.namespaces) as session:
        assert session.envelope(SENDER, [BOB])[0] == 354
        data = dotted(paced.data)
        for second in range(20):
            until = time.monotonic() + 1
            for one in drips:
                with contextlib.suppress(OSError):
                    one.send(b"x")
            session.send(data[second * 4000 : (second + 1) * 4000])
            if second in (1, 8):
                assert deliver_quickly(engine, f"beside{second}") < 1
            time.sleep(max(0, until - time.monotonic()))
        assert session.reply()[0] == 250
    # Those that are left once room is not short any more go on.
    slow, told = counter(engine, "sessions_slow"), 0
    for one in drips:
        one.settimeout(0.2)
        with contextlib.suppress(OSError):
            told += b"\r\n421 " in one.recv(8192)
        one.close()
    assert told == slow and 50 <= slow <= 150, (told, slow)


@pytest.mark.long
def test_full_disk_without_a_reserve(make_engine):
    """Filled to its last byte, and with room again, three times: the engine goes on or ends; then it has all that was answered."""
    engine = make_engine(started=False, changes={"store": {"reserve": "none"}})
    store = engine.directory / "store"
    store.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", store)
    try:
        engine.start()
        sent, unsure = [], []
        for turn in range(3):
            fill_up(store / "filler")
            fill_until_refused(engine, turn, sent, unsure)
            (store / "filler").unlink()
            time.sleep(2)
            if engine.process.poll() is not None:
                engine.start()
        again = NOISE.message("again@edge.test", 1000)
        wait_until(lambda: answers(engine, again, ALICE)[1][0] == 250, 20, "a message taken after there was room")
        engine.kill()
        engine.start()
        stored = inbox(engine.namespaces, ALICE)[0].values()
        by_id = {messages.message_id_of(data): data for data in stored}
        every = {mail.message_id: mail for mail in [*sent, *unsure, again]}
        assert len(stored) == len(by_id) and {mail.message_id for mail in [*sent, again]} <= set(by_id) <= set(every)
        assert all(messages.is_delivery(data, len(every[name].data), every[name].digest) for name, data in by_id.items())
        assert engine.ask("fsck")["sound"] and len(sent) > 10
    finally:
        engine.end()
        run("umount", "-l", store)


def fill_until_refused(engine, turn, sent, unsure):
    """Mail until five were refused or the engine has ended; of what was not answered nobody is sure."""
    refused = number = 0
    while refused < 5 and number < 1000 and engine.process.poll() is None:
        number += 1
        mail = NOISE.message(f"{turn}-{number}@edge.test", 200_000)
        unsure.append(mail)
        with contextlib.suppress(OSError):
            code = answers(engine, mail, ALICE)[1][0]
            refused += code >= 400
            if code:
                unsure.remove(mail)
            if code == 250:
                sent.append(mail)


def push(one, data):
    """Sends until nobody takes any more."""
    one.setblocking(False)
    waiting = selectors.DefaultSelector()
    waiting.register(one, selectors.EVENT_WRITE)
    sent = 0
    while sent < len(data) and waiting.select(0.5):
        try:
            sent += one.send(data[sent : sent + 65536])
        except OSError as error:
            assert error.errno in (errno.ECONNRESET, errno.EPIPE, errno.EAGAIN)
            break
    return sent


@pytest.mark.long
def test_a_client_that_never_reads(patient):
    """One that reads no reply, and one that asks for 5 MB and reads none of it: the engine stops reading them."""
    mail = NOISE.message("large@abuse.test", 5_000_000)
    assert answers(patient, mail, ALICE)[1][0] == 250
    ended_before = counter(patient, "sessions_timed_out")
    [talker], [reader] = connect(patient, 1, room=4096), connect(patient, 1, port=110, room=4096)
    lines = b"EHLO c\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<bob@example.test>\r\n" * 200_000
    assert push(talker, lines) < len(lines)
    reader.send(b"USER alice@example.test\r\nPASS open sesame\r\nRETR 1\r\n")
    assert deliver_quickly(patient, "deaf") < 1
    wait_until(lambda: counter(patient, "sessions_timed_out") - ended_before >= 2 and counter(patient, "sessions_open") <= 1, 15,
               "the end of both")
    talker.close()
    reader.close()
    # The mailbox is free again.
    assert any(len(data) > len(mail.data) for data in inbox(patient.namespaces, ALICE)[0].values())
