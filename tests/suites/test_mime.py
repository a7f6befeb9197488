# SPDX-License-Identifier: BSD-3-Clause
"""Trees and decoded leaves: the messages of suites/mime, and those of corpora against Python's email package."""

import email
import hashlib
import quopri
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from pathlib import Path

import pytest

import judge

FOLDER = judge.folder("mime")
MESSAGES = sorted(FOLDER.rglob("*.msg")) if FOLDER else []
CORPORA = sorted(path for path in (judge.SHARED / "corpora").glob("*/data/*") if path.is_dir())

# By name: what we do, and the sentence that decides.
MIME = judge.Suite("mime", {
    "hdr-fakeout": "a line that is no field ends the header, so that its text is seen as body. RFC 5322 section 2.2: "
                   "\"Header fields are lines beginning with a field name, followed by a colon\"",
    "frag": "base64 that ends within a group gives the whole bytes of it. RFC 2045 section 6.8: \"When fewer than 24 "
            "input bits are available in an input group, zero bits are added (on the right)\"",
    "multi-frag": "as in frag",
    "badbound": "a multipart in which no delimiter stands is told as one leaf, as Python tells it. RFC 2046 section 5.1: the body "
                "\"must then contain one or more body parts, each preceded by a boundary delimiter line\"",
    "multi-2gifs-base64": "an encoded message is given decoded and not descended into. RFC 2046 section 5.2.1: \"No "
                          "encoding other than 7bit, 8bit, or binary is permitted for the body of a message/rfc822 entity\"",
}, most=5 / 48)
BROKEN = ("\"=\" before another \"=\" stays, and so does the other, which begins no escape; Python drops one. RFC 2045 "
          "section 6.7, note (2): \"include the '=' character and the following character in the decoded data without any "
          "transformation\"")
UNENDED = ("the last part of a multipart without its closing delimiter keeps its last line end; Python drops it. RFC 2046 "
           "section 5.1.1: \"The CRLF preceding the boundary delimiter line is conceptually attached to the boundary\"")
CORPUS = judge.Suite("corpora", {
    "spam-2/00009.1e1a8cb4b57532ab38aa23287523659d.txt": UNENDED,
    "spam-2/00714.cd13d8db12cc1f661d6b2eb6fcbb5156.txt": UNENDED,
    "spam-2/00673.89b0df1a8a6e1a95c48f1f63e48648f4.txt": BROKEN,
    "spam-2/00734.0c1975b8c2b17fd6c665827706f89eaf.txt": BROKEN,
    "spam-2/01041.1ece6e061e80e648c8156d52decd0610.txt": BROKEN,
    "spam-2/01304.114140cd4c51e9795559b974964aa043.txt": BROKEN,
    "spam-2/00204.4cf15f97b8ea08bfafab7d5091b8fbe7.txt":
        "TEXT/PLAIN charset=US-ASCII: a subtype is a token, which ends at a blank. RFC 2045 section 5.1: \"token := 1*<any "
        "(US-ASCII) CHAR except SPACE, CTLs, or tspecials>\"",
})


def without_trailing(raw):
    """RFC 2045 section 6.7 (3): "any trailing white space on a line must be deleted"."""
    return re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", raw)


def raw_body(tree, part):
    raw = Path(tree["file"]).read_bytes()
    return raw[part["body_offset"]:part["body_offset"] + part["body_size"]]


def text_lines(data):
    """Lines as they stand in a file: quoted-printable stands for lines, whose ends the messages here write as LF."""
    return without_trailing(data).replace(b"\r\n", b"\n")


def same_bytes(tree, part, expected):
    """
    Equal, or quoted-printable of which the other reader keeps trailing blanks or rewrites line ends: then Python's
    decoder must give what that reader expects from the body as it is, and what we have from the body by the rule.
    """
    if hashlib.sha256(expected).hexdigest() == part["sha256"]:
        return True
    if part["encoding"] != "quoted-printable":
        return False
    raw = raw_body(tree, part)
    ours = quopri.decodestring(without_trailing(raw))
    return (hashlib.sha256(ours).hexdigest() == part["sha256"] and
            text_lines(expected) == text_lines(quopri.decodestring(raw)))


# ---- suites/mime ----

