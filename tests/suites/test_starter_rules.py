# SPDX-License-Identifier: BSD-3-Clause
"""The starter rules, judged by `wirepost judge`: against real mail, and what users of the command see."""

import json
import subprocess
from collections import Counter

import pytest

import judge

HASH = "$6$saltsaltsaltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
CONFIG = f"""
hostname: mx.example.test
engine: {{interface: eth0}}
network: {{addresses: [198.18.0.2/24]}}
listeners: [{{port: 25, protocol: smtp}}]
store: {{path: mail}}
rules: {{files: [RULES]}}
domains: [{{name: example.test, quarantine_score: 5, reject_score: 15}}, {{name: acme.test, tenant: acme}}]
accounts:
- {{address: alice@example.test, password: "{HASH}"}}
- {{address: anna@acme.test, password: "{HASH}"}}
aliases:
- {{address: postmaster@example.test, members: [alice@example.test]}}
- {{address: abuse@example.test, members: [alice@example.test]}}
- {{address: postmaster@acme.test, members: [anna@acme.test]}}
- {{address: abuse@acme.test, members: [anna@acme.test]}}
"""
QUARANTINED_HAM = 0.01  # at most
FOUND_SPAM = 0.2  # at least


def configuration(folder, rules):
    path = folder / "wirepost.yaml"
    path.write_text(CONFIG.replace("RULES", str(rules)))
    return path


def judged(config, *words, data=None):
    return judge.call("judge", "-c", config, "--json", *words, data=data)


def corpus(kind):
    return sorted(str(path) for folder in (judge.SHARED / "corpora").glob("*/data/*") if kind in folder.name.split("-")
                  for path in folder.iterdir())


def test_starter_rules_on_real_mail(tmp_path, record_property):
    ham, spam = corpus("ham"), corpus("spam")
    if not ham or not spam:
        pytest.skip(f"no messages in {judge.SHARED}/corpora")
    config = configuration(tmp_path, judge.ROOT / "rules" / "starter.yaml")
    verdicts, hits, deciding = {}, {}, Counter()
    for kind, paths in (("ham", ham), ("spam", spam)):
        lines = judged(config, *paths)
        assert [line["file"] for line in lines] == paths
        verdicts[kind] = Counter(line["result"]["verdict"] for line in lines)
        hits[kind] = Counter(rule for line in lines for rule in line["message"]["rules"])
        deciding.update(line["result"]["rule"] for line in lines if line["result"]["verdict"] == "reject")
    for rule in sorted(set(hits["ham"]) | set(hits["spam"]), key=lambda rule: -hits["spam"][rule]):
        print(f"{rule:24} ham {hits['ham'][rule]:5} of {len(ham)}   spam {hits['spam'][rule]:5} of {len(spam)}")
    print(dict(verdicts["ham"]), dict(verdicts["spam"]))
    quarantined = verdicts["ham"]["quarantine"] / len(ham)
    found = (verdicts["spam"]["quarantine"] + verdicts["spam"]["reject"]) / len(spam)
    record_property("told", f"starter rules: {quarantined:.2%} of {len(ham)} ham in quarantine, "
                            f"{found:.1%} of {len(spam)} spam found")
    assert quarantined <= QUARANTINED_HAM
    assert set(verdicts["ham"]) <= {"none", "quarantine"}
    assert found >= FOUND_SPAM
    assert set(deciding) <= {"", "eicar"}


RULES = """
rules:
  - {id: word, scope: body, patterns: [{literal: BLUE}], score: 6}
  - {id: mine, scope: body, patterns: [{literal: RED}], tenants: acme, action: reject, text: No red}
  - {id: name, scope: client.name, patterns: [{regex: '\\.dyn\\.test$'}], action: reject, text: No}
  - {id: alone, match: all, action: defer, text: Later, patterns: [
      {scope: helo, literal: once}, {number: count.recipients, below: 2}]}
"""


