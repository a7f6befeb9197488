# SPDX-License-Identifier: BSD-3-Clause
"""Writes charset_tables.c: what the bytes of each charset stand for, as Python's codecs know it."""

import sys

# Python's codec: names under which mail knows it, beside the codec's own; see loose() in charset.c.
SINGLE = {
    "ascii": "us-ascii us ansi_x3.4-1968 iso646-us 646 csascii",
    "latin_1": "iso-8859-1 latin1 l1 csisolatin1 cp819 ibm819",
    "iso8859_2": "iso-8859-2 latin2 l2 csisolatin2", "iso8859_3": "iso-8859-3 latin3 l3 csisolatin3",
    "iso8859_4": "iso-8859-4 latin4 l4 csisolatin4", "iso8859_5": "iso-8859-5 cyrillic csisolatincyrillic",
    "iso8859_6": "iso-8859-6 iso-8859-6-i iso-8859-6-e arabic csisolatinarabic ecma-114 asmo-708",
    "iso8859_7": "iso-8859-7 greek greek8 csisolatingreek ecma-118 elot_928",
    "iso8859_8": "iso-8859-8 iso-8859-8-i iso-8859-8-e hebrew csisolatinhebrew logical",
    "iso8859_9": "iso-8859-9 latin5 l5 csisolatin5", "iso8859_10": "iso-8859-10 latin6 l6 csisolatin6",
    "iso8859_11": "iso-8859-11", "iso8859_13": "iso-8859-13 latin7 l7", "iso8859_14": "iso-8859-14 latin8 l8",
    "iso8859_15": "iso-8859-15 latin9 latin-9 l9 csisolatin9", "iso8859_16": "iso-8859-16 latin10 l10",
    "cp1250": "windows-1250 x-cp1250", "cp1251": "windows-1251 x-cp1251 win-1251", "cp1252": "windows-1252 x-cp1252 x-ansi",
    "cp1253": "windows-1253 x-cp1253", "cp1254": "windows-1254 x-cp1254", "cp1255": "windows-1255 x-cp1255",
    "cp1256": "windows-1256 x-cp1256", "cp1257": "windows-1257 x-cp1257", "cp1258": "windows-1258 x-cp1258",
    "koi8_r": "koi8-r koi koi8 cskoi8r", "koi8_u": "koi8-u koi8-ru", "koi8_t": "koi8-t",
    "kz1048": "kz-1048 strk1048-2002 rk1048", "ptcp154": "ptcp154 pt154 cyrillic-asian csptcp154",
    "cp437": "ibm437 cspc8codepage437", "cp737": "ibm737", "cp775": "ibm775", "cp850": "ibm850", "cp852": "ibm852",
    "cp855": "ibm855", "cp857": "ibm857", "cp858": "ibm858", "cp860": "ibm860", "cp861": "ibm861", "cp862": "ibm862",
    "cp863": "ibm863", "cp864": "ibm864", "cp865": "ibm865", "cp866": "ibm866 dos-866 csibm866", "cp869": "ibm869",
    "cp874": "windows-874 dos-874 tis-620", "mac_roman": "macintosh mac x-mac-roman csmacintosh",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian", "mac_greek": "x-mac-greek", "mac_turkish": "x-mac-turkish",
    "mac_latin2": "x-mac-ce x-mac-centraleurroman",
}
OTHER = {
    "UTF_8": "utf-8 unicode-1-1-utf-8 utf8 x-unicode20utf8", "UTF_7": "utf-7 unicode-1-1-utf-7 csunicode11utf7",
    "UTF_16": "utf-16 utf-16be unicode iso-10646-ucs-2 ucs-2 csunicode", "UTF_16LE": "utf-16le",
    "GB18030": "gb18030 gbk gb2312 gb_2312-80 euc-cn x-gbk cp936 ms936 windows-936 chinese csgb2312 iso-ir-58",
    "HZ": "hz-gb-2312 hz", "BIG5": "big5 big5-hkscs cn-big5 x-x-big5 big5-eten cp950 windows-950 csbig5",
    "SHIFT_JIS": "shift_jis shift-jis sjis x-sjis cp932 ms932 ms_kanji windows-31j csshiftjis",
    "EUC_JP": "euc-jp x-euc-jp eucjp-ms cp51932 cseucpkdfmtjapanese",
    "ISO_2022_JP": "iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-ms cp50220 cp50221 csiso2022jp",
    "EUC_KR": "euc-kr ks_c_5601-1987 ks_c_5601 ksc5601 ksc_5601 korean cp949 windows-949 uhc csksc56011987 cseuckr iso-ir-149",
    "ISO_2022_KR": "iso-2022-kr csiso2022kr",
}
# Two-byte charsets: the first codec that knows a pair decides. Leads from 0x81, trails from 0x40.
PAIRS = {"gb": ("gb18030",), "big5": ("cp950", "big5hkscs"), "jis": ("cp932",), "ks": ("cp949",), "jis_0212": ("euc_jp",)}
LEADS, TRAILS = range(0x81, 0xFF), range(0x40, 0xFF)


