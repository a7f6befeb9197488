# SPDX-License-Identifier: BSD-3-Clause
"""Random sessions on the engine, every response checked against the model of IMAP; two workers."""

import random
import time

import pytest
from lab.imap import damage, served, sessions
from lab.imap.model import Violation

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
LONG = 600  # seconds


@pytest.fixture(scope="module")
def server(shared_bench):
    return served.server_of(shared_bench(workers=2, changes=served.CHANGES))


@pytest.mark.parametrize("seed", (1, 2))
def test_named_seeds(server, seed):
    sessions.play(server, seed)


def test_a_seed_nobody_chose(server):
    sessions.play(server, random.randrange(1 << 32))


@pytest.mark.parametrize("kind", ("drop_expunge", "repeat_uid", "wrong_exists"))
def test_damage_on_the_way_is_noticed(server, kind):
    with damage.Proxy(server, kind) as proxy, pytest.raises(Violation):
        for seed in range(5):
            sessions.play(proxy.server, seed)


@pytest.mark.long
def test_ten_minutes(server, record_property):
    seed, played, commands = random.randrange(1 << 32), 0, 0
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        commands += sessions.play(server, seed + played, rounds=random.Random(seed + played).randint(2, 8), count=2 + played % 6)
        played += 1
    record_property("told", f"{played} seeds from {seed} on, {commands} commands")
