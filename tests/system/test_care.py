# SPDX-License-Identifier: BSD-3-Clause
"""Backups, restoring and fsck of a running engine, by its own commands; an engine whose store is memory."""

import concurrent.futures
import shutil
import threading
from pathlib import Path

import pytest
from lab import messages
from lab.commands import run, wait_until
from lab.engine import binary
from lab.smtp import Session, inbox, pop3

ALICE = "alice@example.test"
NOISE = messages.Noise(13)


def deliver(engine, message_id):
    with Session(engine.namespaces) as session:
        assert session.transaction("sender@client.test", [ALICE], messages.plain(message_id).data)[0] == 250


def in_inbox(engine):
    return {messages.message_id_of(data) for data in inbox(engine.namespaces, ALICE)[0].values()}


def test_backup_and_restore(make_engine, tmp_path):
    engine = make_engine()
    backups = str(tmp_path / "backups")
    for number in range(3):
        deliver(engine, f"before{number}@client.test")
    assert engine.ask("backup", "create", backups)["id"] == 1
    deliver(engine, "after@client.test")
    assert engine.ask("backup", "create", backups)["id"] == 2
    assert [backup["id"] for backup in engine.ask("backup", "list", backups)] == [1, 2]
    assert engine.ask("backup", "verify", backups, "1") is True
    validity = engine.ask("mailbox", "status", ALICE)[0]["uid_validity"]
    engine.kill()
    store = Path(engine.settings["store"]["path"])
    refused = run(binary(), "restore", "-c", engine.file, backups, "1", check=False)
    assert refused.returncode == 1 and b"is not empty" in refused.stderr
    shutil.rmtree(store)
    run(binary(), "restore", "-c", engine.file, backups, "1")
    engine.start()
    assert in_inbox(engine) == {f"before{number}@client.test" for number in range(3)}
    assert engine.ask("mailbox", "status", ALICE)[0]["uid_validity"] > validity
    deliver(engine, "again@client.test")
    found = engine.ask("fsck")
    assert found["sound"] and found["entries"] == 4 and not found["examples"]
    assert engine.ask("fsck", "repair")["repaired"] == 0


def send_on(engine, lane, taken, stop):
    """Sends until it is told to stop, noting each message that was answered 250."""
    number = 0
    while not stop.is_set():
        with Session(engine.namespaces) as session:
            for _ in range(50):
                mail = NOISE.message(f"{lane}-{number}@care.test", 100_000 if number % 10 == 9 else 3000)
                if stop.is_set():
                    break
                assert session.transaction("sender@client.test", [ALICE], mail.data)[0] == 250
                taken.append(mail)
                number += 1


@pytest.mark.long
def test_a_backup_under_load_is_whole(make_engine, tmp_path):
    """All that was answered before it was asked for, of what came meanwhile whole messages only, and nothing else."""
    engine = make_engine(workers=2)
    taken, stop = ([], [], []), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        lanes = [pool.submit(send_on, engine, lane, taken[lane], stop) for lane in range(3)]
        wait_until(lambda: all(len(lane) >= 5 for lane in taken), 20, "some mail")
        before = [mail for lane in taken for mail in list(lane)]
        engine.ask("backup", "create", str(tmp_path / "backups"))
        behind = sum(map(len, taken)) - len(before)
        wait_until(lambda: sum(map(len, taken)) > len(before) + behind + 5, 20, "mail behind the backup")
        stop.set()
        for lane in lanes:
            lane.result()
    engine.kill()
    shutil.rmtree(engine.settings["store"]["path"])
    run(binary(), "restore", "-c", engine.file, str(tmp_path / "backups"))
    engine.start()
    sent = {mail.message_id: mail for lane in taken for mail in lane}
    stored = inbox(engine.namespaces, ALICE)[0].values()
    found = [messages.message_id_of(data) for data in stored]
    assert len(found) == len(set(found)) and {mail.message_id for mail in before} <= set(found) <= set(sent)
    for data in stored:
        mail = sent[messages.message_id_of(data)]
        assert messages.is_delivery(data, len(mail.data), mail.digest)
    assert behind > 0 and len(found) < len(sent)
    assert engine.ask("fsck")["sound"]


def test_store_in_memory(make_engine):
    engine = make_engine(workers=2, changes={"store": {"kind": "memory"}})
    sent = {}
    for number in range(10):
        mail = NOISE.message(f"memory{number}@client.test", 300_000 if number % 3 == 2 else 3000)
        sent[mail.message_id] = mail
        with Session(engine.namespaces) as session:
            assert session.transaction("sender@client.test", [ALICE], mail.data)[0] == 250
        # Whichever worker is asked, it is there at once.
        assert in_inbox(engine) == set(sent)
    for data in inbox(engine.namespaces, ALICE)[0].values():
        mail = sent[messages.message_id_of(data)]
        assert messages.is_delivery(data, len(mail.data), mail.digest)
    assert engine.ask("mailbox", "status", ALICE)[0]["messages"] == 10
    found = engine.ask("fsck")
    assert found["sound"] and found["entries"] == found["bodies"] == 10
    with pop3(engine.namespaces, ALICE) as session:
        for number in range(1, 11):
            session.dele(number)
    assert engine.ask("mailbox", "status", ALICE)[0]["messages"] == 0
    found = engine.ask("fsck")
    assert found["sound"] and found["bodies"] == found["rows"] == 0
    refused = engine.ctl("backup", "create", "/tmp/never", check=False)
    assert refused.returncode == 1 and b"in memory has no backups" in refused.stderr


def test_full_memory(make_engine):
    """Mail is refused for now while the memory is full, and taken again once some was deleted."""
    engine = make_engine(changes={"store": {"kind": "memory", "memory": "64MiB"}})
    mail, code, count = NOISE.message("large@client.test", 1_000_000), 250, 0
    with Session(engine.namespaces) as session:
        while code == 250 and count < 80:
            code, text = session.transaction("sender@client.test", [ALICE], mail.data)
            count += code == 250
    assert code == 452 and "4.3.1" in str(text) and count >= 50
    with pop3(engine.namespaces, ALICE) as session:
        session.dele(1)
        session.dele(2)
    with Session(engine.namespaces) as session:
        assert session.transaction("sender@client.test", [ALICE], mail.data)[0] == 250
    assert engine.ask("fsck")["sound"]