def character(data, *codecs):
    """The one character of the basic plane that these bytes are, or 0."""
    for codec in codecs:
        try:
            text = data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
        if len(text) == 1 and ord(text) < 0x10000:
            return ord(text)
    return 0


def known(codec):
    try:
        b"a".decode(codec)
        return True
    except LookupError:
        return False


def array(name, kind, numbers):
    rows = [", ".join(map(str, numbers[i:i + 16])) for i in range(0, len(numbers), 16)]
    return f"static const {kind} {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def gb18030_ranges():
    """Runs of four-byte codes of the basic plane: (first code, first character)."""
    runs, expected = [], None
    for code in range(39420):
        data = bytes((0x81 + code // 12600, 0x30 + code // 1260 % 10, 0x81 + code // 10 % 126, 0x30 + code % 10))
        found = character(data, "gb18030")
        if found != expected:
            runs.append((code, found))
        expected = found + 1
    return runs


def loose(name):
    return "".join(c for c in name.lower() if c.isalnum())


def main():
    out, names, told = ['/* Made by charset_generate.py. */\n#include "proto/charset/charset.h"\n#include "proto/charset/charset_tables.h"\n'], {}, []
    for codec, others in SINGLE.items():
        if not known(codec):
            continue
        out.append(array(codec, "uint16_t", [character(bytes((byte,)), codec) for byte in range(128, 256)]))
        names.update({loose(name): f"CHARSET_SINGLE, {codec}" for name in [codec, *others.split()]})
        told.append(others.split()[0].upper())
    for kind, others in OTHER.items():
        told.append(others.split()[0].upper())
        names.update({loose(name): f"CHARSET_{kind}, NULL" for name in others.split()})
    for name, codecs in PAIRS.items():
        prefix = b"\x8f" if name == "jis_0212" else b""
        table = [character(prefix + bytes((lead, trail)), *codecs) for lead in LEADS for trail in TRAILS]
        out.append(array(name, "uint16_t", table))
        out.append(f"const uint16_t *const charset_{name} = {name};\n")
    runs = gb18030_ranges()
    out.append("const struct charset_run charset_gb_runs[] = {\n" + ",\n".join(f"{{{a}, {b}}}" for a, b in runs) + "};\n")
    out.append(f"const size_t charset_gb_runs_count = {len(runs)};\n")
    rows = [f'{{"{name}", {what}}}' for name, what in sorted(names.items())]
    out.append("const struct charset_name charset_names[] = {\n" + ",\n".join(rows) + "};\n")
    out.append(f"const size_t charset_names_count = {len(rows)};\n")
    told = sorted(told, key=lambda name: {"UTF-8": 0, "US-ASCII": 1}.get(name, 2))
    out.append(f'const char charset_known[] = "{" ".join(told)}";\n')
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(out))


main()
