# SPDX-License-Identifier: BSD-3-Clause
"""An engine on a cable of shared memory; dpdk-testpmd moves frames between its other end and a TAP of the client's."""

import os

from lab.commands import end, run, start, wait_until
from lab.engine import Engine

_TAP = "wpmemif0"


def memif_end(directory):
    """The driver's arguments that both ends have. Abstract sockets, its default, end at a network namespace."""
    return f"id=0,socket={directory}/memif,socket-abstract=no"


class MemifEngine(Engine):
    """The device is given word for word (`pmd: eal`). The other end is made once; the engine may start again."""

    def __init__(self, namespaces, workers=1, changes=None):
        super().__init__(namespaces, "af_packet", workers, changes)
        self._end = memif_end(self.directory)
        self._other = None
        self.settings["engine"].update(pmd="eal", interface="", device=f"net_memif0,role=server,{self._end}")
        self.write()

    def start(self, patience=20, reachable=True):
        super().start(patience, reachable=False)
        if not self._other:
            self._join(patience)
        if reachable:
            self.wait_reachable(patience)
        return self

    def _join(self, patience):
        # The first CPU: a worker that is alone has another, where there is one.
        cpu = min(os.sched_getaffinity(0))
        namespaces, log = self.namespaces, self.directory / "testpmd.log"
        with open(log, "ab") as output:
            self._other = start(*namespaces.command(
                "dpdk-testpmd", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
                "--lcores", f"0@{cpu},1@{cpu}", "--file-prefix", f"{namespaces.client}-memif",
                "--vdev", f"net_memif0,role=client,{self._end}", "--vdev", f"net_tap0,iface={_TAP}",
                "--", "--forward-mode=io", "--total-num-mbufs=4096", "--stats-period=3600"), log=output)
        wait_until(lambda: "packets/burst" in log.read_text(errors="replace"), patience, "testpmd")
        namespaces.take_addresses(namespaces.client_port)
        namespaces.client_port = _TAP
        run("ip", "-n", namespaces.client, "link", "set", _TAP, "up")
        namespaces.give_addresses(_TAP)

    def close(self):
        if self._other:
            end(self._other)
        super().close()
