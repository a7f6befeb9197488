# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of public suites share: where the suites are, the engine's judgement, the tables of differences."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WIREPOST_SHARED", ROOT.parent / "shared"))
BINARY = Path(os.environ.get("WIREPOST", ROOT / "build" / "wirepost"))
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from lab import schemas  # noqa: E402

AT_MOST = 0.01  # of a suite's cases, where it does not say otherwise


def folder(name):
    """The one project's folder below suites/NAME, or None where the suites are not."""
    found = sorted((SHARED / "suites" / name).glob("*/"))
    return found[0] if found else None


def call(command, *words, data=None):
    """The objects that a command prints, each as its schema says."""
    done = subprocess.run([BINARY, command, *words], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    rows = [json.loads(line) for line in done.stdout.split(b"\n") if line]
    for row in rows if schemas.available() else ():
        schemas.check(command, row)
    return rows


def tap(path, *words, status=0):
    """The events of a capture, each as its schema says."""
    done = subprocess.run([BINARY, "tap", *map(str, words), "--pcap", path, "--json", "-"], capture_output=True, check=False)
    assert done.returncode == status, done.stderr.decode()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows if schemas.available() else ():
        schemas.check_record(row)
    return rows


def mime(paths):
    """The trees of many messages, by one process for some hundreds of them."""
    paths = [str(path) for path in paths]
    trees = []
    for first in range(0, len(paths), 500):
        trees += call("mime", "--json", *paths[first:first + 500])
    assert [tree["file"] for tree in trees] == paths
    return trees


def defects(tree):
    return [defect["name"] for part in tree["parts"] for defect in part["defects"]]


class Suite:
    """Counts a suite's cases. A case that differs must stand in the table, and one in the table must differ."""

    counts = {}

    def __init__(self, name, differences, most=AT_MOST):
        self.name, self.differences, self.most = name, differences, most
        self.agreed, self.differed = 0, []
        Suite.counts[name] = self

    def case(self, case, faults):
        """`faults`: what is not as expected; none when all is."""
        if not faults:
            self.agreed += 1
            assert case not in self.differences, "agrees, but stands among the differences"
            return
        self.differed.append(case)
        assert case in self.differences, f"{case} differs, and no sentence of a standard says why:\n{faults}"

    def count(self):
        return f"{self.agreed + len(self.differed)} cases, {self.agreed} agree, {len(self.differed)} differ by a named rule"
