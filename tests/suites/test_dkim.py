# SPDX-License-Identifier: BSD-3-Clause
"""
DKIM's messages: those of Mail::DKIM with their keys, by what RFC 8301 leaves and with the legacy that shows the canonicalization;
the examples of RFC 6376 appendix A and RFC 8463 appendix A.
"""

import json
import subprocess
from functools import lru_cache

import pytest

import judge

SUITE = judge.SHARED / "suites" / "dkim"
FOLDER = SUITE / "fastmail_mail-dkim" / "t"
EXAMPLES = SUITE / "stalwartlabs_mail-auth" / "resources" / "dkim"
NOW = "1700000000"  # Mail::DKIM's own tests have a time too: one key is tried for expiry

# What Mail::DKIM calls "invalid": it cannot be verified, whoever is to blame.
INVALID = {"neutral", "permerror", "policy", "temperror"}
# A key that nobody answers for, and a server that fails, a zone file cannot say: there is no such name.
UNSAID = ("~~Query timed out~~", "~~SERVFAIL~~", "NXDOMAIN")
# DomainKeys (RFC 4870, historic) are another protocol: no signature of DKIM is there.
DOMAINKEYS = {"good_dk_gmail", "good_dk_yahoo", *(f"good_dk_{n}" for n in range(1, 8)), "dk_headers_1", "dk_headers_2",
              *(f"bad_dk_{n}" for n in range(1, 6)), "dk_multiple_1"}
# The first draft (draft-ietf-dkim-base-00) had no bh=, which RFC 6376 section 3.5 requires.
NO_BODY_HASH = {f"good_ietf00_{n}" for n in range(1, 6)}


def quoted(text):
    pieces = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"').replace(";", "\\;") + '"' for piece in pieces)


def zone_of(lines):
    rows = []
    for line in lines:
        name, _, text = line.strip().partition(" ")
        if name and not name.startswith("#") and text not in UNSAID:
            rows.append(f"{name}. IN TXT {quoted(text.strip().strip(chr(34)))}")
    return "\n".join(rows) + "\n"


def expected():
    if not FOLDER.is_dir():
        return {}
    return dict(line.split("\t") for line in (FOLDER / "expected.tsv").read_text().splitlines())


CASES = expected()


@pytest.fixture(name="answers", scope="module")
def all_answers(tmp_path_factory):
    @lru_cache(maxsize=None)
    def ask(*words):
        zone = tmp_path_factory.mktemp("dkim") / "zone"
        zone.write_text(zone_of((FOLDER / "FAKE_DNS.dat").read_text().splitlines()))
        done = subprocess.run([judge.BINARY, "dkim", "verify", "--json", "--zone", zone, "--now", NOW, *words,
                               *(FOLDER / "corpus" / name for name in CASES)], capture_output=True, check=False)
        assert not done.stderr, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        for row in rows if judge.schemas.available() else ():
            judge.schemas.check("dkim", row)
        return dict(zip(CASES, rows, strict=True))
    return ask


def retired(answer):
    """Nothing but what RFC 8301 retired, or a draft, stands in the way."""
    return {row["reason"] for row in answer["signatures"]} & {"retired", "version", "tag_missing", "key_short"}


@pytest.mark.skipif(not CASES, reason=f"{SUITE} is not there")
@pytest.mark.parametrize("name", CASES)
def test_today(answers, name):
    """By RFC 8301: rsa-sha1 passes nowhere, and what has no other fault is said to be retired."""
    answer, stem = answers()[name], name.removesuffix(".txt")
    if stem in DOMAINKEYS:
        assert answer["result"] == "none" and answer["found"] == 0
        return
    assert not [row for row in answer["signatures"] if row["result"] == "pass" and "sha1" in row["algorithm"]]
    if CASES[name] == "invalid":
        assert answer["result"] in INVALID
    elif retired(answer):
        assert answer["result"] in ("policy", "neutral")
    else:
        assert answer["result"] == CASES[name], json.dumps(answer, indent=1)


@pytest.mark.skipif(not CASES, reason=f"{SUITE} is not there")
@pytest.mark.parametrize("name", CASES)
def test_legacy(answers, name):
    """With what was retired: what the suite expects."""
    answer, stem = answers("--allow-legacy")[name], name.removesuffix(".txt")
    if stem in DOMAINKEYS:
        assert answer["result"] == "none" and answer["found"] == 0
    elif stem in NO_BODY_HASH:
        assert [row["reason"] for row in answer["signatures"]] == ["tag_missing"]
    elif CASES[name] == "invalid":
        assert answer["result"] in INVALID
    else:
        assert answer["result"] == CASES[name], json.dumps(answer, indent=1)
        assert CASES[name] != "pass" or "legacy" in str(answer["signatures"]) or "sha256" in str(answer["signatures"])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason=f"{EXAMPLES} is not there")
@pytest.mark.parametrize("name, algorithms", [("001", ["ed25519-sha256", "rsa-sha256"]), ("002", ["rsa-sha256"])], ids=["rfc8463", "rfc6376"])
def test_examples(tmp_path, name, algorithms):
    """The whole examples, with the keys of the RFCs."""
    keys, _, message = (EXAMPLES / f"{name}.txt").read_text().partition("\n\n")
    (tmp_path / "zone").write_text(zone_of(keys.splitlines()))
    (tmp_path / "message").write_text(message)
    done = subprocess.run([judge.BINARY, "dkim", "verify", "--json", "--zone", tmp_path / "zone", tmp_path / "message"], capture_output=True,
                          check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["result"] == "pass"
    assert [(row["algorithm"], row["result"]) for row in answer["signatures"]] == [(algorithm, "pass") for algorithm in algorithms]
