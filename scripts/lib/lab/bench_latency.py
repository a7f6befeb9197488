# SPDX-License-Identifier: BSD-3-Clause
"""The row latency: from the final dot to the 250, at half of the highest rate, beside smtp-sink."""

import re

from lab.bench_accept import accepted
from lab.bench_row import BESIDE, OURS, SAME_OURS, Row, Sample, Side
from lab.measured import MEMIF, RECIPIENTS, VETH, blast, engine_on, failures, in_memory
from lab.sinks import SINK, sink_at_the_cable, sink_words

LOAD = ("--size", 4096, "--rcpt", RECIPIENTS, "--busy")
UNIT = "us p99"
OWN = re.compile(rb'"end_of_data_us":(\d+)')


def length(effort):
    return ("--messages", 50) if not effort else ("--seconds", effort.pick(0, 2, 5))


def half(namespace, port, effort):
    """The highest rate by a closed loop, then half of it by an open one; what is told of both."""
    highest = blast(namespace, port, *LOAD, "--sessions", 64, *length(effort))
    rate = max(1, round(highest["messages_per_second"] / 2))
    told = blast(namespace, port, *LOAD, "--rate", rate, *length(effort))
    if failures(told):
        raise AssertionError(f"not all went well: {failures(told)}")
    return highest, told


def sample(highest, told, figures):
    end = told["latency_us"]["end"]
    return Sample(end["p99"], {"p50": end["p50"], "p99.9": end["p99_9"], "max": end["max"],
                               "blast late p99": told["latency_us"]["late"]["p99"], **figures, "messages": end["count"],
                               "a second": told["messages_per_second"], "highest": highest["messages_per_second"]})


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ours(path):
    def measure(effort):
        with engine_on(path, effort, in_memory(effort)) as engine:
            highest, told = half(*engine.client(), effort)
            engine.end()
            own = [int(value) for value in OWN.findall(engine.records.read_bytes())[-accepted(told):]]
        return sample(highest, told, {"own p50": percentile(own, 0.5), "own p99": percentile(own, 0.99)})
    return measure


def beside(effort):
    with sink_at_the_cable() as (_process, namespace, port):
        return sample(*half(namespace, port, effort), {})


VETH_WORDS = "blast over veth to"
ROW = Row("latency", "microseconds from a 4 KB message's final dot to its 250, at half of the highest rate", (
    Side(OURS, "blast over memif to run, store.kind memory, busy workers; `own` is by the engine's clock", UNIT, ours(MEMIF)),
    Side(BESIDE, f"{VETH_WORDS} smtp-sink on the kernel's TCP", UNIT, beside, needs=(SINK,),
         configuration=lambda: " ".join(sink_words("ADDRESS"))),
    Side(SAME_OURS, f"{VETH_WORDS} run (af_packet)", UNIT, ours(VETH), smoke=False),
), ("an open loop: a new connection for each message, evenly spread, whatever the server does; half of each side's own highest rate",
    "on two CPUs blast shares one with the engine's control threads or with smtp-sink: its p99 has the scheduler in it",
    ), same=(SAME_OURS, BESIDE), less_is_better=True)
