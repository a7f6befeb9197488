# SPDX-License-Identifier: BSD-3-Clause
"""What a figure was measured on, and what a process tree used of it."""

import os
import platform
import statistics
import tempfile
import time
from pathlib import Path


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def fdatasync_microseconds(directory="/var/tmp", rounds=200):
    """The median time to make 4 KiB of an existing file durable."""
    times = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(rounds):
            os.pwrite(file.fileno(), os.urandom(4096), 0)
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return statistics.median(times) * 1e6


def describe():
    return (f"{os.cpu_count()} x {processor()}, Linux {platform.release()}, "
            f"fdatasync of 4 KiB in /var/tmp {fdatasync_microseconds():.0f} us")


def _parents():
    """The parent of every process there is."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(path.parent.name)] = (int(fields[1]), sum(int(ticks) for ticks in fields[11:15]))
    return parents


def cpu_seconds(root):
    """CPU time of a process and all its descendants, ended ones included as far as they were waited for."""
    table = _parents()
    tree = {root}
    grown = True
    while grown:
        more = {pid for pid, (parent, _ticks) in table.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return sum(table[pid][1] for pid in tree if pid in table) / os.sysconf("SC_CLK_TCK")
