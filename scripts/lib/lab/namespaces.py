# SPDX-License-Identifier: BSD-3-Clause
"""Two network namespaces joined by a cable: a client's with addresses, an engine's where the kernel has none."""

import ctypes
import json
import os
import secrets
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from lab import ROOT
from lab.commands import end, run, start, wait_until

CLIENT_ADDRESSES = ("198.18.0.1/24", "2001:2::1/64")
ENGINE_ADDRESSES = ("198.18.0.2/24", "2001:2::2/64")
ENGINE_IPV4, ENGINE_IPV6 = (address.split("/")[0] for address in ENGINE_ADDRESSES)

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
# What a veth would leave to hardware that is not there: checksums that nobody fills in, frames larger than the MTU.
_OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro", "lro", "rxvlan", "txvlan")


@contextmanager
def inside(namespace):
    """This thread is in the namespace; a socket made there stays there."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as away:
        _enter(away)
        try:
            yield
        finally:
            _enter(home)


def _enter(handle):
    if _LIBC.setns(handle.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def offloads_off(namespace, interface):
    """All in one go: a driver that lacks one says so and turns the others off."""
    run("ip", "netns", "exec", namespace, "ethtool", "-K", interface, *(word for name in _OFFLOADS for word in (name, "off")), check=False)


def end_capture(tool, path):
    """Ends tcpdump once it has written for a while what came, as it leaves what it has not read."""
    size = 0
    for _ in range(20):
        before, size = size, path.stat().st_size
        if before == size > 24:
            break
        time.sleep(0.3)
    end(tool)


class Namespaces:
    """Made by `with`, gone after it. `client_port` is the interface that carries the client's addresses."""

    def __init__(self, tag="wp", offloads=False):
        unique = f"{tag}-{os.getpid()}-{secrets.token_hex(2)}"
        self.client = f"{unique}-client"
        self.engine = f"{unique}-engine"
        self.client_port = "client0"
        self.engine_port = "engine0"
        self._offloads = offloads
        self._tools = []
        self._etc = Path("/etc/netns") / self.client

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_error):
        self.remove()

    def _make(self):
        for name in (self.client, self.engine):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        with inside(self.engine):
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        self._lay_cable()
        run("ip", "-n", self.engine, "link", "set", self.engine_port, "promisc", "on")
        self.give_addresses(self.client_port)

    def _lay_cable(self):
        self._join((self.client, self.client_port), (self.engine, self.engine_port))

    def _join(self, *ends):
        """A cable between two interfaces, (namespace, name) each."""
        (one, port), (other, peer) = ends
        run("ip", "link", "add", port, "netns", one, "type", "veth", "peer", "name", peer, "netns", other)
        for namespace, name in ends:
            if not self._offloads:
                offloads_off(namespace, name)
            run("ip", "-n", namespace, "link", "set", name, "up")

    def give_addresses(self, interface):
        """The client's addresses, usable at once."""
        for address in CLIENT_ADDRESSES:
            nodad = ["nodad"] if ":" in address else []
            run("ip", "-n", self.client, "address", "add", address, "dev", interface, *nodad)

    def kernel_answers(self):
        """The kernel's stack has the engine's address."""
        run("ip", "-n", self.engine, "address", "add", ENGINE_ADDRESSES[0], "dev", self.engine_port)

    def kernel_serves(self):
        """The same, and the cable's other end is blast's: the words of its port."""
        self.kernel_answers()
        self.take_addresses(self.client_port)
        return ("--dev", self.client_port)

    def take_addresses(self, interface):
        run("ip", "-n", self.client, "address", "flush", "dev", interface)

    def adopt(self, interface):
        """Moves a device of the engine's namespace (its TAP) to the client, where it takes the cable's place."""
        run("ip", "-n", self.engine, "link", "set", interface, "netns", self.client)
        self.take_addresses(self.client_port)
        self.client_port = interface
        run("ip", "-n", self.client, "link", "set", interface, "up")
        self.give_addresses(interface)

    def tag(self, vlan):
        """The client's addresses move to an interface whose frames are tagged on the cable."""
        name = "vlan0"
        self._tools.append(start(*self.command("env", f"PYTHONPATH={ROOT}/scripts/lib", "/usr/bin/python3", "-m",
                                               "lab.vlan", name, self.client_port, str(vlan))))
        wait_until(lambda: run("ip", "-n", self.client, "link", "show", name, check=False).returncode == 0, 10, name)
        hardware = self.hardware_address(self.client_port)
        self.take_addresses(self.client_port)
        run("ip", "-n", self.client, "link", "set", name, "address", hardware, "up")
        self.client_port = name
        self.give_addresses(name)

    def hardware_address(self, interface):
        text = run("ip", "-n", self.client, "-j", "link", "show", interface).stdout
        return json.loads(text)[0]["address"]

    def command(self, *command):
        """The command's words, to run it in the client's namespace."""
        return ["ip", "netns", "exec", self.client, *command]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def name(self, name, *addresses):
        """What the client's programs find this name at: `ip netns exec` lays the file over /etc/hosts."""
        self._etc.mkdir(parents=True, exist_ok=True)
        with open(self._etc / "hosts", "a") as hosts:
            hosts.writelines(f"{address} {name}\n" for address in addresses)

    def forget_neighbours(self):
        run("ip", "-n", self.client, "neigh", "flush", "dev", self.client_port)

    def capture(self, path):
        """Starts tcpdump on the client's interface; it ends with the namespaces at the latest."""
        tool = start(*self.command("tcpdump", "--immediate-mode", "-i", self.client_port, "-U", "-w", str(path)))
        self._tools.append(tool)
        return tool

    @contextmanager
    def capturing(self, path):
        """All that passes on the client's interface meanwhile."""
        tool = self.capture(path)
        wait_until(lambda: path.exists() and path.stat().st_size >= 24, 10, "the capture's header")
        yield
        end_capture(tool, path)

    def remove(self):
        for tool in self._tools:
            end(tool)
        for name in (self.client, self.engine):
            run("ip", "netns", "del", name, check=False)
        shutil.rmtree(self._etc, ignore_errors=True)
