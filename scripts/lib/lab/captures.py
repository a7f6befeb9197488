# SPDX-License-Identifier: BSD-3-Clause
"""Captures of TCP connections: made from a conversation, read, changed in ways that lose nothing, and written again."""

import gzip
import ipaddress
import struct
import subprocess
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lab.frames import internet_sum

IPV4, IPV6, VLAN, QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
TCP, FRAGMENT = 6, 44
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ETHERNET = bytes(6) + bytes(5) + b"\1"
SECOND = 10**9


@dataclass
class Segment:
    """A TCP segment in an IP packet without options, behind an Ethernet header and its tags."""

    link: bytes  # up to and with the EtherType
    source: bytes
    destination: bytes
    ttl: int
    ports: tuple
    seq: int
    ack: int
    flags: int
    window: int
    options: bytes
    payload: bytes
    time: int = 0

    @property
    def v6(self):
        return len(self.source) == 16

    @property
    def way(self):
        return self.source, self.destination, self.ports

    @property
    def flow(self):
        return frozenset(((self.source, self.ports[0]), (self.destination, self.ports[1])))

    @property
    def end(self):
        return (self.seq + len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)) & 0xFFFFFFFF

    def tcp(self):
        header = struct.pack("!HHIIBBHHH", *self.ports, self.seq, self.ack, (20 + len(self.options)) // 4 << 4, self.flags,
                             self.window, 0, 0) + self.options
        length = len(header) + len(self.payload)
        pseudo = self.source + self.destination + struct.pack("!II", length, TCP)
        return header[:16] + struct.pack("!H", internet_sum(pseudo + header + self.payload)) + header[18:] + self.payload

    def packets(self, cuts=(), number=0):
        """The IP packets: one, or fragments [begin, end) of the segment in the order given."""
        tcp = self.tcp()
        for begin, end in cuts or ((0, len(tcp)),):
            more = end < len(tcp)
            if self.v6:
                piece = tcp[begin:end]
                if cuts:
                    piece = struct.pack("!BBHI", TCP, 0, begin | more, number) + piece
                yield struct.pack("!IHBB", 6 << 28, len(piece), FRAGMENT if cuts else TCP, self.ttl) \
                    + self.source + self.destination + piece
            else:
                length = 20 + end - begin
                # A segment that is longer than a packet can be is one on its way to a card that cuts it.
                header = struct.pack("!BBHHHBBH", 0x45, 0, length if length < 65536 else 0, number & 0xFFFF,
                                     more << 13 | begin // 8, self.ttl, TCP, 0) + self.source + self.destination
                yield header[:10] + struct.pack("!H", internet_sum(header)) + header[12:] + tcp[begin:end]

    def frames(self):
        return [(self.time, self.link + packet) for packet in self.packets()]


@dataclass
class Frame:
    """Anything else: it is left as it is."""

    bytes: bytes
    time: int = 0

    def frames(self):
        return [(self.time, self.bytes)]


@dataclass
class Fragments:
    """A segment in fragments, in any order and some of them twice."""

    segment: Segment
    cuts: list
    number: int
    time: int = 0

    def frames(self):
        kind = self.segment.link[:-2] + struct.pack("!H", IPV6 if self.segment.v6 else IPV4)
        return [(self.time, kind + packet) for packet in self.segment.packets(self.cuts, self.number)]


# ---- reading ----

def records(data):
    """(link type, nanoseconds, bytes, length on the wire) of the frames of a pcap."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, captured, length = struct.unpack_from(order + "IIII", data, at)
        yield link, seconds * SECOND + part * unit, data[at + 16:at + 16 + captured], length
        at += 16 + captured


def to_ethernet(link, data):
    """The frame with an Ethernet header, or None."""
    skip = {0: 4, 101: 0, 108: 4, 113: 16, 228: 0, 229: 0}
    if link == 1:
        return data
    if link not in skip or len(data) <= skip[link]:
        return None
    kind = IPV6 if data[skip[link]] >> 4 == 6 else IPV4
    return ETHERNET + struct.pack("!H", kind) + data[skip[link]:]


def parse(frame, length):
    """The segment in a frame that is whole and right, or whose sums are left to a card; otherwise None."""
    at = 12
    while struct.unpack_from("!H", frame, at)[0] in (VLAN, QINQ):
        at += 4
    kind, ip = struct.unpack_from("!H", frame, at)[0], frame[at + 2:]
    if length > len(frame):
        return None
    if kind == IPV4 and ip[0] == 0x45 and ip[9] == TCP and not struct.unpack_from("!H", ip, 6)[0] & 0x3FFF:
        total, source, destination, ttl, begin = struct.unpack_from("!H", ip, 2)[0], ip[12:16], ip[16:20], ip[8], 20
        if internet_sum(ip[:20]):
            return None
    elif kind == IPV6 and ip[6] == TCP:
        total, source, destination, ttl, begin = 40 + struct.unpack_from("!H", ip, 4)[0], ip[8:24], ip[24:40], ip[7], 40
    else:
        return None
    tcp = ip[begin:total]
    pseudo = source + destination + struct.pack("!II", len(tcp), TCP)
    if total > len(ip) or len(tcp) < 20 or \
            (internet_sum(pseudo + tcp) and struct.unpack_from("!H", tcp, 16)[0] != ~internet_sum(pseudo) & 0xFFFF):
        return None
    header = struct.unpack_from("!HHIIBBHHH", tcp)
    size = (header[4] >> 4) * 4
    if header[8] or header[5] & URG or size < 20:
        return None
    return Segment(frame[:at + 2], source, destination, ttl, header[:2], header[2], header[3], header[5], header[6],
                   tcp[20:size], tcp[size:])


def load(path):
    """The frames of a pcap in Ethernet, as Segment where they are one."""
    packets = []
    for link, time, data, length in records(path.read_bytes()):
        frame = to_ethernet(link, data)
        if frame and len(frame) > 34:
            packet = parse(frame, length - len(data) + len(frame)) or Frame(frame)
            packet.time = time
            packets.append(packet)
    return packets


# ---- writing ----

def pcap(packets, snap=262144, order="<", nanoseconds=False):
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, 1)]
    for packet in packets:
        for time, frame in packet.frames():
            part = time % SECOND // (1 if nanoseconds else 1000)
            out += [struct.pack(order + "IIII", time // SECOND, part, min(snap, len(frame)), len(frame)), frame[:snap]]
    return b"".join(out)


def _block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(packets):
    """draft-ietf-opsawg-pcapng: section, interface with a resolution of nanoseconds, enhanced packets."""
    out = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
           _block(1, struct.pack("<HHIHHB3x", 1, 0, 0, 9, 1, 9) + struct.pack("<HH", 0, 0))]
    for packet in packets:
        for time, frame in packet.frames():
            out.append(_block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame))
    return b"".join(out)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-1", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


FORMS = {
    "pcap": pcap,
    "pcap of another byte order": lambda packets: pcap(packets, order=">"),
    "pcap of nanoseconds": lambda packets: pcap(packets, nanoseconds=True),
    "pcapng": pcapng,
    "gzip": lambda packets: gzip.compress(pcap(packets), 1),
    "zstd": lambda packets: zstd(pcapng(packets)),
}


# ---- conversations ----

@dataclass
class Side:
    address: bytes
    port: int
    seq: int
    sent: list = field(default_factory=list)


def conversation(script, client="198.18.0.1", server="198.18.0.2", ports=(40000, 25), size=1460, begin=1_700_000_000 * SECOND,
                 numbers=(1_000, 0xFFFFFF00)):
    """
    The segments of a connection: `script` is who says what, ("C", bytes) or ("S", bytes), one after the other; `numbers` are the
    first sequence numbers of both.
    """
    sides = {"C": Side(ipaddress.ip_address(client).packed, ports[0], numbers[0]),
             "S": Side(ipaddress.ip_address(server).packed, ports[1], numbers[1])}
    packets = []

    def send(who, flags, payload=b""):
        one, other = sides[who], sides["S" if who == "C" else "C"]
        kind = IPV6 if len(one.address) == 16 else IPV4
        segment = Segment(ETHERNET + struct.pack("!H", kind), one.address, other.address, 64, (one.port, other.port), one.seq,
                          other.seq if flags & ACK else 0, flags, 65535, b"", payload, begin + len(packets) * 10**6)
        one.seq = segment.end
        packets.append(segment)

    send("C", SYN)
    send("S", SYN | ACK)
    send("C", ACK)
    for who, what in script:
        for at in range(0, len(what), size):
            send(who, ACK | PSH, what[at:at + size])
        send("S" if who == "C" else "C", ACK)
    for who in "CS":
        send(who, FIN | ACK)
    send("C", ACK)
    return packets


# ---- changes that lose nothing ----

def consistent(packets):
    """Whether nothing of a connection is said in two ways, and all of it can be changed."""
    said = {}
    for packet in packets:
        if not isinstance(packet, Segment):
            return False
        known = said.setdefault(packet.way, {})
        for at, byte in enumerate(packet.payload, packet.seq):
            if known.setdefault(at & 0xFFFFFFFF, byte) != byte:
                return False
    return True


def ordered(packets):
    """The same with times that go up, each where the one at its place had been."""
    times = sorted(packet.time for packet in packets)
    return [replace(packet, time=time) for packet, time in zip(packets, times)]


def cut(packets, rng, most=3):
    """Payloads cut into pieces of at most so many bytes."""
    out = []
    for packet in packets:
        if not isinstance(packet, Segment) or len(packet.payload) < 2 or packet.flags & (SYN | RST):
            out.append(packet)
            continue
        at = 0
        while at < len(packet.payload):
            piece = packet.payload[at:at + rng.randint(1, most)]
            last = at + len(piece) == len(packet.payload)
            flags = packet.flags if last else packet.flags & ~(FIN | PSH)
            out.append(replace(packet, seq=(packet.seq + at) & 0xFFFFFFFF, payload=piece, flags=flags))
            at += len(piece)
    return out


def join(packets, rng, most=65000):
    """Segments that follow each other directly become one, up to so many bytes."""
    out = []
    for packet in packets:
        last = out[-1] if out else None
        if isinstance(packet, Segment) and isinstance(last, Segment) and packet.payload and last.payload and \
                packet.way == last.way and packet.seq == last.end and not (packet.flags | last.flags) & (SYN | RST) and \
                not last.flags & FIN and len(packet.payload) + len(last.payload) <= most:
            out[-1] = replace(packet, seq=last.seq, payload=last.payload + packet.payload, time=last.time)
        else:
            out.append(packet)
    return out


def shuffle(packets, rng, window=6):
    """Packets up to so many places from where they were; a reset stays behind what was before it."""
    out, run = [], []
    for packet in [*packets, None]:
        if packet is None or (isinstance(packet, Segment) and packet.flags & RST):
            places = sorted(range(len(run)), key=lambda at: at + rng.uniform(0, window))
            out += [run[at] for at in places] + ([packet] if packet else [])
            run = []
        else:
            run.append(packet)
    return ordered(out)


def repeat(packets, rng, share=0.3, later=5):
    """Some packets come again, up to so many places later."""
    out, waiting = [], deque()
    for at, packet in enumerate(packets):
        out.append(packet)
        while waiting and waiting[0][0] <= at:
            out.append(replace(waiting.popleft()[1], time=packet.time))
        if rng.random() < share and not (isinstance(packet, Segment) and packet.flags & (RST | FIN)):
            waiting.append((at + rng.randint(1, later), packet))
    return out


def retransmit(packets, rng, share=0.3):
    """Bytes that were sent come again, cut otherwise, with what their sender had received meanwhile."""
    out, sent = [], {}
    for packet in packets:
        out.append(packet)
        if not isinstance(packet, Segment) or packet.flags & (SYN | RST | FIN):
            continue
        known = sent.setdefault(packet.way, deque(maxlen=4))
        if packet.payload:
            known.append(packet)
        runs = [pair for pair in pairwise(known) if pair[0].end == pair[1].seq]
        if not runs or rng.random() > share:
            continue
        one, two = rng.choice(runs)
        both = one.payload + two.payload
        begin = rng.randrange(len(both))
        end = rng.randint(begin + 1, len(both))
        out.append(replace(packet, seq=(one.seq + begin) & 0xFFFFFFFF, payload=both[begin:end], flags=ACK))
    return out


def fragment(packets, rng, share=0.7, twice=0.2, over=0.2):
    """Segments in fragments, in any order; some come twice, or lie over others with the same bytes."""
    out = []
    for number, packet in enumerate(packets, rng.randrange(1 << 15)):
        size = len(packet.tcp()) if isinstance(packet, Segment) else 0
        if size < 16 or size > 65000 or rng.random() > share:
            out.append(packet)
            continue
        marks = sorted({0, size, *(8 * rng.randint(1, (size - 1) // 8) for _ in range(rng.randint(1, 6)))})
        cuts = list(pairwise(marks))
        again = [piece for piece in cuts[:-1] if rng.random() < twice]
        cuts = [(max(0, begin - 8) if rng.random() < over else begin, end) for begin, end in cuts]
        rng.shuffle(cuts)
        # A piece comes again while the datagram is not whole: behind that it would begin one of its own.
        for piece in again:
            at = cuts.index(piece) if piece in cuts else len(cuts)
            if at < len(cuts) - 1:
                cuts.insert(at + 1, piece)
        out.append(Fragments(packet, cuts, number, packet.time))
    return out


def clientwards(packet):
    """Which half of a connection a packet is of: the same for all of a direction."""
    segment = packet.segment if isinstance(packet, Fragments) else packet
    return (segment.source, segment.ports[0]) < (segment.destination, segment.ports[1])


def tag(packets, rng):
    """One VLAN tag, or two."""
    tags = struct.pack("!HH", QINQ, 7) * rng.randint(0, 1) + struct.pack("!HH", VLAN, 3)

    def tagged(link):
        return link[:12] + tags + link[12:]

    out = []
    for packet in packets:
        if isinstance(packet, Segment):
            out.append(replace(packet, link=tagged(packet.link)))
        elif isinstance(packet, Fragments):
            out.append(replace(packet, segment=replace(packet.segment, link=tagged(packet.segment.link))))
        else:
            out.append(replace(packet, bytes=tagged(packet.bytes)))
    return out


CHANGES = {
    "bytes": lambda packets, rng: cut(packets, rng, 1),
    "pieces": lambda packets, rng: cut(packets, rng, rng.choice((3, 40, 600))),
    "joined": join,
    "shuffled": shuffle,
    "repeated": repeat,
    "retransmitted": retransmit,
    "fragmented": fragment,
    "tagged": tag,
}
