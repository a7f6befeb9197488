# SPDX-License-Identifier: BSD-3-Clause
"""Real messages, of each up to three lines edited, left out, doubled, moved or put in, against Python's email package."""

import random
import re
from pathlib import Path

import pytest

import judge
import test_mime

SEED = 20261122
MESSAGES = 1300
LONGEST = 32768
AT_MOST = 0.01  # of them differ
WORDS = (b"--x", b"--x--", b"", b" folded", b"no field", b"=", b"=E4=F6", b"AAAA", b"From here on", b"X-Y: =?utf-8?q?=C3=A4?=")


def changed_line(line, rng):
    """A line with one edit, in most messages the kind of damage that mail suffers."""
    at = rng.randrange(len(line) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        return line[:at]
    if kind == 1:
        return line[:at] + bytes([rng.choice(b" =-:;\"'?*abZ09/+\t")]) + line[at:]
    if kind == 2:
        return line[:at] + line[at + 1:]
    if kind == 3:
        return line.swapcase()
    if kind == 4:
        return line[at:] + line[:at]
    return line + rng.choice((b" ", b";", b"=", b"--", b"x"))


def mutated(message, rng):
    """The message with one to three lines edited, left out, doubled, moved or put in; half of them where structure is."""
    lines = message.split(b"\n")
    for _ in range(rng.randint(1, 3)):
        marked = [number for number, line in enumerate(lines) if re.match(rb"--|(?i:content-)|\s*$", line)]
        at = rng.choice(marked) if marked and rng.random() < 0.5 else rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0:
            lines[at] = changed_line(lines[at], rng)
        elif kind == 1 and len(lines) > 1:
            del lines[at]
        elif kind == 2:
            lines.insert(at, lines[at])
        elif kind == 3:
            lines.insert(at, rng.choice(WORDS))
        else:
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
    return b"\n".join(lines)


@pytest.mark.skipif(not test_mime.CORPORA, reason=f"{judge.SHARED}/corpora is not there")
def test_mutated(tmp_path, record_property):
    rng = random.Random(SEED)
    paths = sorted(path for folder in test_mime.CORPORA for path in folder.iterdir() if path.stat().st_size <= LONGEST)
    for number in range(MESSAGES):
        (tmp_path / f"{number:04}").write_bytes(mutated(rng.choice(paths).read_bytes(), rng))
    differ = {}
    for tree in judge.mime(sorted(tmp_path.iterdir())):
        if faults := test_mime.leaf_faults(tree):
            differ[Path(tree["file"]).name] = faults
    record_property("told", f"{MESSAGES} messages with changed lines, {len(differ)} differ from Python's email package")
    assert len(differ) <= AT_MOST * MESSAGES, "\n".join(f"{name}: {faults}" for name, faults in differ.items())
