# SPDX-License-Identifier: BSD-3-Clause
"""What a figure was measured on, and what a process tree used of it."""

import functools
import os
import platform
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import ROOT
from lab.commands import run


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


def counter_hertz():
    """How often a second the counter ticks that cycles are read from: the kernel has calibrated it on x86. None elsewhere."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("bogomips"):
            return float(line.split(":")[1]) * 1e6 / 2
    return None


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def hugepages():
    return int(Path("/proc/sys/vm/nr_hugepages").read_text())


def describe():
    return (f"{os.cpu_count()} x {processor()}, {memory_gib():.0f} GiB, {hugepages()} hugepages, "
            f"Linux {platform.release()}")


def commit():
    """What of the tree is measured; empty where it is no clone."""
    done = run("git", "-C", ROOT, "describe", "--always", "--dirty", check=False)
    return done.stdout.decode().strip()


def place():
    """The machine for a line of JSON, with its description as `text`."""
    return {"text": describe(), "cpus": os.cpu_count(), "processor": processor(), "memory_gib": round(memory_gib(), 1),
            "hugepages": hugepages(), "linux": platform.release(), "commit": commit(), "fdatasync_us": round(fdatasync_microseconds())}


@dataclass(frozen=True)
class Places:
    """Which CPU is whose while something is measured; on two, what loads the engine shares one with its control threads."""

    worker: int
    control: int
    client: int

    def told(self):
        shared = " with the engine's control threads" if self.client == self.control else ""
        return f"the engine's worker has CPU {self.worker} of its own, blast is on CPU {self.client}{shared}"


@functools.cache
def places():
    cpus = sorted(os.sched_getaffinity(0))
    return Places(worker=cpus[1 % len(cpus)], control=cpus[0], client=cpus[2 % len(cpus)])


@contextmanager
def pinned(cpu):
    """This thread, which looks on, keeps off the CPU of what it looks at."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


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


def _tree(root, table):
    tree = {root}
    grown = True
    while grown:
        more = {pid for pid, (parent, _ticks) in table.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return tree


def tree(root):
    """A process and all its descendants."""
    return _tree(root, _parents())


def control_seconds(engine):
    """CPU time of an engine's threads but for its workers, whose time is told by their cycles; of those that have not ended."""
    used = 0
    for task in Path(f"/proc/{engine}/task").iterdir():
        try:
            if not (task / "comm").read_text().startswith("rte-worker"):
                used += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return used / 1e9


def cpu_seconds(root):
    """CPU time of a process and all its descendants, ended ones included as far as they were waited for."""
    table = _parents()
    return sum(table[pid][1] for pid in _tree(root, table) if pid in table) / os.sysconf("SC_CLK_TCK")
