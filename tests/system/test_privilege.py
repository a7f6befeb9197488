# SPDX-License-Identifier: BSD-3-Clause
"""Root only until everything is open: then a user of its own, a filter of system calls, and no core file."""

from contextlib import suppress
import os
import signal
from pathlib import Path

import pytest
from conftest import first_short
from lab import messages
from lab.commands import CommandFailed, run, wait_until
from lab.engine import DRIVERS, PASSWORD
from lab.smtp import Session, inbox

ALICE = "alice@example.test"
NOBODY = "65534"
AS_NOBODY = {"engine": {"user": "nobody"}}


def deliver(engine, message_id):
    with Session(engine.namespaces) as session:
        assert session.transaction("sender@client.test", [ALICE], messages.plain(message_id).data)[0] == 250


def status_of(task):
    lines = (task / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def check_threads(engine, keeps=()):
    """Each thread is nobody's, without capabilities, behind the filter."""
    main = Path(f"/proc/{engine.process.pid}")
    tasks = list((main / "task").iterdir())
    assert len(tasks) > 5
    for task in tasks:
        status = status_of(task)
        assert status["Uid"].split() == [NOBODY] * 4 and status["Gid"].split() == [NOBODY] * 4
        assert status["Groups"].split() in ([], [NOBODY])
        assert int(status["CapEff"], 16) == 0
        assert int(status["CapPrm"], 16) == 0 or task.name == str(engine.process.pid) and "permitted" in keeps
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_serves_as_somebody_else(make_engine, pmd):
    engine = make_engine(pmd=pmd, workers=2 if pmd == "af_packet" else 1, changes=AS_NOBODY)
    check_threads(engine, keeps=("permitted",) if pmd == "af_xdp" else ())
    deliver(engine, "one@client.test")
    engine.ctl("reload")
    deliver(engine, "two@client.test")
    assert len(inbox(engine.namespaces, ALICE)[0]) == 2
    assert engine.ask("counters")["system_calls_refused"] == 0
    engine.ctl("stop")
    assert engine.process.wait(20) == 0


def test_memif_connects_behind_the_filter(make_engine):
    """A memif takes its peer's memory over a socket while the engine runs: whose it is, is the peer's matter."""
    engine = make_engine(pmd="memif", changes={"engine": {"user": "root"}})
    deliver(engine, "memif@client.test")
    engine.ctl("stop")
    assert engine.process.wait(20) == 0


def test_store_and_records_go_on_after_a_crash(make_engine):
    engine = make_engine(changes=AS_NOBODY)
    deliver(engine, "before@client.test")
    engine.kill()
    engine.start()
    deliver(engine, "after@client.test")
    engine.records.rename(engine.records.with_suffix(".old"))
    # The new file is made by the engine in a directory of root's.
    os.chown(engine.directory, int(NOBODY), int(NOBODY))
    engine.ctl("reload")
    deliver(engine, "reopened@client.test")
    assert len(inbox(engine.namespaces, ALICE)[0]) == 3
    engine.ctl("stop")
    assert engine.process.wait(20) == 0
    assert "reopened@client.test" in engine.records.read_text()
    owners = {path.stat().st_uid for path in (engine.directory / "store").iterdir()}
    assert owners == {int(NOBODY)}


def test_an_unknown_user_is_refused(make_engine):
    engine = make_engine(started=False, changes={"engine": {"user": "no-such-user"}})
    with suppress(CommandFailed):
        engine.start(reachable=False)
    assert engine.process.wait(10) != 0
    assert 'engine.user: there is no user "no-such-user"' in engine.log_tail()


def with_users(engine, *lines):
    """Lets the engine see these users beside the system's, and none other called wirepost."""
    users = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("wirepost:")]
    file = engine.directory / "passwd"
    file.write_text("\n".join([*users, *lines, ""]))
    file.chmod(0o644)
    engine.wrapper = ["unshare", "-m", "sh", "-c", f'mount --bind {file} /etc/passwd && exec "$@"', "sh"]


def without_a_user(make_engine, *lines):
    engine = make_engine(started=False)
    del engine.settings["engine"]["user"]
    engine.write()
    with_users(engine, *lines)
    return engine


def test_root_without_a_word_is_refused(make_engine):
    engine = without_a_user(make_engine)
    with suppress(CommandFailed):
        engine.start(reachable=False)
    assert engine.process.wait(10) == 1
    assert 'engine.user: started as root, and there is no user "wirepost"' in engine.log_tail()
    # Before anything was opened.
    assert not engine.socket.exists() and not (engine.directory / "store").exists()


def test_the_usual_user_is_taken(make_engine):
    engine = without_a_user(make_engine, f"wirepost:x:{NOBODY}:{NOBODY}::/nonexistent:/usr/sbin/nologin")
    engine.start()
    check_threads(engine)
    deliver(engine, "usual@client.test")


