# SPDX-License-Identifier: BSD-3-Clause
"""Where the cycles go: `ctl cycles` at any time, and a table at the end of `run --profile`."""

import re
from pathlib import Path

import pytest
from lab import messages
from lab.commands import wait_until
from lab.smtp import Session

ROOT = Path(__file__).resolve().parents[2]
STAGES = re.findall(r"^STAGE(?:_MESSAGE)?\((\w+),", (ROOT / "dataplane/handoff/stage.def").read_text(), re.MULTILINE)
MESSAGES = 64


def send(engine):
    with Session(engine.namespaces) as session:
        for number in range(MESSAGES):
            mail = messages.plain(f"cycles-{number}@client.test", size=4096)
            assert session.transaction("sender@client.test", ["alice@example.test"], mail.data)[0] == 250
        session.quit()


def check_table(told):
    """All stages are there; their sum is what turns took, measured from end to end."""
    rows = {row["stage"]: row for row in told["stages"]}
    assert list(rows) == [*STAGES, "sum"]
    assert abs(sum(rows[name]["cycles"] for name in STAGES) - told["busy"]) <= 0.02 * told["busy"]
    assert abs(rows["sum"]["cycles"] - told["busy"]) <= 0.02 * told["busy"]
    for name in ("receive", "net", "tcp", "smtp", "mime", "decode", "rules", "hash", "keep", "store", "handoff", "transmit"):
        assert rows[name]["per_message"] > 0, name
        assert rows[name]["per_packet"] > 0 and rows[name]["per_session"] > 0 and rows[name]["per_byte"] > 0
    assert told["messages"] == MESSAGES and told["bytes"] > MESSAGES * 4096


@pytest.mark.parametrize("profile", [False, True])
def test_cost_table(make_engine, profile):
    engine = make_engine(started=False)
    engine.options = ["--profile"] if profile else []
    engine.start(reachable=False)
    wait_until(engine.greets, 20, "a banner")
    send(engine)
    told = engine.ask("cycles")
    check_table(told)
    assert told["stamped"] == (MESSAGES if profile else 1)
    assert 0 < told["accounting"]["share"] < (0.2 if profile else 0.01)
    assert "per_message" in engine.ctl("cycles").stdout.decode()
    engine.end()
    printed = [line.split() for line in engine.log_lines()]
    assert any(words[:1] == ["decode"] for words in printed) == profile
    assert any(words[:1] == ["cycles_per_stamp"] for words in printed) == profile
