# SPDX-License-Identifier: BSD-3-Clause
"""Public suites, judged by `wirepost mime` and `wirepost address`. They stay where they are: WIREPOST_SHARED."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import judge  # noqa: E402


def pytest_collection_modifyitems(items):
    if not judge.BINARY.exists():
        raise pytest.UsageError(f"{judge.BINARY} is not there")
    # What counts all suites runs behind all of them.
    items.sort(key=lambda item: item.name == "test_few_cases_differ")
