# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames made by hand, sent on the client's interface as they are."""

import ipaddress
import socket
import struct

from lab.commands import run
from lab.namespaces import CLIENT_ADDRESSES, ENGINE_IPV4, ENGINE_IPV6, inside

IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
TCP, FRAGMENT_HEADER = 6, 44
CLIENT_IPV4, CLIENT_IPV6 = (address.split("/")[0] for address in CLIENT_ADDRESSES)


def internet_sum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def ipv4(payload, offset=0, more=False, claimed=None, protocol=TCP):
    """An IPv4 packet; `offset` in units of 8 octets, `claimed` octets of payload where it is to lie."""
    length = 20 + (len(payload) if claimed is None else claimed)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0x1234, more << 13 | offset, 64, protocol, 0,
                         packed(CLIENT_IPV4), packed(ENGINE_IPV4))
    return header[:10] + struct.pack("!H", internet_sum(header)) + header[12:] + payload


def ipv6(payload, following=TCP, claimed=None):
    length = len(payload) if claimed is None else claimed
    return struct.pack("!IHBB", 6 << 28, length, following, 64) + packed(CLIENT_IPV6) + packed(ENGINE_IPV6) + payload


def ipv6_fragment(payload, offset=0, more=False, protocol=TCP):
    """RFC 8200 section 4.5."""
    return ipv6(struct.pack("!BBHI", protocol, 0, offset << 3 | more, 0x1234) + payload, FRAGMENT_HEADER)


def tcp_syn(source, destination, port=25, source_port=4000):
    """A segment that would open a connection if it were taken in whole: ports and checksum are right."""
    header = struct.pack("!HHIIHHHH", source_port, port, 1, 0, 5 << 12 | 2, 65535, 0, 0)
    pseudo = packed(source) + packed(destination) + struct.pack("!II", len(header), TCP)
    return header[:16] + struct.pack("!H", internet_sum(pseudo + header)) + header[18:]


class Wire:
    """A raw socket on an interface of the client's, for frames to the engine."""

    def __init__(self, namespaces, interface=None):
        with inside(namespaces.client):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind((interface or namespaces.client_port, 0))
        entry = run("ip", "-n", namespaces.client, "neigh", "show", ENGINE_IPV4).stdout.decode().split()
        self._to = bytes.fromhex(entry[entry.index("lladdr") + 1].replace(":", ""))
        self._from = bytes.fromhex(namespaces.hardware_address(namespaces.client_port).replace(":", ""))

    def send(self, packet, *tags):
        """An IP packet in a frame of its type, with VLAN tags from the outermost on."""
        kind = IPV6 if packet[0] >> 4 == 6 else IPV4
        header = b"".join(struct.pack("!HH", VLAN, tag) for tag in tags) + struct.pack("!H", kind)
        self._socket.send(self._to + self._from + header + packet)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._socket.close()
