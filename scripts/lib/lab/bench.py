# SPDX-License-Identifier: BSD-3-Clause
"""Measures wirepost, and what stands beside it in turn, in one run on one machine."""

import argparse
import sys

from lab import bench_durable, bench_idle, bench_reply, bench_tap
from lab.commands import CommandFailed, signals_raise

BENCHES = {"durable": bench_durable.bench, "idle": bench_idle.bench, "reply": bench_reply.bench,
           "tap": bench_tap.bench}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)}; all without a name")
    parser.add_argument("--quick", action="store_true", help="one short round of each, to try the harness")
    parser.add_argument("--pairs", type=int, default=5, help="how often each side is measured (default: 5)")
    parser.add_argument("--no-install", action="store_true", help="do not ask apt for what is missing")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    signals_raise()
    try:
        for name in options.names or BENCHES:
            BENCHES[name](1 if options.quick else options.pairs, 1 if options.quick else 5)
    except (CommandFailed, TimeoutError, AssertionError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
