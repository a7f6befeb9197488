# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench: turns, medians, ratios and closing lines, by sides that measure nothing; what a missing or failing peer is told as."""

import json

import pytest

from lab import bench_row
from lab.bench_row import BESIDE, OURS, SAME_BESIDE, SAME_OURS, Effort, Row, Sample, Side
from lab.commands import CommandFailed

PLACE = {"text": "a machine", "fdatasync_us": 100}


def side(name, values, turns, **more):
    """Gives one value after the other, and notes whose turn it was."""
    left = iter(values)

    def measure(_effort):
        turns.append(name)
        return Sample(next(left), {"messages": 10}, {"server": 0.5, "client": 0.25})
    return Side(name, f"what {name} is", "messages/s", measure, **more)


def told(row, pairs=3, effort=Effort.FULL):
    lines = []
    return row.run(effort, pairs, PLACE, lines.append), lines


def test_sides_are_measured_in_turn():
    turns = []
    row = Row("try", "a try", (side(OURS, [30, 10, 20], turns), side(BESIDE, [5, 4, 3], turns), side(SAME_OURS, [8] * 3, turns),
                               side(SAME_BESIDE, [2] * 3, turns)))
    result, lines = told(row)
    assert turns == [OURS, BESIDE, SAME_OURS, SAME_BESIDE] * 3
    assert lines[-1] == "bench try: ours 20, beside 4, ratio 5"
    assert "same client, same path: ours 8, beside 2, ratio 4" in lines
    assert any("10..30" in line and "0.75 (server 0.5, client 0.25)" in line for line in lines)
    assert result["sides"][OURS]["median"] == 20 and result["ratio"]["ratio"] == 5
    assert [sample["value"] for sample in result["sides"][OURS]["samples"]] == [30, 10, 20]


def test_a_missing_peer_is_skipped():
    row = Row("try", "a try", (side(OURS, [7], []), side(BESIDE, [], [], needs=("no-such-program",))))
    result, lines = told(row, pairs=1)
    assert lines[-1] == "bench try: ours 7, beside skipped (not installed: no-such-program)"
    assert result["ratio"] is None and "no-such-program" in result["sides"][BESIDE]["skipped"]


def test_what_a_smoke_leaves_out():
    turns = []
    row = Row("try", "a try", (side(OURS, [1], turns), side(BESIDE, [1], turns), side(SAME_OURS, [1], turns, smoke=False)))
    told(row, pairs=1, effort=Effort.SMOKE)
    assert turns == [OURS, BESIDE]


def test_a_failing_side_fails_the_row():
    def measure(_effort):
        raise AssertionError("a message is lost")
    row = Row("try", "a try", (Side(OURS, "", "", measure), side(BESIDE, [1], [])))
    with pytest.raises(CommandFailed, match="try, ours: a message is lost"):
        told(row, pairs=1)


def test_results_are_lines(tmp_path):
    for number in range(2):
        bench_row.append(tmp_path / "new/rows", {"bench": number})
    assert [json.loads(line)["bench"] for line in (tmp_path / "new/rows").read_text().splitlines()] == [0, 1]
