# SPDX-License-Identifier: BSD-3-Clause
"""Runs the engine and mail clients over simulated links on a virtual clock, from seeds, on all processors."""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from lab import ROOT
from lab.commands import signals_raise

PROGRAM = ROOT / "build/tests/sim/simulate"
JOBS = os.cpu_count() or 2
BLOCK = 100  # seeds a process runs


class Totals:
    """The sums of all blocks, and what failed."""

    def __init__(self):
        self.figures, self.failures = {}, []

    def add(self, output):
        for line in output.splitlines():
            words = line.split()
            if line.startswith("seeds "):
                for name, value in zip(words[::2], words[1::2]):
                    self.figures[name] = self.figures.get(name, 0) + int(value)
            elif not line.startswith(("EAL:", "#")):
                self.failures.append(line)


def block(start, seeds, scenario, program=PROGRAM):
    """One process; its output. What a crash leaves is a line like that of a failure."""
    command = [program, "--start", str(start), "--seeds", str(seeds)]
    command += ["--scenario", scenario] if scenario else []
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode in (0, 1) and "seeds " in result.stdout:
        return result.stdout
    last = f"{result.stdout}{result.stderr}".strip().splitlines()[-12:]
    if seeds > 1:  # which of them was it?
        return "\n".join(block(seed, 1, scenario, program) for seed in range(start, start + seeds))
    return f"FAILED --seed {start}{f' --scenario {scenario}' if scenario else ''}: exit {result.returncode}: " + \
           " | ".join(last)


def run(start, seeds, scenario=None, seconds=None, program=PROGRAM):
    """Blocks of seeds side by side; with `seconds`, none begins after that time."""
    totals, deadline = Totals(), time.monotonic() + (seconds or 1e9)

    def one(first):
        if time.monotonic() < deadline:
            totals.add(block(first, min(BLOCK, start + seeds - first), scenario, program))

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(one, range(start, start + seeds, BLOCK)))
    return totals


def scenarios(program=PROGRAM):
    listing = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listing.splitlines()]


def replay(line):
    """The command that plays a failed run again."""
    return "scripts/simulate " + line.removeprefix("FAILED ").split(":")[0]


def told(figures):
    hours = figures.get("virtual_s", 0) / 3600
    return (f"{figures.get('seeds', 0)} seeds, {hours:.1f} h of virtual time, {figures.get('packets', 0)} packets, "
            f"{figures.get('dropped', 0)} dropped, {figures.get('changed', 0)} changed, "
            f"{figures.get('retransmitted', 0)} segments sent again")


def show(totals, seconds):
    for line in totals.failures:
        print(line)
        print(f"    {replay(line)}")
    print(f"{told(totals.figures)}, {seconds:.0f} s")
    failed = len(totals.failures)
    print(f"{totals.figures.get('seeds', 0) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--start", type=int, default=1, metavar="S", help="the first of them (default: 1)")
    parser.add_argument("--seed", type=int, metavar="X", help="this one alone, and every packet of it")
    parser.add_argument("--scenario", metavar="NAME", help="a named one; else each seed draws its own")
    parser.add_argument("--list", action="store_true", help="the names of the scenarios")
    parser.add_argument("--throughput", action="store_true",
                        help="how fast one connection is under loss, beside what the standard expects of it")
    parser.add_argument("--linux", action="store_true",
                        help="with --throughput: beside it Linux through the same link in real time (needs root)")
    options = parser.parse_args()
    signals_raise()
    if options.throughput:
        from lab import simulate_throughput
        return simulate_throughput.show(options.seeds if options.seeds != 1000 else 50, options.start, options.linux)
    if options.list or options.seed is not None:
        command = [PROGRAM, "--list"] if options.list else [PROGRAM, "--verbose", "--start", str(options.seed)]
        command += ["--scenario", options.scenario] if options.scenario else []
        return subprocess.run(command, check=False).returncode
    began = time.monotonic()
    return show(run(options.start, options.seeds, options.scenario), time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