@pytest.fixture
def ruled(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    return configuration(tmp_path, rules)


def test_what_judge_says(ruled, tmp_path):
    """A file with LF line ends is read as it would come; verdict, place and reply are each recipient's."""
    blue = tmp_path / "blue.eml"
    blue.write_bytes(b"Subject: a\n\nBLUE\n")
    [line] = judged(ruled, blue)
    assert line["file"] == str(blue) and line["message"]["size"] == len(b"Subject: a\r\n\r\nBLUE\r\n")
    assert line["message"]["rules"] == ["word"] and line["message"]["anomalies"] == []
    assert line["result"]["verdict"] == "quarantine" and line["result"]["score"] == 6
    assert line["result"]["recipients"][0]["address"] == "alice@example.test"
    assert line["result"]["recipients"][0]["place"] == "quarantine"
    [line] = judged(ruled, "envelope.rcpt_to=anna@acme.test", "-", data=b"\r\nRED\r\n")
    assert line["result"]["reply"] == "550 5.7.1 No red" and line["result"]["rule"] == "mine"
    [line] = judged(ruled, "-", data=b"\r\nRED\r\n")
    assert line["result"]["verdict"] == "none" and line["message"]["rules"] == ["mine"]
    text = subprocess.run([judge.BINARY, "judge", "-c", ruled, blue], capture_output=True, check=True, text=True).stdout
    assert "blue.eml: quarantine, score 6.000\n" in text and "\n  hit word\n" in text


@pytest.mark.parametrize("data, reply", [
    (b"a: b\r\n\r\nc\rd\r\n", "550 5.5.2 bare CR is refused, lines end in CRLF"),
    (b"a: b\n\nc\r", "550 5.5.2 bare CR is refused, lines end in CRLF"),
    (b"a: b\r\r\n\r\nc\r\n", "550 5.5.2 bare CR is refused, lines end in CRLF"),
    (b"a: b\n\nc\0d\n", "550 5.5.2 NUL is refused")])
def test_line_ends_are_judged_as_by_a_session(ruled, data, reply):
    [line] = judged(ruled, "-", data=data)
    assert line["result"]["reply"] == reply and line["result"]["code"] == 550


def test_the_envelope_is_judged_too(ruled):
    [line] = judged(ruled, "client.name=host-7.dyn.test", "-", data=b"\r\nx\r\n")
    assert line["result"]["recipients"][0]["code"] == 550 and line["message"]["rules"] == ["name"]
    assert judged(ruled, "client.name=mail.test", "-", data=b"\r\nx\r\n")[0]["message"]["rules"] == []
    [line] = judged(ruled, "helo=once", "-", data=b"\r\nx\r\n")
    assert line["result"]["code"] == 451 and line["message"]["size"] == 0
    words = ["helo=once", "envelope.rcpt_to=anna@acme.test", "envelope.rcpt_to=alice@example.test"]
    assert judged(ruled, *words, "-", data=b"\r\nx\r\n")[0]["result"]["code"] == 250


def call(*words):
    done = subprocess.run([judge.BINARY, *words], capture_output=True, check=False, text=True)
    return done.returncode, done.stderr


def test_wrong_calls_are_told(ruled, tmp_path):
    assert call("judge", "x")[0] == 2
    assert call("judge", "-c", ruled)[0] == 2
    assert call("judge", "-c", ruled, "client.ip=nowhere", "x") == (
        2, "wirepost judge: not a value of that scope: client.ip=nowhere\n")
    assert call("judge", "-c", ruled, "envelope.rcpt_to=nobody", "x")[0] == 2
    status, told = call("judge", "-c", ruled, tmp_path / "none")
    assert status == 1 and "No such file" in told
    assert call("judge", "-c", ruled, tmp_path)[0] == 1


def test_a_tenant_that_no_domain_has_is_an_error(ruled, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES + "  - id: x\n    scope: helo\n    patterns: [{literal: a}]\n    except_tenants: [acme, Acme]\n")
    status, told = call("check", "-c", ruled)
    assert status == 2
    assert told == f"{rules}:11: rule 'x': expected a tenant that a domain has, not 'Acme'\n"
    rules.write_text(RULES + "  - {id: x, scope: helo, patterns: [{literal: a}], domains: [ACME.test, b.test]}\n")
    assert call("check", "-c", ruled) == (
        2, f"{rules}:8: rule 'x': expected a domain that the configuration has, not 'b.test'\n")
    rules.write_text(RULES)
    assert call("check", "-c", ruled)[0] == 0
