# SPDX-License-Identifier: BSD-3-Clause
"""Backups, restoring and fsck of a running engine, by its own commands; an engine whose store is memory."""

import shutil
from pathlib import Path

from lab import messages
from lab.commands import run
from lab.engine import binary
from lab.smtp import Session, inbox

ALICE = "alice@example.test"


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


def test_store_in_memory(make_engine):
    engine = make_engine(changes={"store": {"kind": "memory"}})
    deliver(engine, "memory@client.test")
    assert in_inbox(engine) == {"memory@client.test"}
    assert engine.ask("fsck")["sound"]
    refused = engine.ctl("backup", "create", "/tmp/never", check=False)
    assert refused.returncode == 1 and b"in memory has no backups" in refused.stderr
