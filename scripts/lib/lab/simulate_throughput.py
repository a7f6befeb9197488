# SPDX-License-Identifier: BSD-3-Clause
"""How fast one connection is through a link of 20 ms, against the model of RFC 9438 section 5.1, and beside Linux."""

import math
import os
import secrets
import socket
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from lab.commands import run
from lab.namespaces import inside, offloads_off

RATE, QUEUE, DELAY = 100_000_000, 250_000, 10_000  # bits a second, bytes, microseconds one way
LOSSES = (0, 1_000, 10_000)  # of a million, in both directions
PAYLOAD, FRAME, BETA, C = 1448, 1514, 0.7, 0.4
SECONDS, SKIP = 20, 5
LINUX_SEEDS, LINUX_SECONDS, LINUX_SKIP = 5, 8, 3


def model(ppm):
    """Bytes a second: the larger of CUBIC's and Reno's response function, or what the link carries."""
    link = RATE / 8 * PAYLOAD / FRAME
    if not ppm:
        return link
    p, rtt = ppm / 1e6, 2 * DELAY / 1e6
    cubic = (C * (3 + BETA) / (4 * (1 - BETA))) ** 0.25 * (rtt / p) ** 0.75
    reno = math.sqrt(3 / (2 * p))
    return min(link, max(cubic, reno) * PAYLOAD / rtt)


def link_of(ppm):
    return f"{RATE},{QUEUE},{DELAY},{ppm}"


def ours(program, ppm, start, seeds):
    """The figure of each seed, side by side on all processors."""
    def one(seed):
        command = [program, "--bulk", str(SECONDS), "--link", link_of(ppm), "--start", str(seed)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(one, range(start, start + seeds)))


# ---- Linux: two TAPs in two namespaces, frames moved between them by the same elements ----

@contextmanager
def pair(program, ppm, seed):
    """Two namespaces and their link, as (sender, receiver)."""
    tag = f"wps-{os.getpid()}-{secrets.token_hex(2)}"
    names, taps = (f"{tag}-a", f"{tag}-b"), (f"wps{secrets.token_hex(3)}a", f"wps{secrets.token_hex(3)}b")
    mover = subprocess.Popen([program, "--taps", ",".join(taps), "--link", link_of(ppm), "--start", str(seed)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if mover.stdout.readline().strip() != "ready":
            raise RuntimeError("the TAPs cannot be made")
        for i, (name, tap) in enumerate(zip(names, taps)):
            run("ip", "netns", "add", name)
            run("ip", "link", "set", tap, "netns", name)
            offloads_off(name, tap)
            run("ip", "-n", name, "link", "set", tap, "address", f"02:00:00:00:09:0{i + 1}", "up")
            run("ip", "-n", name, "address", "add", f"198.18.9.{i + 1}/24", "dev", tap)
            run("ip", "-n", name, "neigh", "replace", f"198.18.9.{2 - i}", "lladdr", f"02:00:00:00:09:0{2 - i}",
                "dev", tap, "nud", "permanent")
        yield names
    finally:
        mover.stdin.close()
        mover.wait(10)
        for name in names:
            run("ip", "netns", "del", name, check=False)


def linux_one(program, ppm, seed):
    """Payload bytes a second of one connection of the kernel's."""
    with pair(program, ppm, seed) as (sender, receiver):
        with inside(receiver):
            listener = socket.create_server(("198.18.9.2", 2525))
        with inside(sender):
            out = socket.socket()
        out.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        out.connect(("198.18.9.2", 2525))
        into, _ = listener.accept()
        begin, ended = time.monotonic(), threading.Event()

        def send():
            chunk = bytes(1 << 16)
            try:
                while not ended.is_set():
                    out.sendall(chunk)
            except OSError:
                pass

        thread = threading.Thread(target=send)
        thread.start()
        total, mark = 0, None
        while time.monotonic() - begin < LINUX_SKIP + LINUX_SECONDS:
            total += len(into.recv(1 << 18))
            if mark is None and time.monotonic() - begin >= LINUX_SKIP:
                mark = (time.monotonic(), total)
        rate = (total - mark[1]) / (time.monotonic() - mark[0])
        ended.set()
        into.close()
        out.shutdown(socket.SHUT_RDWR)
        thread.join()
        out.close()
        listener.close()
    return rate


def cell(rates, expected):
    mean = statistics.fmean(rates)
    spread = statistics.stdev(rates) / mean if len(rates) > 1 else 0
    return f"{mean * 8 / 1e6:7.2f} Mbit/s {100 * mean / expected:5.1f} % (+-{100 * spread:.0f} %)"


def show(seeds, start, linux):
    from lab.simulate import PROGRAM
    print(f"one connection, {RATE / 1e6:.0f} Mbit/s, queue {QUEUE} bytes, {2 * DELAY / 1000:.0f} ms, loss in both directions;")
    print(f"ours: {seeds} seeds of {SECONDS} s of virtual time after {SKIP} s"
          + (f"; Linux {os.uname().release}: {LINUX_SEEDS} seeds of {LINUX_SECONDS} s of real time" if linux else ""))
    print(f"{'loss':>7}  {'model':>14}  {'ours':>34}" + (f"  {'Linux, CUBIC':>34}" if linux else ""))
    enough = True
    for ppm in LOSSES:
        expected = model(ppm)
        rates = ours(PROGRAM, ppm, start, seeds)
        enough &= statistics.fmean(rates) >= expected * (0.9 if ppm else 0.99)
        line = f"{ppm / 1e4:5.1f} %  {expected * 8 / 1e6:7.2f} Mbit/s  {cell(rates, expected):>34}"
        if linux:
            line += f"  {cell([linux_one(PROGRAM, ppm, start + i) for i in range(LINUX_SEEDS)], expected):>34}"
        print(line, flush=True)
    print("reached: 99 % without loss, 90 % with it" if enough else "missed: 99 % without loss, 90 % with it")
    return 0 if enough else 1
