# SPDX-License-Identifier: BSD-3-Clause
"""Messages of our own making, of every kind of oddity, against Python's email package."""

import pytest

import judge
import test_mime

HEAD = "From: a@b.test\r\nMIME-Version: 1.0\r\n"
TEXT = "\r\nContent-Type: text/plain\r\n\r\n"
CASES = {}


def add(name, message):
    CASES[name] = message if isinstance(message, bytes) else message.encode("utf-8")


def each(name, before, values, behind="", encoding="utf-8"):
    for number, value in enumerate(values):
        add(f"{name}-{number}", (before + value + behind).encode(encoding))


def mixed(boundary, body):
    return f"{HEAD}Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{body}"


TYPES = [
    "text/plain", "TEXT/HTML; CHARSET=UTF-8", "text/plain;", "text/plain; ", "text/plain;;charset=x",
    "text/plain ; charset = \"x\"", "text / plain", "text/plain (comment); charset=x (c)", "(c) text/plain", "text",
    "text/", "/plain", "", "multipart/mixed", "text/plain; name=\"a;b.txt\"", "text/plain; name=\"a\\\"b.txt\"",
    "text/plain; name=a b.txt", "text/plain; name*=utf-8''%e2%82%ac.txt",
    "text/plain; name*0*=utf-8''%e2%82; name*1*=%ac.txt", "text/plain; name*0=\"a\"; name*1=\"b\"; name*2=\".txt\"",
    "text/plain; name*1=\"b\"; name*0=\"a\"", "text/plain; name==?utf-8?q?a=20b?=",
    "text/plain; name=\"=?utf-8?b?w6Q=?=.txt\"", 'text/plain; charset="utf-8"; name=\'q.txt\'',
    "text/plain;\r\n name=\"fold\r\n ed.txt\"", "text/plain;\r\n\tcharset=x", "text/plain; charset=x; charset=y",
    "application/x-very-long; a=b; c=d; e=f", "text/plain; name=\"unterminated", "text/plain charset=x",
    "text/plain, text/html", "text/plain; =x; name=y.txt", "image/gif; name=\"é.gif\"", "text/x.y+z-1; name=1",
    "text/plain; name=\"\"", "message/rfc822", "message/delivery-status", "message/partial; id=a; number=1",
    "message/external-body; access-type=x", "multipart/digest", "text/plain; name*=iso-8859-1'de'%E4.txt",
    "text/plain; name*=''%41", "text/plain; name*=x-none''%E4",
]
DISPOSITIONS = [
    "attachment", "inline", "ATTACHMENT; FILENAME=x.txt", "attachment; filename=\"x y.txt\"",
    "attachment; filename=x y.txt", "attachment; filename*=utf-8''x%20y.txt",
    "attachment; filename=a; filename*=utf-8''b", "attachment; filename*0=\"very\"; filename*1=\"long.txt\"",
    "attachment;filename=\"=?iso-8859-1?q?=E4.txt?=\"", "attachment; filename=\"a\r\n b.txt\"",
    "attachment; filename=\"C:\\\\dir\\\\a.txt\"", "attachment; filename=\"C:\\dir\\a.txt\"", "; filename=x",
    "attachment; size=3", "attachment; filename=", "attachment; filename=\"x\" ; y", "attachment filename=x",
    "\"attachment\"; filename=x", "attachment; filename*1=b; filename*2=c",
    "attachment; filename*0*=utf-8'en'%41; filename*1=%42; filename*2*=%43",
]
ENCODINGS = [
    "base64", "BASE64", "Base64 ", " base64", "base64 (c)", "\"base64\"", "base64;", "7bit", "8bit", "binary",
    "x-uuencode", "uuencode", "x-uue", "quoted-printable", "Quoted-Printable", "quoted_printable", "x-unknown", "",
    "base64, 7bit",
]
BASE64 = [
    "aGVsbG8=", "aGVsbG8", "aGVsbA==", "aGVsbA=", "aGVsbA", "aGV sbG8=", "aGV\r\nsbG8=\r\n", "aGVs!bG8=",
    "aGVsbG8=aGVsbG8=", "aGVsbG8=\r\ntrailer", "=aGVsbG8", "aG=VsbG8=", "", "====", "a", "aGVs\r\n\r\nbG8=",
    "aGVsbG8=\r\n\r\n-- \r\nfooter", "aGVs\tbG8=", "äaGVsbG8=", "aGVsbG8=\n", "aGVs-_==",
]
QUOTED = [
    "a=3Db", "a=3db", "a=\r\nb", "a= \r\nb", "a=\tb", "a=", "a=\r\n", "a=3", "a=ZZ", "a==3D", "trail  \r\nx",
    "trail\t\r\n", "=\r\n=\r\nx", "=20\r\n", "a=0D=0Ab", ".=2E.", "=C3=A4", "ä", "a=3D=", "a =\r\n b", "soft=\nlf",
    "x=\rz", "=3d=3D", "==", "=A", "a=4\r\n1",
]
UUENCODED = [
    "begin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n", "begin 644 a.txt\r\n%:&5L;&\\ \r\n \r\nend\r\n",
    "x\r\nbegin 644 a\r\n%:&5L;&\\\r\n`\r\nend\r\ny\r\n", "begin 644 a\r\n`\r\nend\r\n",
    "begin 644 a\n%:&5L;&\\\n`\nend\n", "begin 0755 a b\r\n%:&5L;&\\`\r\n`\r\nend",
    "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n",
]
BODIES = [
    "--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x--\r\n",
    "pre\r\n--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--x--\r\nepi\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\none\r\n", "--x\r\n\r\none\r\n--x--", "--x  \r\n\r\none\r\n--x-- \r\n",
    "--x\r\n--x\r\n--x--\r\n", "--x\r\nContent-Type: text/plain\r\n\r\none\r\n--xy\r\n--x--\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\n\r\n--x--\r\n", "--x\r\nContent-Type: text/plain\r\n\r\n--x--\r\n",
    "--x\n\none\n--x--\n", "--x\r\nContent-Type: text/plain\r\n\r\none\r\n\r\n--x--\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\n --x\r\n--x--\r\n", "nothing\r\n", "", "--x--\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x--\r\n--x\r\nContent-Type: text/plain\r\n\r\ntwo\r\n",
    "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n--x--\r\n",
    "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\na\r\n--y\r\nContent-Type: text/plain\r\n\r\nb\r\n--y--\r\n--x\r\nContent-Type: text/plain\r\n\r\nc\r\n--x--\r\n",
    "--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\na\r\n--x\r\nContent-Type: text/plain\r\n\r\nc\r\n--x--\r\n",
    "--x\r\nContent-Type: multipart/alternative; boundary=xy\r\n\r\n--xy\r\nContent-Type: text/plain\r\n\r\na\r\n--xy--\r\n--x--\r\n",
    "--x\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\na\r\n--y--\r\n--x--\r\n",
    "--x\r\nContent-Type: text/plain\r\n--x\r\n\r\nq\r\n--x--\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\none\r\n--X--\r\n",
    "--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x-\r\n--x--\r\n",
]
BOUNDARIES = [
    "\"a b\"", "a'b", "\"a:b=c?\"", "=_x", "\"=_x\"", "----=_Part_1", "\"x \"", "x(c)", "a.b", "'q'",
]
HEADERS = [
    "From: x\r\nnot a header\r\nTo: y\r\n\r\nbody", "\r\nbody", "body only", "Subject: a\r\n b\r\n\tc\r\n\r\nx",
    "Subject :x\r\n\r\nb", "X:\r\n\r\nb", "X: \r\n \r\nY: z\r\n\r\nb", "From a@b\r\nSubject: x\r\n\r\nb",
    ">From a@b\r\nSubject: x\r\n\r\nb", "Subject: x\n\nb", " lead\r\nSubject: x\r\n\r\nb", "Subject: x",
    "Subject: x\r\n", "Sub ject: x\r\nTo: y\r\n\r\nb", ":x\r\nTo: y\r\n\r\nb", "Sübject: x\r\nTo: y\r\n\r\nb",
    "Subject: x\r\r\n\r\nb", "Subject: a\x00b\r\n\r\nb",
]

