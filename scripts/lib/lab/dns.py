# SPDX-License-Identifier: BSD-3-Clause
"""A DNS server that answers as a script says, over UDP and TCP: what real ones do, and what broken ones do."""

import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "DNSKEY": 48, "SPF": 99}
UDP_MAX = 512  # bytes of an answer to whom no larger size was told

# What a name does instead of answering; each stands in its list of records in the place of one.
SERVFAIL, REFUSED, NOTIMP = "SERVFAIL", "REFUSED", "NOTIMP"
TIMEOUT = "TIMEOUT"      # says nothing to questions for which no record stands in the list
TRUNCATE = "TRUNCATE"    # over UDP an empty answer with TC, whatever its size
NO_TCP = "NO_TCP"        # closes the connection instead of answering over TCP
GARBAGE = "GARBAGE"      # an answer whose records cannot be read
WRONG_ID = "WRONG_ID"    # an answer to another question
RCODES = {SERVFAIL: 2, NOTIMP: 4, REFUSED: 5}


def labels(name):
    """The labels of a name in text, in small letters; octets as they are, no escapes."""
    text = name if isinstance(name, bytes) else name.encode("latin-1")
    return tuple(label.lower() for label in text.rstrip(b".").split(b".")) if text.rstrip(b".") else ()


def wire(name):
    text = name if isinstance(name, bytes) else name.encode("latin-1")
    text = text.rstrip(b".")
    return b"".join(bytes([len(label)]) + label for label in text.split(b".") if text) + b"\0"


def txt(*strings):
    """RDATA of strings, which are cut where they are longer than one may be."""
    pieces = [piece if isinstance(piece, bytes) else piece.encode("latin-1") for piece in strings]
    cut = [piece[i:i + 255] for piece in pieces for i in range(0, max(len(piece), 1), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in cut) or b"\0"


def rdata(kind, value):
    """RDATA from what a test writes: ("MX", (10, "mail.example")), ("TXT", "text" or ["te", "xt"]), ("A", "192.0.2.1")."""
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        return struct.pack(">H", int(value[0])) + wire(value[1])
    if kind in ("TXT", "SPF"):
        return txt(*value) if isinstance(value, (list, tuple)) else txt(value)
    return wire(value)


class Server:
    """
    Answers from `zone`: {name: [(type, value) or one of the words above, ...]}. What is not in it does not exist. Counts what
    was asked in `asked`, a list of (name, type). As a context, it serves while the context lasts.
    """

    def __init__(self, zone=None, address="127.0.0.1", port=0, tcp=True):
        self.zone, self.asked, self.stopped = {}, [], False
        self.set(zone or {})
        self.udp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self.address, self.port = self.udp.getsockname()[:2]
        self.tcp = socket.create_server((address, self.port), family=self.udp.family) if tcp else None
        self.threads = [threading.Thread(target=self._serve_udp, daemon=True)]
        if tcp:
            self.threads.append(threading.Thread(target=self._serve_tcp, daemon=True))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.udp.close()
        if self.tcp:
            self.tcp.close()

    def __str__(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def set(self, zone):
        self.zone = {labels(name): rows for name, rows in zone.items()}

    def _serve_udp(self):
        while not self.stopped:
            try:
                question, peer = self.udp.recvfrom(65535)
                answer = self.answer(question, False)
                if answer is not None:
                    self.udp.sendto(answer, peer)
            except OSError:
                if self.stopped:
                    return

    def _serve_tcp(self):
        while not self.stopped:
            try:
                peer, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(peer,), daemon=True).start()

    def _serve_one(self, peer):
        with peer, peer.makefile("rwb") as stream:
            while len(head := stream.read(2)) == 2:
                answer = self.answer(stream.read(struct.unpack(">H", head)[0]), True)
                if answer is None:
                    return
                stream.write(struct.pack(">H", len(answer)) + answer)
                stream.flush()

    def rows(self, name):
        """What is said of a name; None when it does not exist, and nothing when only names below it do."""
        if name in self.zone:
            return self.zone[name]
        below = any(other[-len(name):] == name for other in self.zone) if name else True
        return [] if below else None

    def find(self, name, kind):
        """(rcode, records, the words that are in the way): follows CNAME records through the zone."""
        records, seen = [], set()
        while True:
            rows = self.rows(name)
            if rows is None:
                return 3, records, ()
            found = [(name, kind, rdata(row[0], row[1])) for row in rows if not isinstance(row, str) and TYPES[row[0]] == kind]
            alias = [row[1] for row in rows if not isinstance(row, str) and row[0] == "CNAME"]
            words = [row for row in rows if isinstance(row, str) and not (row == TIMEOUT and found)]
            if found or not alias or kind == TYPES["CNAME"] or words:
                return 0, records + found, words
            records.append((name, TYPES["CNAME"], wire(alias[0])))
            if name in seen:
                return 0, records, ()
            seen.add(name)
            name = labels(alias[0])

    def answer(self, question, over_tcp):
        """The answer's bytes; None: there is none."""
        ident, flags = struct.unpack(">HH", question[:4])
        name, at = [], 12
        while question[at]:
            name.append(question[at + 1:at + 1 + question[at]])
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        asked, size = question[12:at + 5], UDP_MAX
        if question[at + 5:at + 8] == b"\0\0\x29":  # OPT
            size = max(UDP_MAX, struct.unpack(">H", question[at + 8:at + 10])[0])
        rcode, records, words = self.find(tuple(label.lower() for label in name), kind)
        self.asked.append((b".".join(name).decode("latin-1"), kind))
        if TIMEOUT in words or (over_tcp and NO_TCP in words):
            return None
        for word in words:
            rcode = RCODES.get(word, rcode)
        if rcode not in (0, 3):
            records = []
        head = 0x8080 | (flags & 0x0100) | rcode
        body = b"".join(wire(b".".join(owner)) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
                        for owner, kind, data in records)
        if GARBAGE in words:
            body, records = b"\xc0\xff\0\x10\0\1", [None]
        # Who has no record of the type says until when that holds.
        soa = b"" if records or rcode not in (0, 3) else b"\0" + struct.pack(">HHIH", 6, 1, 60, 22) + b"\0\0" + struct.pack(
            ">IIIII", 1, 60, 60, 60, 60)
        if not over_tcp and (TRUNCATE in words or 12 + len(asked) + len(body) + len(soa) > size):
            head, body, records, soa = head | 0x0200, b"", [], b""
        if WRONG_ID in words:
            ident ^= 1
        return struct.pack(">HHHHHH", ident, head, 1, len(records), 1 if soa else 0, 0) + asked + body + soa


def _escape(text):
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return "".join(chr(c) if 33 <= c < 127 and chr(c) not in "\".;\\@$()" else f"\\{c:03}" for c in data)


def zone_file(zone):
    """The same in the form of zone files, for what it can say."""
    lines = ["$TTL 60", "$ORIGIN ."]
    for name, rows in zone.items():
        owner = ".".join(_escape(label) for label in name.encode("latin-1").rstrip(b".").split(b".")) + "."
        for kind, value in rows:
            if kind == "TXT":
                data = rdata(kind, value)
                strings = []
                while data:
                    strings.append('"' + _escape(data[1:1 + data[0]]).replace("\\032", " ").replace("\\046", ".") + '"')
                    data = data[1 + data[0]:]
                value = " ".join(strings)
            elif kind == "MX":
                value = f"{value[0]} {value[1].rstrip('.')}."
            elif kind in ("PTR", "CNAME", "NS"):
                value = value.rstrip(".") + "."
            lines.append(f"{owner} IN {kind} {value}")
    return "\n".join(lines) + "\n"
