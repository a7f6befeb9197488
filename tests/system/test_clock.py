# SPDX-License-Identifier: BSD-3-Clause
"""The wall clock is set back and forward, and the process is paused, under load: nothing goes back, nothing is lost."""

import signal
import threading
import time

import pytest

from lab import messages, records
from lab.smtp import Session, inbox

USER = "alice@example.test"
SENDER = "sender@client.test"


class Traffic:
    """A connection that sends message after message, and opens another when it is closed."""

    def __init__(self, engine, count=40):
        self.engine = engine
        self.count = count  # accepted ones that are waited for at a time
        self.sent = {}
        self.faults = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        noise = messages.Noise(1)
        session = None
        while not self.stopping.is_set():
            if not session:
                session = Session(self.engine.namespaces)
            mail = noise.message(f"{len(self.sent)}@clock.test", 3000)
            code, text = session.transaction(SENDER, [USER], mail.data)
            if code == 250:
                self.sent[mail.message_id] = mail
            else:
                self.faults.append(text)
            # The engine ends a connection after so many messages.
            if len(self.sent) % 90 == 0 or code != 250:
                session.close()
                session = None
        if session:
            session.quit()

    def more(self, patience=20):
        """Waits until so many more were accepted."""
        goal, until = len(self.sent) + self.count, time.monotonic() + patience
        while len(self.sent) < goal and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.sent) >= goal, (len(self.sent), goal, self.faults)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.stopping.set()
        self.thread.join(30)


def check_nothing_lost(engine, traffic):
    assert not traffic.faults, traffic.faults[:3]
    fresh, _listed = inbox(engine.namespaces, USER)
    found = {messages.message_id_of(data): data for data in fresh.values()}
    assert len(fresh) == len(found) == len(traffic.sent)
    for message_id, mail in traffic.sent.items():
        assert messages.is_delivery(found[message_id], len(mail.data), mail.digest), message_id


def check_nothing_goes_back(engine):
    """In the order of their UIDs: modification sequences and ids rise, the validity is one."""
    entries = records.mailbox(engine, USER)
    assert [entry["uid"] for entry in entries] == list(range(1, len(entries) + 1))
    for field in ("modseq", "id"):
        values = [entry[field] for entry in entries]
        assert values == sorted(set(values)), f"{field} went back"


@pytest.mark.long
def test_the_wall_clock_is_set(make_engine, request, tmp_path):
    count = 40 if request.config.getoption("--long") else 10
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    engine = make_engine(started=False)
    if not engine.fake_clock(FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE=1):
        pytest.skip("faketime is not installed")
    engine.start()
    idle = Session(engine.namespaces)
    times = []
    with Traffic(engine, count) as traffic:
        traffic.more()
        for offset in ("-3600s", "+86400s", "+0"):
            clock.write_text(f"{offset}\n")
            traffic.more()
            times.append(records.mailbox(engine, USER)[-1]["internal_ms"] / 1000 - time.time())
    # The engine really saw the clock move.
    assert abs(times[0] + 3600) < 60 and abs(times[1] - 86400) < 60 and abs(times[2]) < 60, times
    assert idle.quit()[0] == 221, "a jump of the wall clock is no timeout"
    check_nothing_goes_back(engine)
    check_nothing_lost(engine, traffic)
    validity = engine.ask("mailbox", "status", USER)[0]["uid_validity"]
    engine.end()
    clock.write_text("-86400s\n")  # the clock is a day behind when it starts again
    engine.start()
    with Traffic(engine, count) as later:
        later.sent.update(traffic.sent)
        later.more()
    assert engine.ask("mailbox", "status", USER)[0]["uid_validity"] == validity
    check_nothing_goes_back(engine)
    check_nothing_lost(engine, later)


@pytest.mark.long
def test_a_pause_of_ten_seconds(make_engine):
    engine = make_engine(workers=2)
    idle = Session(engine.namespaces)
    with Traffic(engine) as traffic:
        traffic.more()
        engine.process.send_signal(signal.SIGSTOP)
        time.sleep(10)
        engine.process.send_signal(signal.SIGCONT)
        traffic.more()
    assert idle.command("NOOP")[0] == 250
    assert idle.quit()[0] == 221
    check_nothing_goes_back(engine)
    check_nothing_lost(engine, traffic)