each("type", HEAD + "Content-Type: ", TYPES, "\r\n\r\nbody text\r\n")
each("disposition", HEAD + "Content-Type: application/pdf\r\nContent-Disposition: ", DISPOSITIONS, "\r\n\r\nbody\r\n")
each("encoding", HEAD + "Content-Transfer-Encoding: ", ENCODINGS, "\r\n\r\naGVsbG8gd29ybGQ=\r\n")
each("base64", HEAD + "Content-Transfer-Encoding: base64\r\nContent-Type: application/x\r\n\r\n", BASE64, encoding="latin-1")
each("quoted", HEAD + "Content-Transfer-Encoding: quoted-printable\r\n\r\n", QUOTED)
each("uuencoded", HEAD + "Content-Transfer-Encoding: x-uuencode\r\nContent-Type: application/x\r\n\r\n", UUENCODED)
each("multipart", mixed("x", ""), BODIES)
each("multipart-quoted", mixed('"x"', ""), BODIES)
each("header", "", HEADERS, encoding="latin-1")
for number, boundary in enumerate(BOUNDARIES):
    bare = boundary.strip('"')
    add(f"boundary-{number}", mixed(boundary, f"--{bare}{TEXT}one\r\n--{bare}{TEXT}two\r\n--{bare}--\r\n"))
