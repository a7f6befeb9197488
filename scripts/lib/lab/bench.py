# SPDX-License-Identifier: BSD-3-Clause
"""Measures wirepost, and what stands beside it in turn, in one run on one machine."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import (ROOT, bench_accept, bench_durable, bench_idle, bench_imap, bench_latency, bench_net, bench_pop3, bench_reply, bench_row,
                 bench_scale, bench_tap, bench_tls, machine)
from lab.bench_row import PAIRS, Effort
from lab.commands import signals_raise

ROWS = {row.name: row for row in (
    bench_accept.ACCEPT, bench_accept.REUSE, bench_accept.BULK, bench_durable.ROW, bench_pop3.ROW, bench_imap.ROW, bench_idle.ROW, bench_latency.ROW,
    bench_scale.ROW, bench_net.ROW, bench_reply.ROW, bench_tap.ROW, bench_tls.ROW)}


def one(name, options, place, say):
    """A row; whether it went well."""
    row = ROWS[name]
    try:
        bench_row.append(options.results, row.run(options.effort, options.pairs, place, say))
    except Exception as error:  # whatever it is, the other rows are measured
        say(f"bench {name}: failed: {type(error).__name__}: {error}")
        return False
    return True


def aloud(line):
    print(line, flush=True)


def smoke(names, options, place):
    """All rows, some at a time: nothing is measured, so nothing is disturbed, and most of it is waiting. Each is told in one piece."""
    def quietly(name):
        lines = []
        well = one(name, options, place, lines.append)
        aloud("\n".join(lines))
        return well
    with ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        return list(pool.map(quietly, names))


def words():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(ROWS)}; all without a name")
    parser.add_argument("--quick", action="store_true", help="one short pair of each")
    parser.add_argument("--smoke", action="store_true", help="so little that no figure means anything: does the harness run?")
    parser.add_argument("--long", action="store_true", help="idle: 1,000,000 connections instead of 100,000")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"how often each side is measured (default: {PAIRS})")
    parser.add_argument("--results", type=Path, default=ROOT / "build/bench.ndjson", metavar="FILE",
                        help="where a line of JSON for each row is added (default: build/bench.ndjson)")
    parser.add_argument("--no-install", action="store_true", help="do not ask apt for what is missing")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ROWS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    options.effort = Effort.SMOKE if options.smoke else Effort.QUICK if options.quick else Effort.LONG if options.long else Effort.FULL
    if options.effort < Effort.FULL:
        options.pairs = 1
    return options


def main():
    options = words()
    signals_raise()
    names = options.names or list(ROWS)
    place = machine.place()
    if options.effort == Effort.SMOKE:
        well = smoke(names, options, place)
    else:
        well = [one(name, options, place, aloud) for name in names]
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
