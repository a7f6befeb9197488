# SPDX-License-Identifier: BSD-3-Clause
"""What an operator does with a running engine."""

import json
import socket
import threading
import time

import pytest
from lab import messages, records
from lab.commands import run, start
from lab.engine import PASSWORD, binary, crypt
from lab.smtp import Session, dotted, inbox

SENDER = "sender@client.test"
ALICE = "alice@example.test"


def deliver(engine, message_id, recipients=(ALICE,)):
    mail = messages.plain(message_id)
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, recipients, mail.data)[0] == 250
        session.quit()
    return mail


def test_version_and_help():
    assert run(binary(), "version").stdout.startswith(b"wirepost ")
    for words in (("--help",), ("run", "--help"), ("check", "--help"), ("ctl", "--help")):
        assert run(binary(), *words).stdout


def test_status(engine):
    assert b"worker" in engine.ctl("status").stdout.lower()
    assert isinstance(engine.ask("status"), dict)


def test_counters_count(engine):
    before = records.total(engine.ask("counters"), "messages_accepted")
    deliver(engine, "counted@client.test")
    assert records.total(engine.ask("counters"), "messages_accepted") == before + 1


def test_counters_over_telemetry(engine):
    deliver(engine, "telemetry@client.test")
    pid = engine.process.pid
    answer = records.telemetry(pid, "/wirepost/counters")
    assert records.total(answer, "messages_accepted") == records.total(engine.ask("counters"), "messages_accepted") > 0


def test_export_is_what_pop3_retrieves(engine):
    mail = deliver(engine, "export@client.test")
    stored, _uids = inbox(engine.namespaces, ALICE)
    mine = [data for data in stored.values() if messages.message_id_of(data) == mail.message_id]
    entry = records.mailbox(engine, ALICE)[-1]
    assert [records.export(engine, entry["id"], ALICE)] == mine


def test_show_names_the_message(engine):
    deliver(engine, "shown@client.test")
    entry = records.mailbox(engine, ALICE)[-1]
    shown = engine.ask("message", "show", entry["id"])
    assert entry["id"] in json.dumps(shown)


@pytest.mark.parametrize("words", [("mailbox", "list", "nobody@example.test"), ("message", "export", "0" * 32),
                                   ("message", "show", "no-id"), ("frobnicate",), ("drain", "soon")])
def test_wrong_questions_are_refused(engine, words):
    answer = engine.ctl(*words, check=False)
    assert answer.returncode != 0 and answer.stderr
    assert engine.ctl("status").returncode == 0


class Clients:
    """Connections that send all the time, and note what was not answered 250."""

    def __init__(self, engine, lanes=4):
        self.engine = engine
        self.stopping = threading.Event()
        self.accepted, self.faults = [], []
        self.threads = [threading.Thread(target=self._lane, args=(lane,)) for lane in range(lanes)]

    def _lane(self, lane):
        noise = messages.Noise(lane)
        try:
            with Session(self.engine.namespaces) as session:
                for count in range(100):
                    if self.stopping.is_set():
                        break
                    mail = noise.message(f"reload-{lane}-{count}@client.test", 5000)
                    code, text = session.transaction(SENDER, [ALICE], mail.data)
                    (self.accepted if code == 250 else self.faults).append((mail.message_id, text))
                    time.sleep(0.02)
                session.quit()
        except OSError as error:
            self.faults.append((lane, str(error)))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)


def test_reload_drops_no_connection(make_engine):
    engine = make_engine(workers=2)
    with Clients(engine) as load:
        for number in range(5):
            account = {"address": f"new{number}@example.test", "password": crypt(PASSWORD)}
            engine.settings["accounts"].append(account)
            engine.write()
            engine.ctl("reload")
            deliver(engine, f"new{number}@client.test", [account["address"]])
        time.sleep(0.3)
    assert not load.faults and len(load.accepted) > 20
    stored = [messages.message_id_of(data) for data in inbox(engine.namespaces, ALICE)[0].values()]
    assert sorted(stored) == sorted(message_id for message_id, _text in load.accepted)


def test_reload_takes_accounts_away(lone_engine):
    engine = lone_engine
    deliver(engine, "before@client.test", ["carol@example.test"])
    engine.settings["accounts"] = [row for row in engine.settings["accounts"] if not row["address"].startswith("carol")]
    engine.write()
    engine.ctl("reload")
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, ["carol@example.test"], b"")[0] == 550


def test_wrong_configuration_is_not_loaded(lone_engine):
    engine = lone_engine
    good = engine.file.read_text()
    engine.file.write_text(good.replace("recipients:", "recipiants:"))
    answer = engine.ctl("reload", check=False)
    assert answer.returncode != 0 and b"recipiants" in answer.stdout + answer.stderr
    deliver(engine, "still@client.test")


@pytest.mark.long
def test_reload_that_fails_takes_everything_back(make_engine):
    engine = make_engine(changes={"engine": {"directory": 16}})
    good = list(engine.settings["accounts"])
    more = [{"address": f"more{number}@example.test", "password": crypt(PASSWORD)} for number in range(20)]
    engine.settings["accounts"] = good + more
    engine.write()
    for _again in range(2):
        assert engine.ctl("reload", check=False).returncode != 0
    # Not now, and not after the next reload either, which would keep what it takes for its own.
    for _again in range(2):
        with Session(engine.namespaces) as session:
            assert session.transaction(SENDER, ["more0@example.test"], b"")[0] == 550
        deliver(engine, "kept@client.test")
        engine.settings["accounts"] = good
        engine.write()
        engine.ctl("reload")


