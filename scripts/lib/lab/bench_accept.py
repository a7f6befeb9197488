# SPDX-License-Identifier: BSD-3-Clause
"""The rows accept, accept-reuse and bulk: messages taken in, kept in memory, MIME parsed, judged by the starter rules."""

import ctypes
import time
from dataclasses import dataclass

from lab import machine
from lab.bench_row import BESIDE, OURS, SAME_BESIDE, SAME_OURS, Row, Sample, Side
from lab.measured import MEMIF, RECIPIENTS, VETH, blast, engine_on, failures, in_memory, watched
from lab.namespaces import Namespaces
from lab.sinks import SINK, SOURCE, rate_over, sink_at_the_cable, sink_on, sink_words, source

LOOPBACK = "127.0.0.1"
STAGES = "stage_cycles_total "


@dataclass(frozen=True)
class Load:
    """What is sent, in blast's words and in smtp-source's."""

    size: int
    sessions: int
    source_sessions: int
    words: tuple
    source_words: tuple
    counts: tuple  # messages by Effort; 0: by time
    seconds: tuple  # by Effort
    unit: str  # of a side's value
    worth: float  # of a message, in that unit for each second
    memory: str = "2GiB"  # of the store

    def length(self, effort):
        count = effort.pick(*self.counts)
        return ("--messages", count) if count else ("--seconds", effort.pick(*self.seconds))

    def smtp(self):
        return ("--sessions", self.sessions, "--size", self.size, "--rcpt", RECIPIENTS, *self.words)


def accepted(told):
    return told["counts"]["messages_accepted"]


def verified(told):
    """Fails unless every message that was answered with 250 is there, once, and as it was sent."""
    wrong = failures(told)
    if wrong or not told["verified"]["ok"] or told["verified"]["found"] != accepted(told):
        raise AssertionError(f"not all is well: {wrong}, verified: {told['verified']}, errors: {told['errors']}")


def cycles_of(phase, counter):
    """What a second of a worker's busy cycles is worth, in what was counted; and the figures that belong to it."""
    count = phase.grown(counter)
    if not count:
        raise AssertionError("the load was over before anybody looked")
    cycles = phase.grown("cycles_busy_total") / count
    rate = count / phase.seconds
    return phase.hertz / cycles, {"cycles a message": cycles, "GHz": phase.hertz / 1e9, "a second by the clock": rate,
                                  "worker busy %": 100 * cycles * rate / phase.hertz}


def ours(load, path, by_clock=False):
    """What a worker's busy cycles, and the clock, are worth in verified messages."""
    def measure(effort):
        with engine_on(path, effort, in_memory(effort, load.memory)) as engine:
            told, phase = watched(engine, *load.smtp(), *load.length(effort), "--verify", "--password-file", engine.password_file,
                                  counter="messages_accepted_total", total=accepted)
        verified(told)
        rate, figures = cycles_of(phase, "messages_accepted_total")
        if by_clock:
            rate = figures["a second by the clock"]
        return Sample(rate * load.worth, {"messages": accepted(told), **figures}, phase.cores())
    return measure


def beside(load):
    def measure(effort):
        with Namespaces() as namespaces, sink_on(namespaces.client, LOOPBACK) as sink:
            def send(count):
                return source(namespaces.client, LOOPBACK, count, load.source_sessions, load.size, *load.source_words)
            first = effort.pick(*load.counts) or 500
            before = machine.cpu_seconds(sink.pid)
            count, sent = rate_over(effort.pick(0, *load.seconds[1:]), send, first)
            used = machine.cpu_seconds(sink.pid) - before
        return Sample(count / sent.seconds * load.worth, {"messages": count},
                      {SOURCE: sent.cores, SINK: used / sent.seconds * count / (count + first)})
    return measure


def same_client(load):
    def measure(effort):
        with sink_at_the_cable() as (sink, namespace, port):
            before = machine.cpu_seconds(sink.pid)
            told = blast(namespace, port, *load.smtp(), *load.length(effort))
            used = machine.cpu_seconds(sink.pid) - before
        if failures(told):
            raise AssertionError(f"smtp-sink did not take all: {failures(told)}")
        return Sample(accepted(told) / told["seconds"] * load.worth, {"messages": accepted(told)},
                      {SINK: used / told["seconds"], "blast": told["cpu_seconds"] / told["run_seconds"]})
    return measure


def memcpy(effort):
    """Copies of a megabyte out of 256 MiB, as a message's bytes come once from memory."""
    size, piece, rounds = 1 << effort.pick(24, 28, 28), 1 << 20, 4
    memory, target = ctypes.create_string_buffer(size), ctypes.create_string_buffer(piece)
    ctypes.memset(memory, 1, size)
    at = ctypes.addressof(memory)
    began = time.perf_counter()
    for offset in [*range(0, size, piece)] * rounds:
        ctypes.memmove(target, at + offset, piece)
    return Sample(size * rounds * 8 / (time.perf_counter() - began) / 1e9)


def sides(load, smoke=True):
    per_core = f"{load.unit} and core"
    veth = "blast over veth to"
    return (
        Side(OURS, f"blast over memif to run, {load.sessions} sessions; store.kind memory, MIME parsed, rules/starter.yaml, every "
             "message read back by POP3 and compared; worth of a worker's busy cycles", per_core, ours(load, MEMIF)),
        Side(BESIDE, f"smtp-source over loopback to smtp-sink, {load.source_sessions} sessions, messages of as many bytes; by the clock",
             load.unit, beside(load), needs=(SOURCE, SINK), configuration=lambda: " ".join(sink_words(LOOPBACK))),
        Side(SAME_OURS, f"{veth} run (af_packet), every message read back and compared; by the clock", load.unit,
             ours(load, VETH, by_clock=True), smoke=False),
        Side(SAME_BESIDE, f"{veth} smtp-sink on the kernel's TCP; by the clock", load.unit, same_client(load), needs=(SINK,), smoke=smoke),
    )


NOTES = (
    "a worker's busy cycles are those of turns that did something, counted while the middle of the load went by; "
    "the core's clock by them is the value",
    f"{machine.places().told()}; what is by the clock is bound by both",
    "with a NIC the driver's cycles are others than memif's, which copies each frame once",
)


def small(**more):
    return Load(size=4096, sessions=64, source_sessions=20, counts=(100, 0, 0), seconds=(0, 2, 5), unit="messages/s", worth=1, **more)


ACCEPT = Row("accept", "4 KB messages, a new connection for each", sides(small(words=(), source_words=())), NOTES)
REUSE = Row("accept-reuse", "4 KB messages, 100 a connection", sides(small(words=("--reuse", 100), source_words=("-d",)), smoke=False), NOTES)
MEGABYTE = Load(size=1 << 20, sessions=8, source_sessions=8, words=("--attachments", 100, "--texts", 16, "--reuse", 10), source_words=("-d",),
                counts=(8, 1000, 3000), seconds=(0, 2, 5), unit="Gbit/s", worth=(1 << 20) * 8 / 1e9, memory="6GiB")
BULK = Row("bulk", "1 MB messages with a base64 attachment each, 10 a connection",
           (*sides(MEGABYTE, smoke=False), Side("memcpy", "the limit: one core copies as many bytes once", "Gbit/s", memcpy)), NOTES)
