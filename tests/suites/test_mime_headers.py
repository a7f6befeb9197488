# SPDX-License-Identifier: BSD-3-Clause
"""Vectors of single header fields: Content-Type, dates, lists of ids, unstructured text."""

import json

import pytest

import judge

FOLDER = judge.folder("mime-headers")
NAMES = ("content_type", "date", "id", "unstructured")

HEADERS = judge.Suite("mime-headers", {
    "content_type-31": "a charset in the later pieces of a value is part of the value. RFC 2231 section 4.1: \"language and "
                       "character set information only appear at the beginning of a given parameter value\"",
    "content_type-34": "blanks between two encoded words vanish in a quoted string, too. RFC 2047 section 6.2: \"any "
                       "'linear-white-space' that separates a pair of adjacent 'encoded-word's is ignored\"",
    "content_type-59": "pieces end at the first number that is missing. RFC 2231 section 3: \"neither leading zeroes nor gaps in "
                       "the sequence are allowed\"",
    "content_type-61": "a name with other marks than those is a name of its own. RFC 2231 section 7: \"section := "
                       "initial-section / other-sections\"",
    "date-12": "colons stand between hour, minute and second. RFC 5322 section 3.3: \"time-of-day = hour ':' minute [ ':' second ]\"",
}, most=5 / 184)


def vectors():
    for name in NAMES if FOLDER else ():
        for number, vector in enumerate(json.loads(next(FOLDER.rglob(f"{name}.json")).read_text())):
            yield f"{name}-{number}", name, vector["header"], vector["expected"]


VECTORS = list(vectors())


def field_of(name, text, expected):
    """The field that the vector stands in: one of a disposition has no subtype, a date behind ";" is Received's."""
    if name == "date":
        return "Received" if ";" in text else "Date"
    if name == "content_type":
        disposition = expected and expected["c_type"] in ("inline", "attachment")
        return "Content-Disposition" if disposition else "Content-Type"
    return {"id": "References", "unstructured": "Subject"}[name]


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headers")
    for case, name, text, expected in VECTORS:
        message = f"{field_of(name, text, expected)}: {text}"
        (folder / case).write_bytes(message.encode() + (b"" if message.endswith("\n") else b"\n") + b"\nbody\n")
    paths = [folder / case for case, *_ in VECTORS]
    return dict(zip((case for case, *_ in VECTORS), judge.mime(paths)))


def date_of(field, _part, _expected):
    date = field.get("date")
    if not date:
        return None
    year, month, rest = date.split("-", 2)
    day, clock, zone = rest[:2], rest[3:11], rest[11:]
    hour, minute, second = map(int, clock.split(":"))
    zone_hour, zone_minute = int(zone[1:3]), int(zone[4:6])
    return {"year": int(year), "month": int(month), "day": int(day), "hour": hour, "minute": minute, "second": second,
            "tz_before_gmt": zone[0] == "-" and zone != "-00:00", "tz_hour": zone_hour, "tz_minute": zone_minute}


def content_type_of(field, part, expected):
    """
    Names without case; a language of RFC 2231 is not told; an empty value (RFC 2045 section 5.1 has none) is as good as
    none. What has no subtype is told as a defect, and text/plain assumed, as section 5.2 recommends for an invalid field.
    """
    if field["name"] == "Content-Disposition":
        kind, parameters = (part["disposition"], None), part["disposition_parameters"]
    elif any(defect["name"] == "type_bad" for defect in part["defects"]):
        return None
    else:
        kind, parameters = (part["type"], part["subtype"]), part["parameters"]
    wanted = dict(expected.get("attributes") or []) if expected else {}
    parameters = {name: value for name, value in parameters.items() if value}
    languages = {name: value for name, value in wanted.items() if name.endswith("-language")}
    return {"c_type": kind[0], "c_subtype": kind[1], "attributes": {**parameters, **languages}}


def compared(name, field, part, expected):
    if name == "date":
        return date_of(field, part, expected), expected
    if name == "id":
        return field["ids"], expected or []
    if name == "unstructured":
        # Runs of blanks are as they are after unfolding; the vectors make them one.
        return " ".join(field["value"].split()), " ".join(expected.split())
    if not expected or (expected["c_subtype"] is None and field["name"] == "Content-Type"):
        return content_type_of(field, part, None), None
    wanted = {**expected, "c_type": expected["c_type"].lower(), "attributes": dict(expected.get("attributes") or [])}
    return content_type_of(field, part, expected), wanted


@pytest.mark.skipif(not VECTORS, reason=f"{judge.SHARED}/suites/mime-headers is not there")
@pytest.mark.parametrize("case, name, text, expected", VECTORS, ids=[vector[0] for vector in VECTORS])
def test_header(case, name, text, expected, trees):
    part = trees[case]["parts"][0]
    ours, wanted = compared(name, part["headers"][0], part, expected)
    HEADERS.case(case, [] if ours == wanted else [f"{text!r}: {ours}, not {wanted}"])
