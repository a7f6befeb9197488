# SPDX-License-Identifier: BSD-3-Clause
"""An engine that is measured, on a cable of shared memory or on the kernel's veth, and `wirepost blast` at the other end."""

import json
import time
from contextlib import contextmanager

from lab import machine
from lab.engine import DOMAIN, PASSWORD, USERS, Engine, binary, crypt, merged
from lab.memif import memif_end
from lab.meter import METRICS_PORT, Watch, finish
from lab.namespaces import ENGINE_IPV4, Namespaces

MEMIF, VETH = "memif", "veth"
TOLD = 0.2  # by then an engine's threads have told their counts
MAILBOXES = 200
RECIPIENTS = f"user{{1-{MAILBOXES}}}@{DOMAIN}"
CLIENT_ADDRESSES = 32  # of blast: more ports than one address has
CLIENTS = f"198.18.0.64-198.18.0.{64 + CLIENT_ADDRESSES - 1}/24"


def in_memory(effort, memory="2GiB"):
    """A store that workers answer; but for a smoke its memory and the workers' are there before the load comes."""
    return {"engine": {"prefault": effort.pick(False, True, True)}, "store": {"kind": "memory", "memory": memory, "prefault": effort.pick(False, True, True)}}


def accounts():
    """Those of every test's engine, and enough more that no mailbox gets very long."""
    names = (*USERS, *(f"user{number}" for number in range(1, MAILBOXES + 1)))
    password = crypt(PASSWORD)
    return [{"address": f"{name}@{DOMAIN}", "password": password} for name in names]


class MeasuredEngine(Engine):
    """Its worker has a CPU of its own, its numbers are asked over HTTP; nobody reads its many records."""

    def __init__(self, namespaces, path, changes=None, idle="busy"):
        super().__init__(namespaces, changes=merged({
            "engine": {"idle": idle, "control_cpus": str(machine.places().control), "records": 16384},
            "smtp": {"messages": 1000000},
            "metrics": {"listen": f"127.0.0.1:{METRICS_PORT}"},
            "accounts": accounts(),
        }, changes or {}))
        self.path = path
        self.password_file = self.directory / "password"
        self.password_file.write_text(PASSWORD + "\n")
        if path == MEMIF:
            self.settings["engine"].update(pmd="eal", interface="", device=f"net_memif0,role=server,{memif_end(self.directory)}")
            self.write()

    def record_files(self):
        return []

    def client(self):
        """The namespace and the port's words of what loads it."""
        if self.path == MEMIF:
            return self.namespaces.client, ("--device", f"net_memif0,role=client,{memif_end(self.directory)}")
        return self.namespaces.client, ("--dev", self.namespaces.client_port)


@contextmanager
def engine_on(path, effort, changes=None, kernel_client=False):
    """Started, and reached by nobody but what loads it: blast, or a client on the kernel's stack."""
    with Namespaces() as namespaces, MeasuredEngine(namespaces, path, changes, effort.pick("adaptive", "busy", "busy")) as engine:
        engine.start(reachable=path == VETH)
        if path == VETH and not kernel_client:
            namespaces.take_addresses(namespaces.client_port)
        yield engine


def blast(namespace, port, *words, target=f"{ENGINE_IPV4}:25", timeout=120, meanwhile=lambda process: None, status=0):
    """Runs `wirepost blast` on its CPU; the result as its JSON tells it, with what it used."""
    cpu = machine.places().client
    done = finish("ip", "netns", "exec", namespace, "taskset", "-c", cpu, binary(), "blast", *port, "--address", CLIENTS, "--eal",
                  f"--lcores=0@{cpu},1@{cpu}", "--to", target, "--json", "-", "--quiet", *words,
                  timeout=timeout, meanwhile=meanwhile, status=status)
    text = done.output[done.output.index("{"):]
    told = json.JSONDecoder().raw_decode(text)[0]
    told["cpu_seconds"], told["run_seconds"], told["memory"] = done.cpu, done.seconds, done.memory
    return told


def failures(told):
    """What did not go as it should, of a blast's result."""
    return {name: count for name, count in told["counts"].items()
            if count and name in ("sessions_refused", "sessions_reset", "sessions_lost", "sessions_closed", "sessions_silent",
                                  "sessions_broken", "sessions_insecure", "sessions_unfinished", "memory_short", "messages_refused")}


def watched(engine, *words, counter, total, **options):
    """Blasts the engine; the result, and the steady phase of what the counter counts to that total."""
    namespace, port = engine.client()
    watch = Watch(engine.namespaces.engine, {"engine": engine.process.pid},
                  lambda: {"control_seconds": machine.control_seconds(engine.process.pid)})

    def look(process):
        watch.processes["blast"] = process.pid
        watch.look()

    with machine.pinned(machine.places().client):
        watch.look()
        told = blast(namespace, port, *words, meanwhile=look, **options)
        time.sleep(TOLD)
        watch.look(soon=True)
    return told, watch.steady(counter, total(told))
