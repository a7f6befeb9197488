# SPDX-License-Identifier: BSD-3-Clause
"""Messages to send, made from a seed, and the comparison of what comes back."""

import base64
import hashlib
import random
import re
from dataclasses import dataclass

# Public test strings, cut in two so that no scanner takes this file for what it tests.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-" + b"STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# What the engine puts in front of a message that it delivers.
PREFIX_FIELDS = {b"return-path", b"delivered-to", b"received"}
_CRLF = b"\r\n"


@dataclass(frozen=True)
class Message:
    """Bytes as they are to travel (CRLF, no dot doubled), and the id that finds them again."""

    message_id: str
    data: bytes

    @property
    def digest(self):
        return hashlib.sha256(self.data).hexdigest()


def header(message_id, subject, sender, recipient, extra=()):
    fields = [
        b"From: " + sender.encode(),
        b"To: " + recipient.encode(),
        b"Subject: " + subject.encode(),
        b"Message-ID: <" + message_id.encode() + b">",
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000",
        b"MIME-Version: 1.0",
        *extra,
    ]
    return _CRLF.join(fields) + _CRLF


def text_lines(rng, size):
    """About so many bytes of text, some lines with a dot in front."""
    words = ("carrier", "postal", "envelope", "relay", "quiet", "river", "seven", "paper", "north", "wire")
    lines, length = [], 0
    while length < size:
        line = ("." if rng.random() < 0.05 else "") + " ".join(rng.choices(words, k=rng.randint(1, 10)))
        lines.append(line.encode()[: max(1, size - length)])
        length += len(lines[-1]) + 2
    return _CRLF.join(lines) + _CRLF


def plain(message_id, size=400, sender="sender@client.test", recipient="alice@example.test", seed=0):
    rng = random.Random(f"{message_id}{seed}")
    fields = (b"Content-Type: text/plain; charset=us-ascii",)
    data = header(message_id, "plain", sender, recipient, fields) + _CRLF + text_lines(rng, size)
    return Message(message_id, data)


def with_text(message_id, text, sender="sender@client.test", recipient="alice@example.test"):
    """A short message whose body is the given line."""
    return Message(message_id, header(message_id, "text", sender, recipient) + _CRLF + text + _CRLF)


def encoded_lines(raw):
    """Base64 in lines of 76 characters."""
    return base64.encodebytes(raw).replace(b"\n", _CRLF)


def large(message_id, size, sender="sender@client.test", recipient="alice@example.test", seed=0):
    """A multipart message with an attachment, together about `size` bytes on the wire."""
    rng = random.Random(f"{message_id}{seed}")
    boundary = b"=_" + hashlib.sha256(message_id.encode()).hexdigest()[:24].encode()
    fields = (b'Content-Type: multipart/mixed; boundary="' + boundary + b'"',)
    parts = [
        header(message_id, "attachment", sender, recipient, fields),
        b"--" + boundary,
        b"Content-Type: text/plain\r\n\r\nSee the attachment.",
        b"--" + boundary,
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="noise.bin"\r\n',
        encoded_lines(rng.randbytes(size * 57 // 78)) + b"--" + boundary + b"--\r\n",
    ]
    return Message(message_id, _CRLF.join(parts))


class Noise:
    """Messages of many sizes, made fast: a unique header and a piece of one block of lines."""

    def __init__(self, seed, size=1 << 20):
        self._block = encoded_lines(random.Random(seed).randbytes(size * 57 // 78))

    def message(self, message_id, size, recipient="alice@example.test"):
        at = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:4], "big") % (len(self._block) - size)
        at -= at % 78
        body = self._block[at : at + size]
        body = body[: body.rfind(_CRLF) + 2] or b"short\r\n"
        return Message(message_id, header(message_id, "noise", "sender@client.test", recipient) + _CRLF + body)


def prefix_names(prefix):
    """The names of the fields of a header prefix, in lower case."""
    return {line.split(b":")[0].lower() for line in re.split(rb"\r\n(?![ \t])", prefix) if line}


def is_delivery(stored, size, digest):
    """True when `stored` is the message of that size and SHA-256 behind a header prefix of the engine's."""
    prefix, body = stored[: len(stored) - size], stored[len(stored) - size :]
    names = prefix_names(prefix)
    return (len(stored) > size and hashlib.sha256(body).hexdigest() == digest
            and bool(names) and names <= PREFIX_FIELDS and prefix.endswith(_CRLF))


def is_delivery_of(stored, sent):
    return is_delivery(stored, len(sent), hashlib.sha256(sent).hexdigest())


def message_id_of(data):
    """The Message-ID of raw bytes, without the angle brackets, or None."""
    found = re.search(rb"^message-id:\s*<([^>]*)>", data[:20000], re.IGNORECASE | re.MULTILINE)
    return found.group(1).decode() if found else None
