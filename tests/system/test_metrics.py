# SPDX-License-Identifier: BSD-3-Clause
"""Metrics over HTTP: all there, as another parser reads them, and as ctl and the mail that was sent have it."""

import re
import shutil
import urllib.error
import urllib.request

import pytest
from lab import messages
from lab.commands import run, wait_until
from lab.namespaces import inside
from lab.smtp import Session
from prometheus_client.parser import text_string_to_metric_families

PORT = 9109
ALICE = "alice@example.test"


@pytest.fixture(name="engine")
def engine_with_metrics(make_engine):
    return make_engine(workers=2, changes={"metrics": {"listen": f"127.0.0.1:{PORT}"}})


def get(engine, path):
    """Status and text."""
    with inside(engine.namespaces.engine):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()


def families(engine):
    status, text = get(engine, "/metrics")
    assert status == 200
    found = list(text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def total(family, **labels):
    return sum(sample.value for sample in family.samples if labels.items() <= sample.labels.items())


def histogram(family):
    counts = [sample.value for sample in family.samples if sample.name.endswith("_bucket")]
    assert counts == sorted(counts)
    assert counts[-1] == next(sample.value for sample in family.samples if sample.name.endswith("_count"))
    return counts[-1]


def test_scrape(engine):
    before = families(engine)
    with Session(engine.namespaces) as session:
        for number in range(5):
            mail = messages.plain(f"metric-{number}@client.test")
            assert session.transaction("sender@client.test", [ALICE], mail.data)[0] == 250
        session.quit()
    wait_until(lambda: histogram(families(engine)["wirepost_end_of_data_seconds"]) >= 5, 5, "records of the messages")
    after = families(engine)
    assert not [name for name, family in after.items() if family.type in ("unknown", "untyped")]
    assert all(family.documentation for family in after.values())
    assert total(after["wirepost_messages_accepted"]) - total(before["wirepost_messages_accepted"]) == 5
    assert total(after["wirepost_smtp_replies"], reply="accepted", code="250") >= 5
    assert histogram(after["wirepost_commit_seconds"]) == 5
    assert {sample.labels["worker"] for sample in after["wirepost_net_frames_tcp"].samples} == {"0", "1"}
    assert total(after["wirepost_chunks_most"], **{"class": "large"}) >= 1
    assert after["wirepost_commits_parked"].type == "gauge" and total(after["wirepost_commits_parked"]) == 0
    assert total(after["wirepost_sessions_most"]) >= 1 and total(after["wirepost_ready"]) == 1
    assert total(after["wirepost_directory_entries"]) >= 2 and total(after["wirepost_limit_counters_evicted"]) == 0
    assert total(after["wirepost_store_bytes"]) > 0 and total(after["wirepost_store_free_bytes"]) > 0
    # What ctl shows is there too: the same tables made both. Replies are one metric with their row as a label.
    for name in engine.ask("counters"):
        row = re.fullmatch(r"(smtp|pop3|imap)_reply_(\w+)", name)
        if row:
            samples = after[f"wirepost_{row[1]}_replies"].samples
            assert any(sample.labels["reply"] == row[2] for sample in samples), name
        else:
            assert f"wirepost_{name}" in after, name


def test_promtool_finds_nothing_wrong(engine):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    found = run("promtool", "check", "metrics", data=get(engine, "/metrics")[1].encode(), check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_health_says_whether_mail_is_taken(engine):
    assert get(engine, "/health")[0] == 200
    assert get(engine, "/nothing")[0] == 404
    with Session(engine.namespaces) as session:
        session.envelope("sender@client.test", [ALICE])
        engine.ctl("drain", "30")
        status, text = get(engine, "/health")
        assert status == 503 and "draining" in text
        assert total(families(engine)["wirepost_draining"]) == 1
