# SPDX-License-Identifier: BSD-3-Clause
"""A VLAN interface in user space, for kernels without one: frames of a TAP travel tagged on a port.

Run in the namespace of the port: python3 -m lab.vlan TAP PORT VLAN
"""

import fcntl
import os
import select
import socket
import struct
import sys
from contextlib import suppress

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
ETH_P_ALL, ETH_P_8021Q = 0x0003, 0x8100
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("=IIIHHHH")
ADDRESSES = 12  # the two at the front of a frame


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_port(name):
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    port.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    port.bind((name, ETH_P_ALL))
    return port


def tag_of(ancillary):
    """The VLAN that the kernel took off the frame, or None."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _length, _snap, _mac, _net, tci, _tpid = AUXDATA.unpack(data[: AUXDATA.size])
            return tci & 0x0FFF if status & TP_STATUS_VLAN_VALID else None
    return None


def tagged(frame, vlan):
    return frame[:ADDRESSES] + struct.pack("!HH", ETH_P_8021Q, vlan) + frame[ADDRESSES:]


def relay(tap, port, vlan):
    while True:
        for ready in select.select([tap, port], [], [])[0]:
            if ready == tap:
                port.send(tagged(os.read(tap, 65536), vlan))
                continue
            frame, ancillary, _flags, source = port.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
            if source[2] != PACKET_OUTGOING and tag_of(ancillary) == vlan:
                # A device that is not up yet takes nothing: the frame is lost, as on a wire.
                with suppress(OSError):
                    os.write(tap, frame)


def main():
    name, port, vlan = sys.argv[1:]
    relay(open_tap(name), open_port(port), int(vlan))


if __name__ == "__main__":
    main()