@pytest.mark.long
def test_many_reloads_under_load(make_engine, request):
    count = 100 if request.config.getoption("--long") else 30
    engine = make_engine(workers=2)
    with Clients(engine) as load:
        for _number in range(count):
            engine.ctl("reload")
            engine.ctl("status")
    assert not load.faults and len(load.accepted) > 20
    assert engine.ask("status")["configuration"] == count + 1


WRONG = [("recipients: 100", "recipiants: 100", b"recipiants"), ('"50MiB"', '"50 bananas"', b"bananas"),
         ("198.18.0.2/24", "198.18.0.256/24", b"198.18.0.256"), ('"smtp"', '"smpt"', b"smpt"),
         ("workers: 1", "workers: -1", b"-1")]


@pytest.mark.parametrize("old, new, named", WRONG)
def test_check_names_what_is_wrong(make_engine, old, new, named):
    engine = make_engine(started=False)
    assert run(binary(), "check", "-c", engine.file, check=False).returncode == 0
    text = engine.file.read_text()
    assert old in text
    engine.file.write_text(text.replace(old, new))
    line = next(number for number, line in enumerate(engine.file.read_text().splitlines(), 1) if new in line)
    answer = run(binary(), "check", "-c", engine.file, check=False)
    assert answer.returncode == 2
    assert named in answer.stderr and f"{engine.file}:{line}".encode() in answer.stderr
    started = run(binary(), "run", "-c", engine.file, check=False, timeout=10)
    assert started.returncode != 0 and not engine.socket.exists()


def test_drain_finishes_transactions(make_engine):
    engine = make_engine()
    mail = messages.plain("drained@client.test")
    with Session(engine.namespaces) as busy, Session(engine.namespaces) as idle:
        assert busy.envelope(SENDER, [ALICE])[0] == 354
        engine.ctl("drain", "10")
        assert idle.command("NOOP")[0] in (421, 0)
        busy.send(dotted(mail.data))
        assert busy.reply()[0] == 250
        assert busy.command("NOOP")[0] in (421, 0)
    with pytest.raises(OSError):
        Session(engine.namespaces, timeout=2)


def test_drain_is_bounded(make_engine):
    engine = make_engine()
    with Session(engine.namespaces) as busy:
        busy.envelope(SENDER, [ALICE])
        began = time.monotonic()
        engine.ctl("drain", "1")
        busy.socket.settimeout(10)
        try:
            assert busy.reply()[0] in (421, 0)
        except ConnectionResetError:
            pass
        assert time.monotonic() - began < 5


def test_stop(lone_engine):
    engine = lone_engine
    before = len(inbox(engine.namespaces, ALICE)[0])
    deliver(engine, "last@client.test")
    engine.ctl("stop")
    assert engine.process.wait(10) == 0
    assert not engine.socket.exists()
    engine.start()
    assert len(inbox(engine.namespaces, ALICE)[0]) == before + 1


def test_terminate_is_a_stop(lone_engine):
    engine = lone_engine
    engine.process.terminate()
    assert engine.process.wait(10) == 0


@pytest.mark.long
def test_stop_under_load(make_engine):
    """Bodies and commits are on their way into the store when the workers are stopped."""
    engine = make_engine(workers=2)
    noise = messages.Noise(1)
    with Clients(engine) as load, Session(engine.namespaces) as busy:
        mail = noise.message("large@client.test", 5_000_000)
        assert busy.envelope(SENDER, [ALICE])[0] == 354
        sender = threading.Thread(target=swallow, args=(busy.send, dotted(mail.data) * 40))
        sender.start()
        time.sleep(0.5)
        engine.process.terminate()
        engine.process.terminate()
        assert engine.process.wait(15) == 0
        busy.socket.shutdown(socket.SHUT_RDWR)
        sender.join(30)
    engine.start()
    stored = {messages.message_id_of(data) for data in inbox(engine.namespaces, ALICE)[0].values()}
    assert {message_id for message_id, _text in load.accepted} <= stored


def swallow(call, *arguments):
    """Calls; that the connection has gone is as good."""
    try:
        call(*arguments)
    except OSError:
        pass


@pytest.mark.parametrize("what", [{"engine": {"interface": "nosuch0"}}, {"store": {"path": "/proc/nowhere/store"}},
                                  {"records": {"path": "/proc/nowhere/records"}}, {"ctl": {"socket": "/proc/nowhere/ctl"}}])
def test_start_that_fails_leaves_nothing(make_engine, what):
    engine = make_engine(started=False, changes=what)
    with open(engine.log, "ab") as log:
        process = start("ip", "netns", "exec", engine.namespaces.engine, binary(), "run", "-c", engine.file, log=log)
    assert process.wait(20) == 1
    assert "nosuch0" in engine.log_tail() or "nowhere" in engine.log_tail()


def test_control_socket_is_private(engine):
    assert engine.socket.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(engine.socket))
        connection.sendall(b"x" * 100_000 + b"\n")
    assert engine.ctl("status").returncode == 0
