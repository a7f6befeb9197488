# SPDX-License-Identifier: BSD-3-Clause
"""The tables from requirements to tests do not rot, and what breaks one is found."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tables  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HEAD = "| requirement | test |\n|---|---|\n"


@pytest.mark.parametrize("name", tables.CHECKS)
def test_documentation_keeps(name):
    faults = list(tables.CHECKS[name](ROOT))
    assert not faults, "\n".join(faults)


def test_there_are_tables():
    text = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert len(tables.REFERENCE.findall(text)) > 200


@pytest.fixture(name="tree")
def small_tree(tmp_path):
    for path, text in (("tests/a/test_a.c", "CHECK_CASE(one);\nCHECK_DIES(two);\n"),
                       ("tests/system/test_b.py", "def test_x(engine):\n    pass\n")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "docs/rfc").mkdir(parents=True)

    def page(row):
        (tmp_path / "docs/rfc/1.md").write_text(HEAD + row)
        return tmp_path
    return page


@pytest.mark.parametrize("row", [
    "| 1: x | `test_a.c: one` |", "| 1: x | `test_a.c: one`, `two`; `test_b.py: test_x[y]` |", "| 1: x | `tests/a/test_a.c` |",
    "| 1: x | not applicable: a client's |",
])
def test_good_rows(tree, row):
    for check in tables.CHECKS.values():
        assert not list(check(tree(row)))


@pytest.mark.parametrize("check, row", [
    ("references", "| 1: x | `test_a.c: three` |"), ("references", "| 1: x | `test_a.c: one`, `three` |"),
    ("references", "| 1: x | `test_c.c: one` |"), ("references", "| 1: x | `tests/b/test_a.c: one` |"),
    ("references", "| 1: x | `test_b.py: test_y` |"), ("rows", "| 1: x | |"), ("rows", "| 1: x | not applicable: |"),
    ("rows", "| 1: x | the same |"), ("rows", "| 1: x | `one` |"),
])
def test_bad_rows(tree, check, row):
    assert len(list(tables.CHECKS[check](tree(row)))) == 1
