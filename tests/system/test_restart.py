# SPDX-License-Identifier: BSD-3-Clause
"""The engine leaves its port as it found it, and starts again after kill -9."""

import json

import pytest
from conftest import first_short
from lab import messages
from lab.commands import CommandFailed, run
from lab.engine import DRIVERS
from lab.smtp import Session, inbox

ALICE = "alice@example.test"


def xdp_program(engine):
    """The XDP program on the engine's port as `ip` shows it, or None."""
    link = run("ip", "-n", engine.namespaces.engine, "-d", "-j", "link", "show", engine.namespaces.engine_port).stdout
    return json.loads(link)[0].get("xdp")


def deliver(engine, message_id):
    with Session(engine.namespaces) as session:
        assert session.transaction("sender@client.test", [ALICE], messages.plain(message_id).data)[0] == 250


@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_start_after_kill(make_engine, pmd):
    engine = make_engine(pmd=pmd)
    for number in range(3):
        deliver(engine, f"kill{number}@client.test")
        engine.kill()
        engine.start()
    found = {messages.message_id_of(data) for data in inbox(engine.namespaces, ALICE)[0].values()}
    assert found == {f"kill{number}@client.test" for number in range(3)}


@pytest.mark.parametrize("killed_before", [False, True])
def test_xdp_program_is_detached(make_engine, killed_before):
    engine = make_engine(pmd="af_xdp")
    assert xdp_program(engine), "there was no program to detach"
    if killed_before:
        engine.kill()
        engine.start()
    engine.ctl("stop")
    assert engine.process.wait(10) == 0
    assert not xdp_program(engine)


def test_store_has_one_engine(make_engine):
    engine = make_engine()
    second = make_engine(started=False, changes={"store": engine.settings["store"]})
    with pytest.raises(CommandFailed, match="ended with"):
        second.start(reachable=False)
    deliver(engine, "first@client.test")


def test_uids_go_on_after_restart(make_engine):
    engine = make_engine()
    for number in range(2):
        deliver(engine, f"uid{number}@client.test")
        _fresh, listed = inbox(engine.namespaces, ALICE)
        engine.ctl("stop")
        engine.process.wait(10)
        engine.start()
        assert inbox(engine.namespaces, ALICE)[1] == listed
    assert len(set(listed)) == 2
