# SPDX-License-Identifier: BSD-3-Clause
"""The row idle: what an idle connection costs in memory, all layers of a server together."""

import time
from pathlib import Path

from lab import machine, meter
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.commands import wait_until
from lab.dovecot import PROGRAM, Dovecot, text
from lab.engine import PASSWORD, crypt
from lab.measured import CLIENT_ADDRESSES, MEMIF, blast, engine_on
from lab.namespaces import ENGINE_IPV4, Namespaces
from lab.postfix import Postfix, main_text, master_text

PEERS = 1000       # what Postfix and Dovecot are measured with
QUICK_PEERS = 200  # Postfix starts a process for each: that takes its time
WARM_UP = 400      # connections that come and go first, so that what is touched once is no part of the figure
UNIT = "bytes/connection"
SMTP, POP3 = ("smtp", 25), ("pop3", 110)


def changes(connections):
    room = max(connections, WARM_UP) + 1000
    return {
        # Nothing may end a connection during the run, and no limit may meet the few addresses that it comes from.
        "engine": {"connections": room, "half_open": 65535},
        "tcp": {"prefix_half_open": "none"},
        "smtp": {"command_timeout": "1h"},
        "pop3": {"idle_timeout": "1h"},
    }


def memory(pids, what):
    """Bytes of these processes that are resident (Rss), or those with shared ones by their share (Pss), as the kernel counts."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":"))
    return total


class Peak:
    """The most memory that was seen while something ran."""

    EVERY = 0.5

    def __init__(self, count):
        self.count = count
        self.most, self.next = 0, 0

    def look(self, _process=None):
        if time.monotonic() >= self.next:
            self.most = max(self.most, self.count())
            self.next = time.monotonic() + self.EVERY


def hold(client, talk, connections, seconds, peak=None, words=()):
    """Lets so many stand for so long; none may fail. The result."""
    work, port = talk
    told = blast(*client, "--work", work, "--sessions", connections, "--hold", seconds, "--timeout", 300, *words, target=f"{ENGINE_IPV4}:{port}",
                 timeout=600, meanwhile=peak.look if peak else lambda process: None)
    if told["counts"]["sessions_stood"] != connections or told["errors"]:
        raise AssertionError(f"{told['counts']['sessions_stood']} of {connections} stood: {told['errors']}")
    return told


def sessions(engine):
    return meter.metrics(engine.namespaces.engine)["sessions_open"]


def resident(engine):
    return memory([engine.process.pid], "Rss")


def served(engine, talk, words=()):
    """The engine's resident memory when some have come and gone."""
    hold(engine.client(), talk, WARM_UP, 1, words=words)
    wait_until(lambda: sessions(engine) == 0, 5, "all sessions to end")
    return resident(engine)


def few(talk, words, more, effort):
    """The same of an engine with room for few."""
    with engine_on(MEMIF, effort, more(changes(WARM_UP))) as engine:
        return served(engine, talk, words)


def ours(talk, words=(), more=lambda settings: settings, counts=(WARM_UP, 10_000, 100_000, 1_000_000)):
    """Beyond an engine with nearly no room and no connections: tables that lie ready and free memory count too. `words` are further
    ones of blast's, `more` adds to the engine's settings."""
    def measure(effort):
        count = effort.pick(*counts)
        least = few(talk, words, more, effort) if effort else 0
        with engine_on(MEMIF, effort, more(changes(count))) as engine:
            ready = served(engine, talk, words)
            # While all stand: what the records of so many that end at once take is no idle connection's.
            peak = Peak(lambda: resident(engine) if sessions(engine) == count else 0)
            told = hold(engine.client(), talk, count, effort.pick(1, 3, 5), peak, words)
            wait_until(lambda: sessions(engine) == 0, 30, "all sessions to end")
        return Sample((peak.most - least) / count, {"connections": count, "client addresses": CLIENT_ADDRESSES,
                                                    "set-up s": told["setup_seconds"], "MB without": least / 1e6,
                                                    "MB ready": ready / 1e6, "blast MB": told["memory"] / 1e6})
    return measure


def peer(server, port, talk, effort):
    """A started server's tree of processes, with some that have come and gone and with so many open."""
    count = effort.pick(32, QUICK_PEERS, PEERS)
    client = (server.namespaces.client, port)
    hold(client, talk, 32, 1)

    def used():
        return memory(machine.tree(server.pid), "Pss")
    before, peak = used(), Peak(used)
    told = hold(client, talk, count, effort.pick(1, 5, 5), peak)
    return Sample((peak.most - before) / count, {"connections": count, "set-up s": told["setup_seconds"],
                                                 "processes": len(machine.tree(server.pid))})


def postfix(effort):
    with Namespaces() as namespaces, Postfix(namespaces, PEERS) as server:
        port = namespaces.kernel_serves()
        return peer(server.start(), port, SMTP, effort)


def dovecot(effort):
    with Namespaces() as namespaces, Dovecot(namespaces, 2, ["alice"], crypt(PASSWORD)) as server:
        port = namespaces.kernel_serves()
        return peer(server.start(), port, POP3, effort)


ROW = Row("idle", "bytes for each idle connection", (
    Side(OURS, "run, connections over memif that have said EHLO; resident memory beyond an engine with room for few", UNIT, ours(SMTP)),
    Side(BESIDE, f"Postfix, {PEERS} connections over veth that have said EHLO; memory of all its processes, shared pages by their share",
         UNIT, postfix, needs=("postfix",), configuration=lambda: f"{main_text('DIR', PEERS)}# master.cf\n{master_text(PEERS)}"),
    Side("ours, POP3", "run, connections that have said CAPA", UNIT, ours(POP3), smoke=False),
    Side("beside, POP3", f"Dovecot, {PEERS} connections that have said CAPA", UNIT, dovecot, needs=(PROGRAM,),
         configuration=lambda: text("DIR", 2), smoke=False),
), ("the kernel's sockets, which Postfix's and Dovecot's connections have besides, are not counted",
    "100,000 connections; with --long 1,000,000, once"), less_is_better=True, long_pairs=1)
