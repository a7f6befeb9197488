# SPDX-License-Identifier: BSD-3-Clause
"""Accepted, stored, readable: 4 KB messages by smtp-source, a connection each, against Postfix with Maildirs."""

import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass

from lab import machine, records, table
from lab.commands import wait_until
from lab.engine import DOMAIN, Engine
from lab.namespaces import ENGINE_IPV4, Namespaces
from lab.postfix import MASTER, Postfix, main_text

CONNECTIONS = 20
PAYLOAD = 4096
USER = "alice"
WARM_UP = 400


@dataclass
class Result:
    """One run of one side, in messages a second; cores are CPU seconds by seconds."""

    messages: int
    readable: float
    accepted: float
    cores: float


@contextmanager
def ours():
    with Namespaces() as namespaces, Engine(namespaces) as engine:
        engine.start()
        account = f"{USER}@{DOMAIN}"
        yield namespaces, engine.process.pid, lambda: records.messages(engine, account)


@contextmanager
def beside():
    # The kernel's own stack may use the cable's offloads: to take them away would slow Postfix down.
    with Namespaces(offloads=True) as namespaces, Postfix(namespaces, CONNECTIONS) as postfix:
        postfix.start()
        yield namespaces, postfix.pid, lambda: postfix.present(USER)


def send(namespaces, count):
    """smtp-source with the given number of messages; it fails when any is not accepted."""
    began = time.monotonic()
    namespaces.run("smtp-source", "-s", CONNECTIONS, "-l", PAYLOAD, "-m", count, "-M", "client.test",
                   "-f", "sender@client.test", "-t", f"{USER}@{DOMAIN}", f"{ENGINE_IPV4}:25", timeout=300)
    return time.monotonic() - began


def measure(side, seconds):
    """Warms the side up, then sends what it should take about so many seconds for."""
    with side() as (namespaces, pid, present):
        warm = send(namespaces, WARM_UP)
        wait_until(lambda: present() == WARM_UP, 60, "the warm-up's messages")
        count = max(1000, round(WARM_UP / warm * seconds))
        used = machine.cpu_seconds(pid)
        began = time.monotonic()
        accepting = send(namespaces, count)
        wait_until(lambda: present() >= WARM_UP + count, 120, "all messages to be readable")
        elapsed = time.monotonic() - began
        used = machine.cpu_seconds(pid) - used
        if present() != WARM_UP + count:
            raise AssertionError(f"{present()} messages are there, {WARM_UP + count} were accepted")
    return Result(count, count / elapsed, count / accepting, used / elapsed)


def spread(values):
    return f"{min(values):.0f}..{max(values):.0f}"


def summary(name, results):
    def median(field):
        return statistics.median(getattr(result, field) for result in results)
    return (name, f"{median('readable'):.0f}", spread([result.readable for result in results]),
            f"{median('accepted'):.0f}", f"{median('cores'):.2f}", f"{median('messages'):.0f}")


def bench(pairs, seconds):
    print(f"machine: {machine.describe()}")
    print(f"load: smtp-source, {CONNECTIONS} connections at a time, one {PAYLOAD}-byte message each, over veth")
    print(f"beside: Postfix with this main.cf\n{main_text('DIR', CONNECTIONS)}and this master.cf\n{MASTER}")
    sides = {"ours": (ours, []), "beside": (beside, [])}
    for number in range(pairs):
        for name, (side, results) in sides.items():
            results.append(measure(side, seconds))
            print(f"pair {number + 1} {name}: {results[-1].readable:.0f}/s readable, "
                  f"{results[-1].accepted:.0f}/s accepted, {results[-1].cores:.2f} cores", flush=True)
    rows = [summary(name, results) for name, (_side, results) in sides.items()]
    print(table.text(("side", "readable/s", "spread", "accepted/s", "cores", "messages a run"), rows))
    mine, theirs = (statistics.median(result.readable for result in sides[name][1]) for name in ("ours", "beside"))
    print(f"bench durable: ours {mine:.0f}, beside {theirs:.0f}, ratio {mine / theirs:.2f}")
