# SPDX-License-Identifier: BSD-3-Clause
"""FreeBSD's packetdrill scripts against the endpoint, under a virtual clock. What is not compared: `drill --rules`."""

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

import judge

FOLDER = judge.folder("tcp")
DRILL = Path(os.environ.get("WIREPOST_DRILL", judge.ROOT / "build" / "tests" / "drill" / "drill"))
TABLE = Path(__file__).parent / "tcp_differences.tsv"


def read_table():
    """(pattern of names, section, reason) of the scripts that ask for something else than the standard does."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return [(re.compile(pattern), section, reason) for pattern, section, reason in rows]


ROWS = read_table()
CASES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.pkt")) if FOLDER else []
TCP = judge.Suite("tcp", {case: f"{section}: {reason}" for case in CASES for pattern, section, reason in ROWS
                          if pattern.search(case)}, most=0.1)


@lru_cache(maxsize=None)
def results():
    """What came of each script: None, or the line that says what was wrong."""
    done = subprocess.run([DRILL, "--relax=freebsd", "--tap", *CASES], cwd=FOLDER, capture_output=True, text=True, check=False)
    found, why = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("# "):
            why = line[2:]
        elif match := re.match(r"(not )?ok \d+ (.*)", line):
            found[match[2]], why = why, None
    return found


@pytest.mark.parametrize("case", CASES or ["none"])
def test_script(case):
    if not FOLDER:
        pytest.skip(f"{judge.SHARED}/suites/tcp is not there")
    assert case in results(), "the script was not played"
    TCP.case(case, results()[case])


@pytest.mark.skipif(not FOLDER, reason=f"{judge.SHARED}/suites/tcp is not there")
@pytest.mark.parametrize("pattern, section, reason", [(row[0].pattern, *row[1:]) for row in ROWS])
def test_row_names_a_script_and_a_section(pattern, section, reason):
    assert any(re.search(pattern, case) for case in CASES), "no script has this name"
    assert re.match(r"RFC \d+ section [\d.]+", section) and len(reason) > 20
