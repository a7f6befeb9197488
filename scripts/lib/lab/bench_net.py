# SPDX-License-Identifier: BSD-3-Clause
"""The row net: frames taken and answered by the TCP alone, beside dpdk-testpmd, which does nothing with them but swap addresses."""

import json
import re
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from lab import machine
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.commands import end, start, wait_until
from lab.engine import binary
from lab.measured import CLIENTS, RECIPIENTS, failures
from lab.memif import memif_end
from lab.meter import finish
from lab.namespaces import ENGINE_IPV4

TESTPMD = "dpdk-testpmd"
FRAME = 544           # of testpmd's generator; a frame that comes to the sink has that many on average
SAME_BYTES = 320      # sent back as they came, that is as much copied as of a frame that comes to the sink and of what goes back
SIZE = 4096           # of a message
SESSIONS = 64         # what fills a burst
STAGES = ("receive", "net", "tcp", "transmit")
UNIT = "frames/s and core"
CYCLES = re.compile(r"CPU cycles/packet=([\d.]+) \(total cycles=(\d+) / total \S+ packets=(\d+)\)")


def lcores(cpu):
    return f"--lcores=0@{machine.places().control},1@{cpu}"


@contextmanager
def sink(folder):
    """`wirepost sink` on the engine's CPU; its process. It has told its result when it ends."""
    process = start(binary(), "sink", "--device", f"net_memif0,role=server,{memif_end(folder)}", "--address", f"{ENGINE_IPV4}/24",
                    "--port", 25, "--eal", lcores(machine.places().worker), "--json", folder / "sink.json", "--quiet")
    try:
        wait_until((folder / "memif").exists, 20, "the sink")
        yield process
    finally:
        end(process)


def load(folder, *length):
    """A new connection for each message."""
    finish("taskset", "-c", machine.places().client, binary(), "blast", "--device", f"net_memif0,role=client,{memif_end(folder)}",
           "--address", CLIENTS, "--eal", lcores(machine.places().client), "--to", f"{ENGINE_IPV4}:25", "--rcpt", RECIPIENTS,
           "--size", SIZE, "--sessions", SESSIONS, "--limit-rate", 1000000, *length, "--json", folder / "blast.json", "--quiet")
    return json.loads((folder / "blast.json").read_text())


def ours(effort):
    """Frames that came, by the cycles of the stages that are not the session's."""
    count = effort.pick(100, 0, 0)
    with tempfile.TemporaryDirectory(prefix="wirepost-net-", dir="/var/tmp") as name:
        folder = Path(name)
        with sink(folder) as process:
            before, began = machine.cpu_seconds(process.pid), time.monotonic()
            sent = load(folder, *(("--messages", count) if count else ("--seconds", effort.pick(0, 2, 4))))
            took = time.monotonic() - began
            cores = {"sink": (machine.cpu_seconds(process.pid) - before) / took}
            process.send_signal(signal.SIGINT)
            process.wait(20)
        took_in = json.loads((folder / "sink.json").read_text())["engine"]
    if failures(sent):
        raise AssertionError(f"not all went well: {failures(sent)}")
    return sample(took_in, sent, cores)


def sample(sink_counts, sent, cores):
    """Bytes are counted where the link's other end still is."""
    frames, out = sink_counts["worker_frames_in"], sink_counts["net_frames_out"]
    cycles = {stage: sink_counts[f"cycles_{stage}"] for stage in STAGES}
    return Sample(frames * machine.counter_hertz() / sum(cycles.values()), {
        "cycles a frame": sum(cycles.values()) / frames, **{stage: spent / frames for stage, spent in cycles.items()},
        "bytes a frame": sent["engine"]["port_out_bytes"] / frames, "frames answered of 1": out / frames,
        "bytes an answer": sent["engine"]["port_in_bytes"] / out,
        "frames a turn that found some": frames / sink_counts["worker_turns_busy"],
        "a second by the clock": frames / sent["seconds"]}, cores)


