# SPDX-License-Identifier: BSD-3-Clause
"""Runs a unit test and validates the records that it wrote, hostile ones among them: check_records.py PROGRAM."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from lab import schemas  # noqa: E402


def main():
    with tempfile.NamedTemporaryFile() as lines:
        subprocess.run([sys.argv[1]], env={**os.environ, "WIREPOST_LINES": lines.name}, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        fault, count = "", 0
        try:
            count = schemas.check_lines(lines.read())
        except AssertionError as found:
            fault = str(found)
    print("1..1")
    for line in fault.splitlines():
        print(f"# {line}")
    print(f"{'ok' if count and not fault else 'not ok'} 1 {count} records are as their schemas have them")


if __name__ == "__main__":
    main()
