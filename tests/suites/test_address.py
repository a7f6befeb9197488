# SPDX-License-Identifier: BSD-3-Clause
"""Addresses: good for an envelope or not, why, and what RFC 5322 makes of them otherwise."""

import xml.etree.ElementTree as ElementTree
from functools import lru_cache

import pytest

import judge

FOLDER = judge.folder("address")
GRADES = {"VALID_CATEGORY": "envelope", "DNSWARN": "envelope", "RFC5321": "envelope", "CFWS": "header",
          "DEPREC": "obsolete", "RFC5322": "broad", "ERR": "invalid"}

# A diagnosis of theirs, and the reasons of ours that say the same; of those not listed the grade says enough.
REASONS = {
    "ERR_CONSECUTIVEDOTS": {"dot_twice"}, "ERR_DOT_START": {"dot_first"}, "ERR_DOT_END": {"dot_last"},
    "ERR_DOMAINHYPHENSTART": {"hyphen"}, "ERR_DOMAINHYPHENEND": {"hyphen"}, "ERR_NOLOCALPART": {"local_empty"},
    "ERR_NODOMAIN": {"at_none", "domain_empty"}, "ERR_BACKSLASHEND": {"backslash"}, "ERR_CR_NO_LF": {"cr"},
    "ERR_FWS_CRLF_END": {"fold"}, "ERR_FWS_CRLF_X2": {"fold"}, "ERR_UNCLOSEDCOMMENT": {"comment_open"},
    "ERR_UNCLOSEDDOMLIT": {"literal_open"}, "ERR_UNCLOSEDQUOTEDSTR": {"quoted_open"},
    "ERR_ATEXT_AFTER_QS": {"quoted_behind"}, "ERR_ATEXT_AFTER_CFWS": {"comment_behind"},
    "ERR_ATEXT_AFTER_DOMLIT": {"literal_behind"}, "ERR_EXPECTING_ATEXT": {"character", "quoted_behind"},
    "ERR_EXPECTING_CTEXT": {"character"}, "ERR_EXPECTING_DTEXT": {"character"}, "ERR_EXPECTING_QTEXT": {"character"},
    "CFWS_COMMENT": {"comment"}, "CFWS_FWS": {"blanks"}, "DEPREC_LOCALPART": {"old_words"},
    "DEPREC_FWS": {"old_fold", "old_inside"},
    "DEPREC_QTEXT": {"old_qtext"}, "DEPREC_QP": {"old_pair"}, "DEPREC_COMMENT": {"old_inside"},
    "DEPREC_CTEXT": {"old_ctext"}, "DEPREC_CFWS_NEAR_AT": {"old_at"}, "RFC5321_IPV6DEPRECATED": {"ipv6_one"},
    "RFC5322_LOCAL_TOOLONG": {"local_long"}, "RFC5322_LABEL_TOOLONG": {"label_long"},
    "RFC5322_DOMAIN_TOOLONG": {"domain_long", "path_long"}, "RFC5322_TOOLONG": {"path_long"},
    "RFC5322_DOMAIN": {"domain_atext"}, "RFC5322_DOMLIT_OBSDTEXT": {"literal_quoted"},
    "RFC5322_DOMAINLITERAL": {"literal_other", "literal_tag"},
}

ADDRESS = judge.Suite("address", {
    "160": "a backslash before UTF-8 is a quoted-pair of header fields, and of no envelope. RFC 6532 section 3.2: \"VCHAR =/ "
           "UTF8-non-ascii\"",
    "66": "what stands in it may be a General-address-literal, and MAIL takes it. RFC 5321 section 4.1.3: "
          "\"General-address-literal = Standardized-tag ':' 1*dcontent\"",
}, most=2 / 164)


def read_cases():
    """(id, address, category, diagnosis). Control characters stand as the symbols for them, U+2400 on."""
    if not FOLDER:
        return []
    for test in ElementTree.parse(next(FOLDER.rglob("tests.xml"))).getroot().findall("test"):
        address = "".join(chr(ord(c) - 0x2400) if 0x2400 <= ord(c) < 0x2440 else c for c in test.findtext("address") or "")
        yield (test.get("id"), address, test.findtext("category").removeprefix("ISEMAIL_"),
               test.findtext("diagnosis").removeprefix("ISEMAIL_"))


CASES = list(read_cases())


@lru_cache(maxsize=None)
def judgements():
    """One run for the addresses with NUL, in lines, and one for the others, each up to a NUL."""
    found = {}
    for end, words in (("\n", []), ("\0", ["--null"])):
        cases = [case for case in CASES if ("\0" in case[1]) == (end == "\n")]
        data = "".join(address + end for _, address, _, _ in cases).encode()
        answers = judge.call("address", "--json", *words, data=data)
        assert len(answers) == len(cases)
        found.update({case[0]: answer for case, answer in zip(cases, answers)})
    return found


@pytest.mark.skipif(not CASES, reason=f"{judge.SHARED}/suites/address is not there")
@pytest.mark.parametrize("case, address, category, diagnosis", CASES, ids=[case[0] for case in CASES])
def test_address(case, address, category, diagnosis):
    ours = judgements()[case]
    faults = []
    if ours["grade"] != GRADES[category]:
        faults.append(f"the grade is {ours['grade']}, not {GRADES[category]}")
    if ours["valid"] != (ours["grade"] == "envelope") or ours["valid"] != ("key" in ours):
        faults.append("what it is valid for contradicts its grade or its key")
    if diagnosis in REASONS and ours["why"] not in REASONS[diagnosis]:
        faults.append(f"the reason is {ours['why']}, not one of {REASONS[diagnosis]}")
    ADDRESS.case(case, [f"{address!r}: {fault}; {ours}" for fault in faults])
