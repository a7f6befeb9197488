# SPDX-License-Identifier: BSD-3-Clause
"""The running kernel takes overlapping segments and fragments as the table's column for Linux says."""

import fcntl
import os
import re
import secrets
import select
import socket
import struct
import time
from pathlib import Path

import pytest
from lab.commands import run
from lab.frames import internet_sum, packed
from lab.namespaces import inside

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "tests/capture/overlap_case.def").read_text()
ROW = re.compile(r'^OVERLAP_(TCP|IP)\((\w+), (\d), (\d), (\d), (\d), "(.*?)", "(.*?)", "(.*?)", "(.*?)", "(.*?)"\)$', re.MULTILINE)
CASES = [(layer, name, range(int(of), int(ot)), range(int(nf), int(nt)), linux)
         for layer, name, of, ot, nf, nt, _first, _last, linux, _bsd, _windows in ROW.findall(TABLE)]
PLACES, UNIT = 8, 8
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
PEER = {4: "198.18.0.1", 6: "2001:2::1"}
HOST = {4: "198.18.0.2", 6: "2001:2::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
EXPERIMENT = 253  # RFC 3692
SYN, ACK = 2, 16


def pieces(old, new):
    """(what, from, to): old, new, then what neither of them has."""
    yield "o", old.start, old.stop
    yield "n", new.start, new.stop
    missing = "".join(" " if n in old or n in new else "." for n in range(PLACES))
    yield from ((".", run.start(), run.end()) for run in re.finditer(r"\.+", missing))


class Host:
    """The kernel behind a TUN device: packets are written to it and read from it."""

    def __enter__(self):
        self.name = f"wp-{os.getpid()}-{secrets.token_hex(2)}-overlap"
        run("ip", "netns", "add", self.name)
        with inside(self.name):
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        run("ip", "-n", self.name, "addr", "add", f"{HOST[4]}/24", "dev", "tun0")
        run("ip", "-n", self.name, "addr", "add", f"{HOST[6]}/64", "dev", "tun0", "nodad")
        run("ip", "-n", self.name, "link", "set", "tun0", "up")
        return self

    def __exit__(self, *_error):
        os.close(self.tun)
        run("ip", "netns", "del", self.name)

    def socket(self, version, kind, protocol=0):
        with inside(self.name):
            made = socket.socket(FAMILY[version], kind, protocol)
        made.settimeout(0.3)
        return made

    def send(self, version, protocol, payload, fragment=None):
        """`fragment`: (identification, offset in octets, more)."""
        identification, offset, more = fragment or (1, 0, False)
        if version == 4:
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, more << 13 | offset // 8, 64,
                                 protocol, 0, packed(PEER[4]), packed(HOST[4]))
            header = header[:10] + struct.pack("!H", internet_sum(header)) + header[12:]
        else:
            if fragment:
                payload = struct.pack("!BBHI", protocol, 0, offset | more, identification) + payload
                protocol = 44
            header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + packed(PEER[6]) + packed(HOST[6])
        os.write(self.tun, header + payload)

    def receive(self, version, protocol):
        """The payload of the next packet of this kind."""
        end = time.monotonic() + 2
        while select.select([self.tun], [], [], max(0, end - time.monotonic()))[0]:
            packet = os.read(self.tun, 65536)
            if packet[0] >> 4 == version and packet[9 if version == 4 else 6] == protocol:
                return packet[20 if version == 4 else 40:]
        raise AssertionError("no answer")


@pytest.fixture(scope="module")
def host():
    with Host() as made:
        yield made


def segment(version, port, seq, ack, flags, payload=b""):
    head = struct.pack("!HHIIBBHHH", 40000 + version, port, seq, ack, 0x50, flags, 60000, 0, 0)
    pseudo = packed(PEER[version]) + packed(HOST[version]) + struct.pack("!II", len(head + payload), 6)
    total = internet_sum(pseudo + head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def over_tcp(host, version, old, new):
    with host.socket(version, socket.SOCK_STREAM) as listener:
        listener.bind((HOST[version], 0))
        listener.listen()
        port = listener.getsockname()[1]
        host.send(version, 6, segment(version, port, 999, 0, SYN))
        while True:
            answer = host.receive(version, 6)
            if struct.unpack("!H", answer[:2])[0] == port:
                break
        ack = struct.unpack("!I", answer[4:8])[0] + 1
        host.send(version, 6, segment(version, port, 1000, ack, ACK))
        connection = listener.accept()[0]
        for what, start, stop in pieces(old, new):
            host.send(version, 6, segment(version, port, 1000 + start * UNIT, ack, ACK, what.encode() * (stop - start) * UNIT))
        connection.settimeout(2)
        data = b""
        with connection:
            while len(data) < PLACES * UNIT:
                data += connection.recv(PLACES * UNIT)
        return data


def over_ip(host, version, old, new):
    identification = secrets.randbelow(60000)
    with host.socket(version, socket.SOCK_RAW, EXPERIMENT) as receiver:
        for what, start, stop in pieces(old, new):
            host.send(version, EXPERIMENT, what.encode() * (stop - start) * UNIT,
                      (identification, start * UNIT, stop != PLACES))
        try:
            data = receiver.recv(65536)
        except TimeoutError:
            return None
        return data[20:] if version == 4 else data


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("layer, name, old, new, linux", CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_as_the_kernel(host, version, layer, name, old, new, linux):
    data = (over_tcp if layer == "TCP" else over_ip)(host, version, old, new)
    got = "-" if data is None else data[::UNIT].decode()
    assert data is None or len(data) == PLACES * UNIT
    assert got == linux


def test_documentation_has_the_table():
    page = (ROOT / "docs/tap.md").read_text()
    for layer, name, *rest in ROW.findall(TABLE):
        row = " | ".join(f"`{text}`" for text in rest[4:])
        assert f"| {layer} | {name.replace('_', ' ')} | {row} |" in page
