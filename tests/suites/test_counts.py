# SPDX-License-Identifier: BSD-3-Clause
"""The sum of all suites: runs last, see conftest.py."""

import pytest

import judge


def test_few_cases_differ(record_property):
    suites = [suite for suite in judge.Suite.counts.values() if suite.agreed + len(suite.differed)]
    if not suites:
        pytest.skip(f"no suite was judged; {judge.SHARED} has none")
    cases = sum(suite.agreed + len(suite.differed) for suite in suites)
    differ = sum(len(suite.differed) for suite in suites)
    told = [f"{suite.name}: {suite.count()}" for suite in suites]
    record_property("told", "; ".join([*told, f"in all {differ} of {cases} differ"]))
    assert differ <= cases * judge.AT_MOST, "\n".join(told)
