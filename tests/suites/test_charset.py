# SPDX-License-Identifier: BSD-3-Clause
"""Characters of every charset, in encoded words, against Python's codecs."""

import base64

import pytest

import judge

PAIRS = [bytes((lead, trail)) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
FOUR = [bytes((a, b, c, d)) for a in (0x81, 0x82, 0x83, 0x84, 0x90, 0xE3) for b in range(0x30, 0x3A)
        for c in range(0x81, 0xFF, 7) for d in range(0x30, 0x3A, 3)]
SINGLES = [bytes((byte,)) for byte in range(0x80, 0x100)]
PLANE = [chr(c) for c in [*range(0xA0, 0xD800, 37), *range(0xE000, 0xFFFE, 41), *range(0x10000, 0x110000, 9973)]]
KANA = [chr(c) for c in [*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), *range(0x4E00, 0x9FA6, 13)]]
HANGUL = [chr(c) for c in range(0xAC00, 0xD7A4, 17)]

FIELDS = 4000  # of a message: the reader leaves out what lies behind 256 KiB of header

# Charset, Python's codec, what is tried: bytes, or text that the codec can write.
ROWS = [(name, name, SINGLES) for name in (
    "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-9",
    "iso-8859-10", "iso-8859-11", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-1250", "windows-1251",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "koi8-r", "koi8-u",
    "ibm437", "ibm850", "ibm852", "ibm866")]
ROWS += [("windows-874", "cp874", SINGLES), ("macintosh", "mac_roman", SINGLES), ("gb18030", "gb18030", PAIRS + FOUR),
         ("gb2312", "gb18030", PAIRS), ("euc-kr", "cp949", PAIRS), ("big5", "cp950", PAIRS), ("shift_jis", "cp932", PAIRS),
         ("euc-jp", "euc_jp", KANA), ("iso-2022-jp", "iso2022_jp", KANA), ("iso-2022-kr", "iso2022_kr", HANGUL),
         ("hz-gb-2312", "hz", KANA),
         ("utf-7", "utf_7", PLANE), ("utf-16be", "utf_16_be", PLANE), ("utf-16le", "utf_16_le", PLANE),
         ("utf-16", "utf_16", PLANE)]


def encoded(codec, tried):
    """(bytes, text) of all that the codec knows."""
    for one in tried:
        try:
            yield (one.encode(codec), one) if isinstance(one, str) else (one, one.decode(codec))
        except UnicodeError:
            continue


@pytest.mark.parametrize("charset, codec, tried", ROWS, ids=[row[0] for row in ROWS])
def test_charset(charset, codec, tried, tmp_path):
    # A control character, private use and what Python makes two characters are no text to compare.
    known = [(data, text) for data, text in encoded(codec, tried)
             if len(text) == 1 and text.isprintable() and not text.isspace()]
    assert len(known) > 30
    paths = []
    for first in range(0, len(known), FIELDS):
        words = [f"=?{charset}?b?{base64.b64encode(data).decode()}?=" for data, _ in known[first:first + FIELDS]]
        paths.append(tmp_path / str(first))
        paths[-1].write_text("".join(f"Subject: {word}\n" for word in words) + "\n")
    read = [field["value"] for tree in judge.mime(paths) for field in tree["parts"][0]["headers"]]
    assert len(read) == len(known)
    wrong = [(data, text, ours) for (data, text), ours in zip(known, read) if text != ours]
    assert not wrong, f"{len(wrong)} of {len(read)}: {wrong[:10]}"