def expected_parts(node, path):
    """(path, kind, the file of the decoded leaf, header fields) of each part of an expected tree."""
    fields = [field.text.strip("\n") for field in node.findall("header/field")]
    for child in node:
        if child.tag == "multipart":
            yield path, "multipart", None, fields
            for number, part in enumerate(child.findall("body-part"), 1):
                yield from expected_parts(part, f"{path}.{number}")
        elif child.tag == "message":
            yield path, "message", None, fields
            yield from expected_parts(child, path + ".1")
        elif child.tag in ("text-body", "binary-body"):
            yield path, "leaf", child.get("name"), fields


def plain(field):
    """A field's name and, where it holds no encoded word, its value with every run of blanks as one."""
    name, _, value = field.partition(":")
    value = "" if "=?" in value or not value.isascii() else " ".join(value.split())
    return name.strip().lower(), value


@lru_cache(maxsize=None)
def trees():
    return {path.stem: tree for path, tree in zip(MESSAGES, judge.mime(MESSAGES))}


def tree_faults(path):
    tree = trees()[path.stem]
    root = ElementTree.fromstring((path.parent / f"{path.stem}_decoded.xml").read_bytes())
    expected = list(expected_parts(root, "1"))
    shape = [(part["path"], part["kind"]) for part in tree["parts"]]
    if shape != [row[:2] for row in expected]:
        return [f"the tree is {shape}, not {[row[:2] for row in expected]}; defects: {judge.defects(tree)}"]
    faults = []
    for part, (where, _, leaf, fields) in zip(tree["parts"], expected):
        ours = [plain(f"{field['name']}:{field['value']}") for field in part["headers"]]
        wanted = [plain(field) for field in fields]
        wanted = [(name, value if value else mine[1]) for (name, value), mine in zip(wanted, ours)] + wanted[len(ours):]
        if ours != wanted:
            faults.append(f"{where}: header is {ours}, not {wanted}")
        if leaf and not same_bytes(tree, part, (path.parent / leaf).read_bytes()):
            faults.append(f"{where}: {part['size']} bytes other than in {leaf}; defects: {judge.defects(tree)}")
    return faults


@pytest.mark.skipif(not MESSAGES, reason=f"{judge.SHARED}/suites/mime is not there")
@pytest.mark.parametrize("path", MESSAGES, ids=[path.stem for path in MESSAGES])
def test_message(path):
    MIME.case(path.stem, tree_faults(path))


# ---- corpora ----

def leaves(message, path="1"):
    """Path, type, file name and bytes of the leaves that Python's reader finds."""
    # The blocks of a delivery-status are fields, which Python shows as messages (RFC 3464 section 2.1.1).
    if message.is_multipart() and message.get_content_type() != "message/delivery-status":
        for number, part in enumerate(message.get_payload(), 1):
            yield from leaves(part, f"{path}.{number}")
    else:
        yield path, message.get_content_type(), message.get_filename() or "", message.get_payload(decode=True)


def leaf_faults(tree):
    theirs = list(leaves(email.message_from_bytes(Path(tree["file"]).read_bytes())))
    ours = [part for part in tree["parts"] if part["kind"] == "leaf"]
    if [part["path"] for part in ours] != [leaf[0] for leaf in theirs]:
        return [f"leaves {[part['path'] for part in ours]}, not {[leaf[0] for leaf in theirs]}; {judge.defects(tree)}"]
    faults = []
    for part, (where, content_type, name, data) in zip(ours, theirs):
        if f"{part['type']}/{part['subtype']}" != content_type:
            faults.append(f"{where}: {part['type']}/{part['subtype']}, not {content_type}")
        if part.get("filename", "") != name:
            faults.append(f"{where}: file name {part.get('filename')}, not {name}")
        if data is not None and not same_bytes(tree, part, data):
            faults.append(f"{where}: {part['size']} bytes other than Python's {len(data)}; {judge.defects(tree)}")
    return faults


@pytest.mark.skipif(not CORPORA, reason=f"{judge.SHARED}/corpora is not there")
@pytest.mark.parametrize("folder", CORPORA, ids=[path.name for path in CORPORA])
def test_corpus(folder, record_property):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    before, faults = CORPUS.agreed, []
    for tree in judge.mime(paths):
        try:
            CORPUS.case(f"{folder.name}/{Path(tree['file']).name}", leaf_faults(tree))
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)
    record_property("told", f"{len(paths)} messages, {CORPUS.agreed - before} agree with Python's email package")
