# SPDX-License-Identifier: BSD-3-Clause
"""RFC 7208's test suite: each case twice, with its records in a zone file and served by a DNS server."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest
import yaml

import judge

sys.path.insert(0, str(judge.ROOT / "scripts" / "lib"))

from lab import dns, schemas  # noqa: E402

FOLDER = judge.folder("spf")
# A question that is never answered ends the check: of those that have none, not one takes this long.
PATIENCE = "1.5"


def documents():
    if not FOLDER:
        return []
    with open(next(FOLDER.rglob("rfc7208-tests.yml")), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


DOCUMENTS = documents()


def records_of(rows):
    """The records of a name. Those of type SPF stand for TXT records, unless the name has TXT records of its own."""
    found = []
    own = any(isinstance(row, dict) and "TXT" in row for row in rows)
    for row in rows:
        if isinstance(row, str):
            found.append(row)
            continue
        for kind, value in row.items():
            if (kind, value) == ("TXT", "NONE") or (kind == "SPF" and own):
                continue
            found.append(("TXT" if kind == "SPF" else kind, value))
    return found


def zone_of(document):
    return {name: records_of(rows) for name, rows in document["zonedata"].items()}


def is_silent(document):
    return any(dns.TIMEOUT in rows for rows in document["zonedata"].values())


def check(document, *words):
    lines = [json.dumps({"ip": test["host"], "helo": test["helo"], "mail_from": test.get("mailfrom", "")})
             for test in document["tests"].values()]
    done = subprocess.run([judge.BINARY, "spf", "--batch", "--json", "--timeout", PATIENCE, *words],
                          input="\n".join(lines) + "\n", encoding="utf-8", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers if schemas.available() else ():
        schemas.check("spf", answer)
    return dict(zip(document["tests"], answers, strict=True))


def by_file(document, folder):
    path = folder / "zone"
    path.write_text(dns.zone_file(zone_of(document)))
    return check(document, "--zone", path)


def by_server(document, folder):
    with dns.Server(zone_of(document)) as server:
        return check(document, "--dns", str(server))


WAYS = {"file": by_file, "server": by_server}
CASES = [(way, place, name) for way in WAYS for place, document in enumerate(DOCUMENTS) for name in document["tests"]
         if way == "server" or not is_silent(document)]  # a zone file cannot say that nobody answers


@pytest.fixture(name="answers", scope="module")
def all_answers(tmp_path_factory):
    """One process for each document and way, some at a time: what they wait for is not the processor."""
    @lru_cache(maxsize=None)
    def start(way, place):
        return pool.submit(WAYS[way], DOCUMENTS[place], tmp_path_factory.mktemp("spf"))

    with ThreadPoolExecutor(4) as pool:
        for way, place in sorted({(way, place) for way, place, _ in CASES}, key=lambda key: not is_silent(DOCUMENTS[key[1]])):
            start(way, place)
        yield lambda way, place: start(way, place).result()


@pytest.mark.skipif(not CASES, reason=f"{judge.SHARED}/suites/spf is not there")
@pytest.mark.parametrize("way, place, name", CASES, ids=[f"{way}-{name}" for way, _, name in CASES])
def test_spf(answers, way, place, name):
    test = DOCUMENTS[place]["tests"][name]
    answer = answers(way, place)[name]
    results = test["result"] if isinstance(test["result"], list) else [test["result"]]
    assert answer["result"] in results, json.dumps(answer, indent=1)
    if "explanation" in test:
        assert answer.get("explanation", "DEFAULT") == test["explanation"]
