# SPDX-License-Identifier: BSD-3-Clause
"""How many cases of each suite differ, each by a sentence that its table names: runs last, see conftest.py."""

import pytest

import judge


def test_few_cases_differ(record_property):
    suites = [suite for suite in judge.Suite.counts.values() if suite.agreed + len(suite.differed)]
    if not suites:
        pytest.skip(f"no suite was judged; {judge.SHARED} has none")
    record_property("told", "; ".join(f"{suite.name}: {suite.count()}" for suite in suites))
    over = [f"{suite.name}: {suite.count()}; at most {suite.most:.1%} may"
            for suite in suites if len(suite.differed) > suite.most * (suite.agreed + len(suite.differed))]
    assert not over, "\n".join(over)