def words(cpu, prefix, role, folder, *more):
    return (TESTPMD, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--lcores", f"0@{machine.places().control},1@{cpu}",
            "--file-prefix", prefix, "--vdev", f"net_memif0,role={role},{memif_end(folder)}", "--", "--total-num-mbufs=16384",
            "--stats-period=3600", "--auto-start", *more)


@contextmanager
def testpmd(log, *command):
    with open(log, "wb") as output:
        process = start(*command, log=output)
    try:
        wait_until(lambda: "packets/burst" in log.read_text(errors="replace"), 30, TESTPMD)
        yield process
    finally:
        end(process)


def both(mode, folder, size=FRAME):
    """The words of testpmd on the engine's CPU, and of the generator of frames at the other end."""
    places = machine.places()
    return (words(places.worker, f"{folder.name}-swap", "server", folder, f"--forward-mode={mode}", "--record-core-cycles"),
            words(places.client, f"{folder.name}-flow", "client", folder, "--forward-mode=flowgen", f"--txpkts={size}"))


def beside(mode, size=FRAME):
    """The cycles that testpmd itself counts for the frames that it took and sent back."""
    def measure(effort):
        with tempfile.TemporaryDirectory(prefix="wirepost-testpmd-", dir="/var/tmp") as name:
            folder, log = Path(name), Path(name) / "swap"
            swap, flow = both(mode, folder, size)
            with testpmd(log, *swap) as swapping, testpmd(folder / "flow", *flow) as flowing:
                before, began = machine.cpu_seconds(swapping.pid), time.monotonic()
                time.sleep(effort.pick(0.3, 2, 4))
                took = time.monotonic() - began
                cores = {TESTPMD: (machine.cpu_seconds(swapping.pid) - before) / took,
                         "generator": machine.cpu_seconds(flowing.pid) / took}
                # First what is measured: when the generator goes, its link's counts go with it.
                end(swapping)
            text = log.read_text(errors="replace")
        found = CYCLES.search(text)
        if not found or int(found[3]) == 0:
            raise AssertionError(f"testpmd has forwarded nothing:\n{text[-3000:]}")
        cycles = float(found[1])
        return Sample(machine.counter_hertz() / cycles, {"cycles a frame": cycles, "bytes a frame": size}, cores)
    return measure


ROW = Row("net", "frames taken and answered by the TCP alone, over memif", (
    Side(OURS, f"blast over memif to sink: the stages receive, net, tcp and transmit (SYN, acknowledgements, commands, {SIZE // 1024} KB messages, each over a "
         "connection of its own); a frame is one that came, its cycles are those of what went back as well", UNIT, ours),
    Side(BESIDE, f"testpmd in macswap, {FRAME}-byte frames of testpmd's flowgen; the cycles of turns that found some", UNIT,
         beside("macswap"), needs=(TESTPMD,),
         configuration=lambda: "\n".join(" ".join(map(str, command)) for command in both("macswap", Path("/DIR")))),
    Side("beside, as many bytes copied", f"the same with {SAME_BYTES}-byte frames", UNIT, beside("macswap", SAME_BYTES), needs=(TESTPMD,), smoke=False),
    Side("beside, io", "testpmd in io: the addresses stay as they are", UNIT, beside("io"), needs=(TESTPMD,), smoke=False),
), ("the same driver at the same port, one queue, no hugepages; testpmd sends each frame back as it came, and looks at its addresses only; the TCP looks at all "
    "bytes of each for its checksum, keeps what a connection is, and answers with frames of its own, which are shorter",
    f"memif copies each frame, in and out: frames of {FRAME} bytes cost testpmd as much to take as the sink's, and more to send back; of {SAME_BYTES} bytes it copies "
    "as much in all",
    "both have full bursts: the generator of frames fills the ring, and the sink naps when it is empty; what the session does with the bytes is left out",
    "meaningful for a NIC only with a NIC"))
