# SPDX-License-Identifier: BSD-3-Clause
"""What it costs to watch: a generated trace from memory, one thread, each depth of reading; and the libraries alone."""

import subprocess

from lab import ROOT, machine

MEGABYTES = 2048


def bench(pairs, _seconds):
    print(f"machine: {machine.describe()}", flush=True)
    subprocess.run([ROOT / "build/tests/tap/measure_tap", str(MEGABYTES if pairs > 1 else MEGABYTES // 8)], check=True)
    print("bench tap: Gbit/s of frames by the time of one processor; memcpy sees the messages' bytes, the other libraries what the engine gave them")
