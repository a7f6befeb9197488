# SPDX-License-Identifier: BSD-3-Clause
"""The published suite of ARC: each chain by name, and the sets that its signers make."""

import json
import subprocess

import pytest
import yaml

import judge
from test_dkim import zone_of

FOLDER = judge.folder("arc")


def documents(name):
    if not FOLDER:
        return []
    with open(FOLDER / name, encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


VALIDATED = {name: (test, document) for document in documents("arc-draft-validation-tests.yml") if document
             for name, test in document["tests"].items()}
SIGNED = {name: (test, document) for document in documents("arc-draft-sign-tests.yml") if document
          for name, test in document["tests"].items()}


def verify(folder, message, document):
    records = (document.get("txt-records") or {}).items()
    (folder / "zone").write_text(zone_of(f"{name} {text.replace(chr(10), '')}" for name, text in records))
    (folder / "message").write_text(message)
    done = subprocess.run([judge.BINARY, "arc", "verify", "--json", "--zone", folder / "zone", folder / "message"], capture_output=True,
                          check=False)
    answer = json.loads(done.stdout)
    if judge.schemas.available():
        judge.schemas.check("arc", answer)
    assert done.returncode == {"pass": 0, "fail": 3, "none": 6}[answer["result"]]
    return answer


@pytest.mark.skipif(not VALIDATED, reason=f"{judge.SHARED}/suites/arc is not there")
@pytest.mark.parametrize("name", VALIDATED)
def test_validation(tmp_path, name):
    test, document = VALIDATED[name]
    answer = verify(tmp_path, test["message"], document)
    # Two cases name no result, for the drafts did not agree: a chain whose last seal says "fail" is one that fails.
    assert answer["result"] == (test["cv"].strip().lower() or "fail"), json.dumps(answer, indent=1)


def field(name, text):
    return f"{name}: " + "\n ".join(line.strip() for line in text.strip().splitlines()) + "\n"


@pytest.mark.skipif(not SIGNED, reason=f"{judge.SHARED}/suites/arc is not there")
@pytest.mark.parametrize("name", SIGNED)
def test_signed(tmp_path, name):
    """
    The suite's signer signs what we hash. Its seal is over the fields as its signer folded them, which the suite does not tell: only
    their tags. So the signature of the message is what can be verified.
    """
    test, document = SIGNED[name]
    fields = field("ARC-Seal", test["AS"]) + field("ARC-Message-Signature", test["AMS"]) + field("ARC-Authentication-Results", test["AAR"])
    answer = verify(tmp_path, fields + test["message"], document)
    assert answer["sets"][0]["message"]["reason"] == "good", json.dumps(answer, indent=1)
