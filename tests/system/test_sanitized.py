# SPDX-License-Identifier: BSD-3-Clause
"""The engine built with the address and undefined-behaviour sanitizers, over each driver: mail in and out, no report.

WIREPOST_ASAN names that binary. Frames are fenced in it: past their length, and whole after their turn.
"""

import os
import re

import pytest
from lab import ROOT, clients, messages
from lab.engine import DRIVERS
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6
from lab.smtp import Session, inbox

ALICE, BOB = "alice@example.test", "bob@example.test"
REPORT = re.compile(r"(ERROR|SUMMARY): \w*Sanitizer|runtime error:")
MEMIF = pytest.param("memif", 1, marks=pytest.mark.needs("dpdk-testpmd"))
SETTINGS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/sanitizer.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:abort_on_error=1",
}


@pytest.fixture
def sanitized(monkeypatch):
    binary = os.environ.get("WIREPOST_ASAN")
    if not binary:
        pytest.skip("WIREPOST_ASAN names no binary with sanitizers")
    monkeypatch.setenv("WIREPOST", binary)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def send_some(namespaces):
    """Plain ones in a session over each family, and one of 2 MB."""
    mails = [messages.plain(f"plain{number}@client.test", size=100 << 2 * number) for number in range(6)]
    for number, address in enumerate((ENGINE_IPV4, ENGINE_IPV6)):
        with Session(namespaces, address) as session:
            for mail in mails[number::2]:
                assert session.transaction("sender@client.test", [ALICE, BOB], mail.data)[0] == 250
            session.quit()
    large = messages.large("large@client.test", 2_000_000)
    assert clients.curl_send(namespaces, ENGINE_IPV6, "sender@client.test", [ALICE, BOB], large).code == 250
    return [*mails, large]


def check_refusal(namespaces):
    eicar = messages.with_text("eicar@client.test", messages.EICAR)
    with Session(namespaces) as session:
        assert session.transaction("sender@client.test", [ALICE], eicar.data)[0] == 550


def leave_in_the_middle(namespaces):
    """Connections that end by a reset within a message: what they held has to come back."""
    for address in (ENGINE_IPV4, ENGINE_IPV6):
        with Session(namespaces, address) as session:
            assert session.envelope("sender@client.test", [ALICE])[0] == 354
            session.send(b"Subject: never finished\r\n\r\n" + b"half a line " * 2000)


@pytest.mark.needs("ping")
@pytest.mark.parametrize("pmd, workers", [*zip(DRIVERS, (2, 1, 2)), MEMIF])
def test_sanitized(sanitized, make_engine, pmd, workers):
    # LeakSanitizer looks at the threads from a process of its own, which the filter of system calls does not let it make.
    engine = make_engine(pmd=pmd, workers=workers, changes={"engine": {"system_calls": "all", "core_files": True}})
    namespaces = engine.namespaces
    sent = send_some(namespaces)
    check_refusal(namespaces)
    leave_in_the_middle(namespaces)
    for address in (ENGINE_IPV4, ENGINE_IPV6):
        namespaces.run("ping", "-n", "-c", "5", "-i", "0.1", "-W", "2", "-s", "1400", address)
    for user, address in ((ALICE, ENGINE_IPV6), (BOB, ENGINE_IPV4)):
        stored, _uids = inbox(namespaces, user, address)
        assert len(stored) == len(sent)
        for mail in sent:
            assert sum(messages.is_delivery_of(data, mail.data) for data in stored.values()) == 1, mail.message_id
    engine.ctl("stop")
    status = engine.process.wait(30)
    text = engine.log.read_text(errors="replace")
    assert status == 0 and not REPORT.search(text), text
