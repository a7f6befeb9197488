# SPDX-License-Identifier: BSD-3-Clause
"""How long the engine takes from the final dot to the reply, by its own clock: 4 KB messages, store in memory."""

import statistics

from lab import records, table
from lab.bench_row import Told
from lab.commands import wait_until
from lab.engine import Engine
from lab.namespaces import ENGINE_IPV4, Namespaces
from lab.sinks import SOURCE, source

PAYLOAD = 4096
MEDIAN_GOAL_US, P99_GOAL_US = 100, 1000


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(connections, idle, count):
    """Times in microseconds from the final dot to the reply, of so many messages over so many connections at a time."""
    changes = {"store": {"kind": "memory"}, "engine": {"idle": idle}, "smtp": {"messages": 1000000}}
    with Namespaces() as namespaces, Engine(namespaces, changes=changes) as engine:
        engine.start()

        for number in (count // 4, count):
            source(namespaces.client, ENGINE_IPV4, number, connections, PAYLOAD, "-d")
        warm = count // 4
        wait_until(lambda: len(records.messages_of(engine)) >= warm + count, 30, "a record of each message")
        return [row.end_of_data_us for row in records.messages_of(engine)[warm:]]


def tell(effort, say):
    say(f"load: smtp-source, {PAYLOAD}-byte messages, store.kind memory; times are the engine's own, end_of_data_us")
    rows, first = [], None
    for idle, connections in (("busy", 1), ("busy", 20), ("adaptive", 1), ("adaptive", 20))[:effort.pick(1, 4, 4)]:
        times = measure(connections, idle, effort.pick(50, 500, 20000))
        first = first or times
        rows.append((idle, connections, f"{statistics.median(times):.0f}", percentile(times, 0.9),
                     percentile(times, 0.99), max(times), len(times)))
    say(table.text(("idle", "connections", "p50 us", "p90 us", "p99 us", "max us", "messages"), rows))
    return {"median us": statistics.median(first), "p99 us": percentile(first, 0.99),
            "median asked for": MEDIAN_GOAL_US, "p99 asked for": P99_GOAL_US}


ROW = Told("reply", "from the final dot to the reply by the engine's own clock; the figures are one connection's, busy workers", tell,
           needs=(SOURCE,))
