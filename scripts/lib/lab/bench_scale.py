# SPDX-License-Identifier: BSD-3-Clause
"""The row scale: the tap with one worker and with two, each fed from memory by itself."""

import time
from contextlib import ExitStack, contextmanager
from datetime import datetime

from lab import machine, records
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.captures import conversation, pcap
from lab.commands import wait_until
from lab.engine import STARTER_RULES
from lab.namespaces import Namespaces
from lab.tap import Tap

SESSIONS, MESSAGE = 8, 1_000_000  # of a queue, and bytes; their frames are in memory once, and come again and again
SMOKE = 4, 200_000
NUMBERS = (0x10000000, 0x65555555, 0xBAAAAAAA)
KEY = 0x6D5A6D5A


def flow_hash(*words):
    """docs/tap.md: Toeplitz with a key of 16 bits that repeat, so the hash of the words' XOR."""
    folded, window, result = 0, KEY, 0
    for word in words:
        folded ^= word
    for bit in range(15, -1, -1):
        if folded >> bit & 1:
            result ^= window
        window = (window << 1 | window >> 31) & 0xFFFFFFFF
    return result


def owner(client_port, workers):
    """Whose a connection from 198.18.0.1 to port 25 of 198.18.0.2 is, as a card that hashes would know."""
    address = (0xC612, 0x0001, 0xC612, 0x0002)
    return flow_hash(*address, client_port, 25) % 128 % workers


def session(port, number, size):
    """Sequence numbers differ from turn to turn, so that each is a connection of its own."""
    line = b"The quick brown fox jumps over the lazy dog, number %d of very many.\r\n" % port
    text = b"From: <a@client.test>\r\nTo: <b@example.test>\r\nSubject: fox\r\n\r\n" + line * (size // len(line)) + b".\r\n"
    return conversation([("S", b"220 mx.example.test\r\n"), ("C", b"EHLO client.test\r\n"), ("S", b"250 mx.example.test\r\n"),
                         ("C", b"MAIL FROM:<a@client.test>\r\n"), ("S", b"250 ok\r\n"), ("C", b"RCPT TO:<b@example.test>\r\n"),
                         ("S", b"250 ok\r\n"), ("C", b"DATA\r\n"), ("S", b"354 go\r\n"), ("C", text), ("S", b"250 ok\r\n"),
                         ("C", b"QUIT\r\n"), ("S", b"221 bye\r\n")], ports=(port, 25), size=1448,
                        numbers=(number, number + 500))


def queues(workers, sessions, size, folder):
    """A file for each worker, of connections that are its own; all of them in memory once the port has started."""
    files = []
    for worker in range(workers):
        ports = [port for port in range(20000, 60000) if owner(port, workers) == worker][:sessions]
        path = folder / f"{workers}-{worker}.pcap"
        path.write_bytes(pcap([packet for number in NUMBERS for port in ports for packet in session(port, number, size)]))
        files.append(f"rx_pcap={path}")
    return files


def told(tap):
    """What it has told of itself so far, a line each 200 ms."""
    return [row for row in records.rows(tap.events_file) if row["kind"] == "statistics"]


def when(line):
    return datetime.fromisoformat(line["time"]).timestamp()


@contextmanager
def tap_on(effort, workers, control):
    with Namespaces() as namespaces:
        tap = Tap(namespaces, workers=workers, changes={
            "engine": {"mbufs": 131072, "idle": effort.pick("adaptive", "busy", "busy"), "memory": "512MiB", "control_cpus": str(control)},
            "rules": {"files": [str(STARTER_RULES)]}})
        tap.settings["tap"]["ports"] = [{"pmd": "eal", "device": ",".join(
            ["net_pcap0", *queues(workers, *(SMOKE if not effort else (SESSIONS, MESSAGE)), tap.directory), "infinite_rx=1"])}]
        tap.write()
        with tap:
            wait_until(lambda: len(told(tap)) > 1, 20, "the tap to tell of itself")
            yield tap


def tapping(workers):
    def measure(effort):
        with tap_on(effort, workers, machine.places().control) as tap:
            return watched([tap], effort)
    return measure


def apart(effort):
    """A process for each of two CPUs, with one worker and all its threads there: they share nothing but the machine."""
    with ExitStack() as taps:
        running = []
        for cpu in (machine.places().control, machine.places().worker):
            with machine.pinned(cpu):
                running.append(taps.enter_context(tap_on(effort, 1, cpu)))
        return watched(running, effort)


def watched(taps, effort):
    """What all of them did in the same seconds."""
    used, began = [machine.cpu_seconds(tap.process.pid) for tap in taps], time.monotonic()
    first = [told(tap)[-1] for tap in taps]
    time.sleep(effort.pick(0.3, 3, 5))
    last = []
    for tap in taps:
        seen = len(told(tap))
        last.append(wait_until(lambda tap=tap, seen=seen: told(tap)[seen:], 20, "the tap to tell of itself")[-1])
    cores = sum(machine.cpu_seconds(tap.process.pid) for tap in taps) - sum(used)
    parts = [sample(*lines, cores / len(taps) / (time.monotonic() - began)) for lines in zip(first, last)]
    rate = sum(part.value for part in parts)
    burned = sum(part.cores["tap"] for part in parts)
    figures = {name: sum(part.figures[name] for part in parts) for name in parts[0].figures}
    return Sample(rate, {**figures, "Gbit/s and core burned": rate / burned}, {"tap": burned})


def sample(first, last, cores):
    """Between two lines; nothing may be left out of what went by, or it would not be the same work."""
    def grown(group, name):
        return last[group][name] - first[group][name]
    seconds = when(last) - when(first)
    left_out = {name: grown("tcp", name) for name in ("drop_no_flow", "drop_flows", "drop_memory", "drop_closed", "gaps")}
    if any(left_out.values()) or grown("worker", "mesh_full") or grown("tap", "messages_unread"):
        raise AssertionError(f"not all was read: {left_out}")
    rate = grown("port", "in_bytes") * 8 / seconds / 1e9
    return Sample(rate, {
        "Gbit/s and core burned": rate / cores, "frames/s": grown("port", "in_frames") / seconds, "messages/s": grown("tap", "messages") / seconds,
        "passed between workers/s": grown("worker", "frames_to_mesh") / seconds}, {"tap": cores})


ROW = Row("scale", "the tap with two workers, beside itself with one", (
    Side(OURS, "two workers, each with a queue of its own: 1 MB messages, MIME, SHA-256 of parts, rules/starter.yaml", "Gbit/s",
         tapping(2)),
    Side(BESIDE, "one worker, one queue of the same", "Gbit/s", tapping(1)),
    Side("the machine", "two processes of one worker each, pinned to a CPU each: what two CPUs give those who share nothing", "Gbit/s", apart, smoke=False),
), ("each worker takes its frames from a capture in memory (DPDK's net_pcap, infinite_rx), which copies them: the source has no core, and "
    "connections are on the queue of their owner, as a NIC's receive-side scaling puts them",
    "on two CPUs the threads that write events have none of their own"))