add("digest", HEAD + "Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: a\r\n\r\nb1\r\n--x\r\n"
    "Content-Type: text/plain\r\n\r\nt\r\n--x--\r\n")
for encoding in ("base64", "quoted-printable", "8bit", "binary"):
    for kind in ("rfc822", "global"):
        add(f"{kind}-{encoding}", f"{HEAD}Content-Type: message/{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            "Subject: in\r\n\r\nbody\r\n")
    add(f"mixed-{encoding}", f"{HEAD}Content-Type: multipart/mixed; boundary=x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        f"--x{TEXT}one\r\n--x--\r\n")

# What we read otherwise than Python, and the sentence that decides.
GRAMMAR = "RFC 2045 section 5.1 and RFC 822: blanks and comments may stand between the tokens of a structured field"
DEFAULT = "RFC 2045 section 5.2: a syntactically invalid Content-Type is text/plain"
WORD = "encoded words in parameters are written, and decoded (RFC 2047 section 5 forbids writing them)"
FOLD = "RFC 5322 section 2.2.3: unfolding removes the line end"
UNKNOWN = "RFC 2231 section 4: a value in a charset that is not known stays as it is"
EXTENDED = "RFC 2231 section 4 replaces what RFC 2045 can write"
PIECES = "RFC 2231 section 3: numbering starts at 0"
BLANK = "RFC 2045 section 6.1: a token, with the blanks and comments of RFC 822 around it"
NO_FILE = "there is no file in it: what lies outside of one is text beside it"
CUT = "RFC 2045 section 6.8: fewer than 8 bits are no byte"
EQUALS = "RFC 2045 section 6.7, note (2): the = and the character behind it stay"
UNENDED = "RFC 2046 section 5.1.1: the CRLF before a delimiter belongs to it; where there is none it belongs to the body"
NOTHING = "RFC 2046 section 5.1: parts are preceded by a delimiter; the body with its closing delimiter is one leaf"
EMPTY = "RFC 2046 section 5.1.1: each delimiter begins a part, an empty one too"
PADDED = "RFC 2046 section 5.1.1: a boundary does not end with a blank"
OBSOLETE = "RFC 5322 section 4.5: blanks may stand before the colon"
MBOX = "the From line of a mailbox file, quoted or not, is left out"
BARE = "RFC 5322 section 2.3: CR stands before LF only; SMTP refuses the line"
OPAQUE = "RFC 2046 section 5.2: their bodies are no messages of this one"
ENCODED = "read decoded, and within as a further reading; RFC 2046 section 5.2.1 allows no encoding of rfc822"
UTF_8 = "RFC 6532 section 3: header fields are UTF-8"
DIFFERENCES = {}


def differ(why, *names):
    DIFFERENCES.update((name, why) for name in names)


differ(GRAMMAR, "type-6", "type-7", "type-8", "type-29")
differ(DEFAULT, "type-10", "type-11")
differ(WORD, "type-21", "type-22", "disposition-8")
differ(FOLD, "type-24", "disposition-9")
differ(UNKNOWN, "type-42")
differ(UTF_8, "type-32")
differ(OPAQUE, "type-37")
differ(EXTENDED, "disposition-6")
differ(PIECES, "disposition-18")
differ(BLANK, "encoding-2", "encoding-4", "encoding-6", "disposition-16", "type-28")
differ(NO_FILE, "encoding-10", "encoding-11", "encoding-12")
differ(CUT, "base64-14")
differ(EQUALS, "quoted-9", "quoted-21", "quoted-23")
differ(UNENDED, "multipart-2", "multipart-quoted-2", "multipart-22", "multipart-quoted-22")
differ(EMPTY, "multipart-5", "multipart-quoted-5")
differ(NOTHING, "multipart-14", "multipart-quoted-14")
differ(PADDED, "boundary-6")
differ(OBSOLETE, "header-4")
differ(MBOX, "header-8")
differ(BARE, "header-16")
differ(ENCODED, "rfc822-base64", "global-base64", "rfc822-quoted-printable", "global-quoted-printable")
# Cases are odd on purpose, and most of what differs was added because it does.
SUITE = judge.Suite("cases of our own", DIFFERENCES, most=44 / 225)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    for name, message in CASES.items():
        (folder / name).write_bytes(message)
    return dict(zip(CASES, judge.mime([folder / name for name in CASES])))


def test_cases_of_our_own(trees):
    faults = []
    for name in CASES:
        try:
            SUITE.case(name, test_mime.leaf_faults(trees[name]))
        except AssertionError as fault:
            faults.append(f"{name}: {CASES[name]} {fault}")
    assert not faults, "\n".join(faults)
