# SPDX-License-Identifier: BSD-3-Clause
"""What runs use: programs run to their end with their CPU time, and a steady phase cut out of an engine's run."""

import http.client
import os
import signal
import socket
import tempfile
import time
from dataclasses import dataclass

from lab import machine
from lab.commands import CommandFailed, start, wait_until
from lab.namespaces import inside

METRICS_PORT = 9109


@dataclass(frozen=True)
class Finished:
    output: str
    seconds: float  # of the clock
    cpu: float  # seconds of all its processes
    memory: int  # bytes that it had at most

    @property
    def cores(self):
        return self.cpu / self.seconds


def finish(*command, timeout=120, status=0, meanwhile=lambda process: None):
    """Runs a program to its end. `meanwhile` is called with it now and then."""
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = start(*command, log=log)
        pid, code, usage = 0, 0, None
        while pid == 0:
            pid, code, usage = os.wait4(process.pid, os.WNOHANG)
            if pid == 0:
                meanwhile(process)
                if time.monotonic() - began > timeout:
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.005)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(code)
        log.seek(0)
        output = log.read().decode(errors="replace")
    if process.returncode != status:
        raise CommandFailed(f"{' '.join(map(str, command))}: exit {process.returncode} after {took:.0f} s\n{output[-4000:]}")
    return Finished(output, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def metrics(namespace, port=METRICS_PORT):
    """An engine's numbers, each summed over its labels but the stages', which are "stage_cycles_total receive" and so on."""
    with inside(namespace):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, _, value = line.rpartition(" ")
        name, _, labels = name.removeprefix("wirepost_").partition("{")
        if 'stage="' in labels:
            name += " " + labels.partition('stage="')[2].partition('"')[0]
        found[name] = found.get(name, 0) + float(value)
    return found


class Progress:
    """From the first look at which a count has grown until it has grown to a total: how long that took, and what was used."""

    EVERY = 0.03

    def __init__(self, count, processes):
        self.count = count
        self.processes = processes  # name: pid
        self.before = count()
        self.began = self.looked = None

    def look(self, _process=None):
        now = time.monotonic()
        if self.began or (self.looked and now - self.looked < self.EVERY):
            return
        self.looked = now
        if self.count() > self.before:
            self.began = (now, self._cpu())

    def _cpu(self):
        return {name: machine.cpu_seconds(pid) for name, pid in self.processes.items()}

    def until(self, total, patience=120):
        """Waits until so many have come; seconds, and cores by process."""
        wait_until(lambda: self.count() - self.before >= total, patience, f"{total} to be there")
        if self.count() - self.before != total:
            raise AssertionError(f"{self.count() - self.before} are there, {total} were accepted")
        began, before = self.began
        took = time.monotonic() - began
        return took, {name: (used - before[name]) / took for name, used in self._cpu().items()}


class Watch:
    """Looks at an engine and at processes every so often, so that a steady phase can be cut out afterwards."""

    EVERY = 0.1

    def __init__(self, namespace, processes, more=dict):
        self.namespace = namespace
        self.processes = processes  # name: pid
        self.more = more  # further numbers, by name
        self.seen = []

    def look(self, soon=False):
        if self.seen and not soon and time.monotonic() - self.seen[-1][0] < self.EVERY:
            return
        numbers = metrics(self.namespace) | self.more()
        self.seen.append((time.monotonic(), numbers, {name: machine.cpu_seconds(pid) for name, pid in self.processes.items()}))

    def steady(self, counter, total):
        """From when a fifth of the total was counted until it is nearly whole; all that was seen where it went by too fast for that."""
        first = self.seen[0][1].get(counter, 0)
        after = [row for row in self.seen if row[1].get(counter, 0) - first >= total / 5]
        phase = [row for row in after if row[1].get(counter, 0) - first <= total * 0.99]
        return Phase(*((phase[0], phase[-1]) if len(phase) > 1 else (self.seen[0], self.seen[-1])))


class Phase:
    """What went on between two looks."""

    def __init__(self, first, last):
        self.seconds = last[0] - first[0]
        self._numbers = first[1], last[1]
        self._cpu = first[2], last[2]

    def grown(self, name):
        before, after = self._numbers
        return after.get(name, 0) - before.get(name, 0)

    def names(self, prefix):
        return [name.removeprefix(prefix) for name in self._numbers[1] if name.startswith(prefix)]

    @property
    def hertz(self):
        """Of the counter that cycles are read from; where nobody tells it, a worker's time is busy or idle."""
        return machine.counter_hertz() or (self.grown("cycles_busy_total") + self.grown("cycles_idle_total")) / self.seconds

    def cores(self):
        before, after = self._cpu
        return {name: (after[name] - before[name]) / self.seconds for name in after if name in before}
