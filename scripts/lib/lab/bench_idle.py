# SPDX-License-Identifier: BSD-3-Clause
"""What an idle connection costs in memory, all layers together: resident bytes of an engine with very many of them."""

import multiprocessing
import select
import socket
import time
from contextlib import contextmanager
from pathlib import Path

from lab import machine, table
from lab.commands import run, wait_until
from lab.engine import Engine
from lab.namespaces import ENGINE_IPV4, Namespaces, inside

CONNECTIONS = 100_000
QUICK = 5_000
SOURCES = 8        # client addresses, a process each: a process may not open more than some 16,000 files everywhere
AT_A_TIME = 50
WARM_UP = 400      # connections that come and go first, so that what is touched once is no part of the figure


def changes(connections):
    limit = connections + 100
    return {
        # Nothing may end a connection during the run, and no limit may meet the few addresses that it comes from.
        "engine": {"connections": limit, "half_open": 4096},
        "smtp": {"command_timeout": "1h"},
    }


def resident(engine, what="Rss"):
    """Bytes of the engine's process that are resident, by the kernel's own count."""
    text = Path(f"/proc/{engine.process.pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(what + ":"))


class Crowd:
    """Connections that have said EHLO and then nothing more, held by one process from one address."""

    def __init__(self, namespace, source):
        self.namespace = namespace
        self.source = source
        self.open = []

    def grow(self, count):
        """Opens so many more; each is greeted, says EHLO and gets its answer."""
        left = count
        poll = select.epoll()
        waiting = {}
        with inside(self.namespace):
            while left or waiting:
                while left and len(waiting) < AT_A_TIME:
                    left -= 1
                    one = self._connect()
                    waiting[one.fileno()] = (one, [b"220 ", b"250 "])
                    poll.register(one, select.EPOLLIN)
                self._serve(poll, waiting)
        poll.close()

    def _connect(self):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by the whole four
        one.bind((self.source, 0))
        one.connect_ex((ENGINE_IPV4, 25))
        return one

    def _serve(self, poll, waiting):
        events = poll.poll(10)
        if not events:
            raise AssertionError(f"{len(waiting)} connections wait for their greeting")
        for fileno, _event in events:
            one, expected = waiting[fileno]
            answer = one.recv(4096)
            last = answer.rstrip().rpartition(b"\r\n")[2]
            if not answer.endswith(b"\r\n") or last[:4] != expected[0]:
                raise AssertionError(f"expected {expected[0]}, not {answer!r}")
            expected.pop(0)
            if expected:
                one.send(b"EHLO client.test\r\n")
            else:
                poll.unregister(one)
                self.open.append(one)
                del waiting[fileno]

    def shrink(self, _count):
        for one in self.open:
            one.close()
        self.open = []

    def ask(self, count):
        """So many of them still answer."""
        for one in self.open[:: max(1, len(self.open) // count)]:
            one.setblocking(True)
            one.settimeout(5)
            one.send(b"NOOP\r\n")
            if one.recv(1024)[:4] != b"250 ":
                raise AssertionError("an idle connection does not answer")


def serve_crowd(pipe, namespace, source):
    """A crowd's process: does what comes through the pipe and says how it went."""
    crowd = Crowd(namespace, source)
    while True:
        try:
            what, count = pipe.recv()
        except EOFError:
            return
        try:
            getattr(crowd, what)(count)
            pipe.send("")
        except (AssertionError, OSError) as error:
            pipe.send(f"{what}: {error}")


class Crowds:
    """Several processes, since one may not hold so many descriptors."""

    def __init__(self, namespaces):
        self.size = 0
        self.pipes = []
        self.processes = []
        for i in range(SOURCES):
            address = f"198.18.0.{10 + i}"
            run("ip", "-n", namespaces.client, "address", "add", f"{address}/24", "dev", namespaces.client_port)
            mine, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=serve_crowd, args=(theirs, namespaces.client, address), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(mine)
            self.processes.append(process)

    def all(self, what, count):
        """Each does its share, side by side."""
        for pipe in self.pipes:
            pipe.send((what, count // SOURCES))
        faults = [fault for pipe in self.pipes if (fault := pipe.recv())]
        if faults:
            raise AssertionError("; ".join(faults))
        if what == "grow":
            self.size += count // SOURCES * SOURCES
        elif what == "shrink":
            self.size = 0

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for process in self.processes:
            process.kill()
            process.join()


def settled(engine, crowds):
    wait_until(lambda: engine.ask("status")["sessions"] == crowds.size, 30, "all connections to be counted")
    time.sleep(1)
    return resident(engine)


@contextmanager
def serving(connections):
    """An engine with room for so many, which has served some that are gone again; and the crowds."""
    with Namespaces() as namespaces, Engine(namespaces, changes=changes(connections)) as engine:
        engine.start()
        with Crowds(namespaces) as crowds:
            crowds.all("grow", WARM_UP)
            crowds.all("shrink", 0)
            yield engine, crowds


def bench(pairs, _seconds):
    count = CONNECTIONS if pairs > 1 else QUICK
    print(f"machine: {machine.describe()}")
    with serving(WARM_UP) as (engine, crowds):
        least = settled(engine, crowds)
        rows = [(f"0, room for {WARM_UP}", least, "")]
    with serving(count) as (engine, crowds):
        rows.append((f"0, room for {count}", settled(engine, crowds), ""))
        began = time.monotonic()
        for share in (count // 4, count // 4, count // 2):
            crowds.all("grow", share)
            now = settled(engine, crowds)
            rows.append((f"{crowds.size}", now, f"{(now - least) / crowds.size:.0f}"))
        took = time.monotonic() - began
        crowds.all("ask", 800)
        final = (rows[-1][1] - least) / crowds.size
    print(table.text(("connections", "resident bytes", "bytes a connection"), rows))
    print("a connection's bytes: what is resident beyond an engine with nearly no room and no connections, which "
          "counts tables that lie ready and free memory too")
    print(f"opened, greeted and answered EHLO in {took:.1f} s; 800 of them asked again with NOOP: all answered")
    print(f"bench idle: {final:.0f} bytes a connection, from {count} open ones")
