# SPDX-License-Identifier: BSD-3-Clause
"""The row idle: what an idle connection costs in memory, all layers of a server together."""

import time
from pathlib import Path

from lab import machine
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.commands import wait_until
from lab.crowd import POP3, SMTP, SOURCES, Crowds
from lab.dovecot import PROGRAM, Dovecot
from lab.dovecot import text as dovecot_text
from lab.engine import PASSWORD, crypt
from lab.measured import VETH, MeasuredEngine
from lab.namespaces import Namespaces
from lab.postfix import Postfix, main_text, master_text

PEERS = 1000       # what Postfix and Dovecot are measured with
WARM_UP = 400      # connections that come and go first, so that what is touched once is no part of the figure
UNIT = "bytes/connection"


def changes(connections):
    return {
        # Nothing may end a connection during the run, and no limit may meet the few addresses that it comes from.
        "engine": {"connections": max(connections, WARM_UP) + 100, "half_open": 4096},
        "smtp": {"command_timeout": "1h"},
        "pop3": {"idle_timeout": "1h"},
    }


def memory(pids, what="Pss"):
    """Bytes of these processes that are resident, shared ones by their share; by the kernel's own count."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(what + ":"))
    return total


def room_for(connections, talk):
    """What an engine has resident with room for so many and none there."""
    with Namespaces() as namespaces, MeasuredEngine(namespaces, VETH, changes(connections), "adaptive") as engine:
        engine.start()
        with Crowds(namespaces, talk) as crowds:
            come_and_go(crowds)
            return settled(engine, crowds)


def come_and_go(crowds, count=WARM_UP):
    crowds.all("grow", count)
    crowds.all("shrink", 0)


def settled(engine, crowds):
    wait_until(lambda: engine.ask("status")["sessions"] == crowds.size, 30, "all connections to be counted")
    time.sleep(1)
    return memory([engine.process.pid], "Rss")


def ours(talk):
    """Beyond an engine with nearly no room and no connections: tables that lie ready and free memory count too."""
    def measure(effort):
        count = effort.pick(160, 4800, 99200)
        least = room_for(WARM_UP, talk) if effort else 0
        with Namespaces() as namespaces, MeasuredEngine(namespaces, VETH, changes(count), "adaptive") as engine:
            engine.start()
            with Crowds(namespaces, talk) as crowds:
                come_and_go(crowds)
                began = time.monotonic()
                crowds.all("grow", count)
                took = time.monotonic() - began
                now = settled(engine, crowds)
                crowds.all("ask", min(count, 800))
                return Sample((now - least) / crowds.size, {"connections": crowds.size, "set-up s": took,
                                                            "client addresses": SOURCES, "MB without": least / 1e6})
    return measure


def peer(server, talk, effort):
    """A started server's tree of processes, with some that have come and gone and with so many open."""
    count = effort.pick(32, PEERS, PEERS)
    with Crowds(server.namespaces, talk) as crowds:
        come_and_go(crowds, 32)
        before = memory(machine.tree(server.pid))
        began = time.monotonic()
        crowds.all("grow", count)
        took = time.monotonic() - began
        time.sleep(1)
        now = memory(machine.tree(server.pid))
        crowds.all("ask", min(count, 800))
        return Sample((now - before) / crowds.size, {"connections": crowds.size, "set-up s": took,
                                                     "processes": len(machine.tree(server.pid))})


def postfix(effort):
    with Namespaces() as namespaces, Postfix(namespaces, PEERS) as server:
        namespaces.kernel_answers()
        return peer(server.start(), SMTP, effort)


def dovecot(effort):
    with Namespaces() as namespaces, Dovecot(namespaces, 2, ["alice"], crypt(PASSWORD)) as server:
        namespaces.kernel_answers()
        return peer(server.start(), POP3, effort)


def tuned():
    return f"{main_text('DIR', PEERS)}# master.cf\n{master_text(PEERS)}"


ROW = Row("idle", "bytes for each idle connection", (
    Side(OURS, "run, connections that have said EHLO; resident memory beyond an engine with room for few", UNIT, ours(SMTP)),
    Side(BESIDE, f"Postfix, {PEERS} connections that have said EHLO; memory of all its processes, shared pages by their share", UNIT,
         postfix, needs=("postfix",), configuration=tuned),
    Side("ours, POP3", "run, connections that have said CAPA", UNIT, ours(POP3), smoke=False),
    Side("beside, POP3", f"Dovecot, {PEERS} connections that have said CAPA", UNIT, dovecot, needs=(PROGRAM,),
         configuration=lambda: dovecot_text("DIR", 2), smoke=False),
), ("the kernel's sockets, which Postfix's and Dovecot's connections have besides, are not counted",), less_is_better=True)
