# SPDX-License-Identifier: BSD-3-Clause
"""What it costs to watch: a generated trace from memory, one thread, each depth of reading; and the libraries alone."""

import re

from lab import ROOT
from lab.bench_row import Told
from lab.meter import finish


def tell(effort, say):
    # The first depth alone, or megabytes for all of them.
    output = finish(ROOT / "build/tests/tap/measure_tap", *effort.pick((1, 1), (256,), (2048,))).output
    say(output.rstrip())
    say("Gbit/s of frames by the time of one processor; memcpy sees the messages' bytes, the other libraries what the engine gave them")
    return {name or "reassembly": float(value) for name, value in re.findall(r"^(.*?) *([0-9.]+) Gbit/s", output, re.MULTILINE)}


ROW = Told("tap", "what it costs to watch, one thread, frames from memory", tell)
