# SPDX-License-Identifier: BSD-3-Clause
"""What scripts/cost says of a count of instructions."""

import json
import sys

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))

from lab import cost, suite  # noqa: E402


def test_within_one_percent_is_well():
    assert cost.judge("accept", 100_900, 100_000) is None
    assert cost.judge("accept", 99_100, 100_000) is None


def test_more_is_a_failure():
    assert "more than the limit" in cost.judge("accept", 101_100, 100_000)


def test_fewer_asks_for_a_lower_limit():
    assert "--write" in cost.judge("accept", 98_900, 100_000)


def test_a_row_is_found_by_all_its_versions():
    rows = [{"versions": {"libc": "1", "openssl": "2"}, "instructions": {}}]
    assert cost.row(rows, {"libc": "1", "openssl": "2"}) is rows[0]
    assert cost.row(rows, {"libc": "1", "openssl": "3"}) is None


def test_unknown_versions_are_skipped_by_name(monkeypatch):
    monkeypatch.setattr(cost, "available", lambda: None)
    monkeypatch.setattr(cost, "limits", lambda: None)
    cases = suite.instructions()
    assert {case.outcome for case in cases} == {"skipped"} and len(cases) == len(cost.WORKLOADS)
    assert all("no limits are kept" in case.detail for case in cases)


def test_no_valgrind_is_skipped_by_name(monkeypatch):
    monkeypatch.setattr(cost, "available", lambda: "valgrind is not installed")
    assert all(case.outcome == "skipped" and "valgrind" in case.detail for case in suite.instructions())


def test_limits_are_kept_for_all_workloads():

    for row in json.loads(cost.LIMITS.read_text()):
        assert set(row["instructions"]) == set(cost.WORKLOADS)