def core_limit(pid):
    [line] = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core file")]
    return line.split()[4]


@pytest.mark.long
def test_no_packet_is_read_by_root(make_engine):
    """Held up where it changes its user, the engine answers its operator, and nobody else."""
    engine = make_engine(started=False, changes=AS_NOBODY)
    held = engine.stalls("STALL_USER")
    held.touch()
    engine.start(reachable=False)
    assert not any(engine.greets() for _ in range(3))
    counters = engine.ask("counters")
    assert counters["sessions_accepted"] == 0 and counters["port_in_frames"] == 0
    assert core_limit(engine.process.pid) == "0"
    held.unlink()
    wait_until(engine.greets, 20, "a banner from the engine")
    check_threads(engine)
    assert core_limit(engine.process.pid) == "0"
    deliver(engine, "later@client.test")


def test_a_store_out_of_reach_is_refused(make_engine):
    engine = make_engine(started=False, changes=AS_NOBODY)
    engine.directory.chmod(0o700)
    # The control socket is there for a moment before the engine sees it.
    with suppress(CommandFailed):
        engine.start(reachable=False)
    assert engine.process.wait(10) != 0
    assert "engine.user: nobody cannot use store.path" in engine.log_tail()


def test_root_says_that_it_stays(make_engine):
    engine = make_engine(changes={"engine": {"user": "root"}})
    assert any("the engine stays root" in line for line in engine.log_lines())
    assert status_of(Path(f"/proc/{engine.process.pid}"))["Seccomp"] == "2"


# ---- what a core file or a debugger gets to see ----

def mappings(pid):
    """Of each mapping: first and last address, name, flags."""
    found = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            first, last = (int(part, 16) for part in words[0].split("-"))
            found.append([first, last, " ".join(words[5:]), words[1], set()])
        elif words[0] == "VmFlags:":
            found[-1][4] = set(words[1:])
    return found


def shown_in(pid, secret):
    """The mappings that hold the bytes and that a dump would not leave out."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last, name, access, flags in mappings(pid):
            if "r" not in access or "dd" in flags or name in ("[vvar]", "[vsyscall]"):
                continue
            tail = b""
            for at in range(first, last, 1 << 20):
                try:
                    memory.seek(at)
                    piece = tail + memory.read(min(1 << 20, last - at))
                except OSError:
                    break
                if secret in piece:
                    found.add(name)
                tail = piece[-len(secret):]
    return found


def say_secrets(engine, marker):
    """Half a letter, and the engine's password: both have gone through frames, TCP and sessions."""
    with Session(engine.namespaces) as session:
        assert session.envelope("sender@client.test", [ALICE])[0] == 354
        session.send(b"Subject: half a letter\r\n\r\n" + (marker.encode() * 1000)[:40000])
        # The answer to another connection: all of it has arrived by then.
        assert inbox(engine.namespaces, ALICE) is not None


@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_passwords_and_mail_are_left_out_of_dumps(make_engine, pmd):
    engine = make_engine(pmd=pmd)
    marker = "marker-of-a-letter-4711"
    say_secrets(engine, marker)
    pid = engine.process.pid
    for secret in marker, PASSWORD:
        assert shown_in(pid, secret.encode()) == set()
    left_out = sum(last - first for first, last, _name, _access, flags in mappings(pid) if "dd" in flags)
    assert left_out > 100 << 20


COMMITTED = "marker-of-a-letter-that-was-committed-" * 2


@pytest.mark.parametrize("core_files", first_short([False, True]))
def test_core_file_after_a_crash(make_engine, core_files):
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        pytest.skip("core files do not go to the working directory here")
    engine = make_engine(changes={"engine": {"user": "root", "core_files": core_files}})
    # Longer than a register: those are in a core file, and hold what was copied last.
    marker = "marker-of-a-letter-" * 5
    # And a whole one, which the store has: in its memtable, and in what it has read.
    with Session(engine.namespaces) as session:
        data = b"Subject: whole\r\n\r\n" + (COMMITTED.encode() + b"\r\n") * 50
        assert session.transaction("sender@client.test", [ALICE], data)[0] == 250
    assert COMMITTED.encode() in b"".join(inbox(engine.namespaces, ALICE)[0].values())
    say_secrets(engine, marker)
    pid = engine.process.pid
    run("prlimit", f"--pid={pid}", "--core=unlimited:unlimited")
    directory = Path(os.readlink(f"/proc/{pid}/cwd"))
    os.kill(pid, signal.SIGSEGV)
    engine.process.wait(60)
    found = [path for path in (directory / "core", directory / f"core.{pid}") if path.exists()]
    try:
        assert bool(found) == core_files
        for path in found:
            core = path.read_bytes()
            assert b"wirepost" in core
            assert core.find(marker.encode()) < 0 and core.find(PASSWORD.encode()) < 0
    finally:
        for path in found:
            path.unlink()
