# SPDX-License-Identifier: BSD-3-Clause
"""Where scripted groups are, and each as a case of pytest."""

import os
from pathlib import Path

import pytest

from lab import ROOT
from lab.imap import play, script

OWN = ROOT / "tests/imap/groups"


def shared():
    """The folder of the groups of others, or None where they are not: WIREPOST_SHARED."""
    folder = Path(os.environ.get("WIREPOST_SHARED", ROOT.parent / "shared")) / "suites/imap"
    return next((path for path in sorted(folder.glob("*/src/tests")) if path.is_dir()), None)


def paths():
    """All groups, those of others first."""
    return [folder / name for folder in filter(None, (shared(), OWN)) for name in script.names(folder)]


def parameters():
    """Each group by its name; where those of others are not, a case that says so."""
    found = [pytest.param(path, id=path.name if path.parent != OWN else f"own-{path.name}") for path in paths()]
    if shared() is None:
        found.append(pytest.param(None, id="shared", marks=pytest.mark.skip(reason="WIREPOST_SHARED has no suites/imap")))
    return found


def check(path, server):
    """Plays the group; skipped where the server does not offer what it is about."""
    try:
        play.play(path, server)
    except play.Skipped as reason:
        pytest.skip(str(reason))
