# SPDX-License-Identifier: BSD-3-Clause
"""SipHash-2-4 with a key of zeros: the sum that blast puts into the head of each message."""

import struct

_MASK = (1 << 64) - 1
_BEGIN = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def _rotate(value, by):
    return (value << by | value >> (64 - by)) & _MASK


def _round(a, b, c, d):
    a, c = (a + b) & _MASK, (c + d) & _MASK
    b, d = _rotate(b, 13) ^ a, _rotate(d, 16) ^ c
    a = _rotate(a, 32)
    c, a = (c + b) & _MASK, (a + d) & _MASK
    b, d = _rotate(b, 17) ^ c, _rotate(d, 21) ^ a
    return a, b, _rotate(c, 32), d


def siphash(data):
    words, rest = divmod(len(data), 8)
    tail = int.from_bytes(data[len(data) - rest:], "little") | (len(data) & 0xFF) << 56
    a, b, c, d = _BEGIN
    for word in (*struct.unpack_from(f"<{words}Q", data), tail):
        a, b, c, d = _round(*_round(a, b, c, d ^ word))
        a ^= word
    c ^= 0xFF
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    return a ^ b ^ c ^ d
