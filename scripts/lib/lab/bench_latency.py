# SPDX-License-Identifier: BSD-3-Clause
"""The row latency: from the final dot to the 250, at half of the highest rate, beside smtp-sink."""

import re

from lab.bench_accept import accepted
from lab.bench_row import BESIDE, OURS, SAME_OURS, Row, Sample, Side
from lab.measured import MEMIF, RECIPIENTS, VETH, blast, engine_on, failures, in_memory
from lab.sinks import SINK, sink_at_the_cable, sink_words

LOAD = ("--size", 4096, "--rcpt", RECIPIENTS, "--busy")
UNIT = "us p99"
BOTH = 3000  # messages/s: less than half of what either side reaches
OWN = re.compile(rb'"end_of_data_us":(\d+)')


def length(effort):
    return ("--messages", 50) if not effort else ("--seconds", effort.pick(0, 2, 5))


def at_rate(namespace, port, effort, rate):
    told = blast(namespace, port, *LOAD, "--rate", rate, *length(effort))
    if failures(told):
        raise AssertionError(f"not all went well: {failures(told)}")
    return told


def half(namespace, port, effort):
    """The highest rate by a closed loop, a rate that both sides have and half of the highest by open ones; what is told of them."""
    highest = blast(namespace, port, *LOAD, "--sessions", 64, *length(effort))
    both = at_rate(namespace, port, effort, effort.pick(50, BOTH, BOTH))
    return highest, both, at_rate(namespace, port, effort, max(1, round(highest["messages_per_second"] / 2)))


def sample(highest, both, told, figures):
    end, same = told["latency_us"]["end"], both["latency_us"]["end"]
    return Sample(end["p99"], {"p50": end["p50"], "p99.9": end["p99_9"], "max": end["max"],
                               "blast late p99": told["latency_us"]["late"]["p99"], **figures,
                               f"p50 at {BOTH}/s": same["p50"], f"p99 at {BOTH}/s": same["p99"], "messages": end["count"],
                               "a second": told["messages_per_second"], "highest": highest["messages_per_second"]})


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ours(path):
    def measure(effort):
        with engine_on(path, effort, in_memory(effort)) as engine:
            highest, both, told = half(*engine.client(), effort)
            engine.end()
            own = [int(value) for value in OWN.findall(engine.records.read_bytes())[-accepted(told):]]
        return sample(highest, both, told, {"own p50": percentile(own, 0.5), "own p99": percentile(own, 0.99)})
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
    f"so the rates differ; `at {BOTH}/s` is the same load on both sides",
    "on two CPUs blast shares one with the engine's control threads or with smtp-sink: its p99 has the scheduler in it",
    ), same=(SAME_OURS, BESIDE), less_is_better=True)
