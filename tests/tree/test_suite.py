# SPDX-License-Identifier: BSD-3-Clause
"""How scripts/test counts: a second look at few failures, none at many."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "lib"))
from lab import suite  # noqa: E402

GOOD = suite.Case("tests/system/test_a: test_good", "passed")


def failed(number):
    return suite.Case(f"tests/system/test_a: test_bad[{number}]", "failed", "it said this")


@pytest.fixture
def asked(monkeypatch):
    """What runs again, and passes unless its name ends in 0."""
    asked = []

    def again(path):
        asked.append(path)
        return [suite.Case(path, "failed" if path.endswith("[0]") else "passed")]
    monkeypatch.setattr(suite, "pytest", again)
    return asked


def test_what_fails_again_has_failed(asked, capsys):
    outcomes = [case.outcome for case in suite.once_more([GOOD, failed(0), failed(1)])]
    assert outcomes == ["passed", "failed", "passed"]
    assert asked == ["tests/system/test_a.py::test_bad[0]", "tests/system/test_a.py::test_bad[1]"]
    told = capsys.readouterr().out
    assert "UNSTEADY tests/system/test_a: test_bad[1]" in told and "it said this" in told and "test_bad[0]" not in told


def test_many_failures_are_failures(asked):
    cases = [failed(number) for number in range(1, suite.UNSTEADY + 2)]
    assert suite.once_more(cases) == cases and not asked


def test_a_part_that_broke_off_is_not_run_again(asked):
    cases = [suite.Case("tests/system: runs to its end", "failed")]
    assert suite.once_more(cases) == cases and not asked
