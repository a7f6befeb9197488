# SPDX-License-Identifier: BSD-3-Clause
"""The sum of all suites: runs last, see conftest.py."""

import pytest

import judge


def test_few_cases_differ(record_property):
    suites = [suite for suite in judge.Suite.counts.values() if suite.agreed + len(suite.differed)]
    if not suites:
        pytest.skip(f"no suite was judged; {judge.SHARED} has none")
    judged = [suite for suite in suites if suite.at_most == judge.AT_MOST]
    cases = sum(suite.agreed + len(suite.differed) for suite in judged)
    differ = sum(len(suite.differed) for suite in judged)
    told = [f"{suite.name}: {suite.count()}" for suite in suites]
    record_property("told", "; ".join([*told, f"in all {differ} of {cases} differ"]))
    for suite in suites:
        if suite not in judged:
            assert len(suite.differed) <= (suite.agreed + len(suite.differed)) * suite.at_most, suite.count()
    assert differ <= cases * judge.AT_MOST, "\n".join(told)
