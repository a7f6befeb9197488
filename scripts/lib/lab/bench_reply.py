# SPDX-License-Identifier: BSD-3-Clause
"""How long the engine takes from the final dot to the reply, by its own clock: 4 KB messages, store in memory."""

import statistics

from lab import machine, records, table
from lab.bench_durable import PAYLOAD, USER
from lab.commands import wait_until
from lab.engine import DOMAIN, Engine
from lab.namespaces import ENGINE_IPV4, Namespaces

WARM_UP = 500
MEDIAN_GOAL_US, P99_GOAL_US = 100, 1000


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(connections, idle, count):
    """Times in microseconds from the final dot to the reply, of so many messages over so many connections at a time."""
    changes = {"store": {"kind": "memory"}, "engine": {"idle": idle}, "smtp": {"messages": 1000000}}
    with Namespaces() as namespaces, Engine(namespaces, changes=changes) as engine:
        engine.start()

        def send(number):
            namespaces.run("smtp-source", "-s", connections, "-d", "-l", PAYLOAD, "-m", number, "-M", "client.test",
                           "-f", "sender@client.test", "-t", f"{USER}@{DOMAIN}", f"{ENGINE_IPV4}:25", timeout=300)

        send(WARM_UP)
        send(count)
        wait_until(lambda: len(records.messages_of(engine)) >= WARM_UP + count, 30, "a record of each message")
        return [row.end_of_data_us for row in records.messages_of(engine)[WARM_UP:]]


def bench(pairs, _seconds):
    count = 20000 if pairs > 1 else 500
    print(f"machine: {machine.describe()}")
    print(f"load: smtp-source, {PAYLOAD}-byte messages, store.kind memory; times are the engine's own, end_of_data_us")
    rows, first = [], None
    for idle in ("busy", "adaptive"):
        for connections in (1, 20):
            times = measure(connections, idle, count)
            first = first or times
            rows.append((idle, connections, f"{statistics.median(times):.0f}", percentile(times, 0.9),
                         percentile(times, 0.99), max(times), len(times)))
    print(table.text(("idle", "connections", "p50 us", "p90 us", "p99 us", "max us", "messages"), rows))
    print(f"bench reply: median {statistics.median(first):.0f} us, p99 {percentile(first, 0.99)} us with one connection "
          f"and busy workers; asked for are {MEDIAN_GOAL_US} and {P99_GOAL_US}")
