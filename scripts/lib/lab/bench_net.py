# SPDX-License-Identifier: BSD-3-Clause
"""The row net: frames taken and answered by the TCP alone, beside dpdk-testpmd, which does nothing with them but swap addresses."""

import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from lab import machine
from lab.bench_accept import accepted
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.commands import end, start, wait_until
from lab.engine import merged
from lab.measured import MEMIF, RECIPIENTS, engine_on, failures, in_memory, watched
from lab.memif import memif_end

TESTPMD = "dpdk-testpmd"
FRAME = 512        # of testpmd's generator; what ours are on average is told
STAGES = ("receive", "net", "tcp", "transmit")
UNIT = "frames/s and core"
NO_RECORDS = {"records": {"path": ""}}  # who writes them may not be the limit of this row
CYCLES = re.compile(r"CPU cycles/packet=([\d.]+) \(total cycles=(\d+) / total \S+ packets=(\d+)\)")


def ours(effort):
    """Frames that came, by the cycles of the stages that are not mail's."""
    count = effort.pick(100, 0, 0)
    length = ("--messages", count) if count else ("--seconds", effort.pick(0, 2, 5))
    with engine_on(MEMIF, effort, merged(in_memory(effort), NO_RECORDS)) as engine:
        told, phase = watched(engine, "--sessions", 64, "--size", 1024, "--rcpt", RECIPIENTS, *length,
                              counter="messages_accepted_total", total=accepted)
    if failures(told):
        raise AssertionError(f"not all went well: {failures(told)}")
    cycles = {stage: phase.grown(f"stage_cycles_total {stage}") for stage in STAGES}
    frames, out = phase.grown("worker_frames_in_total"), phase.grown("net_frames_out_total")
    return Sample(frames * phase.hertz / sum(cycles.values()), {
        "cycles a frame": sum(cycles.values()) / frames, **{stage: spent / frames for stage, spent in cycles.items()},
        "bytes a frame": phase.grown("port_in_bytes_total") / frames, "frames answered of 1": out / frames,
        "frames a turn that found some": frames / phase.grown("worker_turns_busy_total"),
        "a second by the clock": frames / phase.seconds}, phase.cores())


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


def both(mode, folder):
    """The words of testpmd on the engine's CPU, and of the generator of frames at the other end."""
    places = machine.places()
    return (words(places.worker, f"{folder.name}-swap", "server", folder, f"--forward-mode={mode}", "--record-core-cycles"),
            words(places.client, f"{folder.name}-flow", "client", folder, "--forward-mode=flowgen", f"--txpkts={FRAME}"))


def beside(mode):
    """The cycles that testpmd itself counts for the frames that it took and sent back."""
    def measure(effort):
        with tempfile.TemporaryDirectory(prefix="wirepost-testpmd-", dir="/var/tmp") as name:
            folder, log = Path(name), Path(name) / "swap"
            swap, flow = both(mode, folder)
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
        return Sample(machine.counter_hertz() / cycles, {"cycles a frame": cycles, "bytes a frame": FRAME}, cores)
    return measure


ROW = Row("net", "frames taken and answered by the TCP alone, over memif", (
    Side(OURS, "blast over memif to run: the stages receive, net, tcp and transmit of an SMTP load (SYN, acknowledgements, commands, 1 KB "
         "messages); a frame is one that came, its cycles are those of what went back as well", UNIT, ours),
    Side(BESIDE, f"testpmd in macswap, {FRAME}-byte frames of testpmd's flowgen; the cycles of turns that found some", UNIT,
         beside("macswap"), needs=(TESTPMD,),
         configuration=lambda: "\n".join(" ".join(map(str, command)) for command in both("macswap", Path("/DIR")))),
    Side("beside, io", "testpmd in io: the addresses stay as they are", UNIT, beside("io"), needs=(TESTPMD,), smoke=False),
), ("the same driver at the same port, one queue, no hugepages; testpmd sends each frame back as it came, the TCP answers some, and looks at "
    "all bytes of each for its checksum",
    "meaningful for a NIC only with a NIC: memif copies each frame, which both sides pay"))
