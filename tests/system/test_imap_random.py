# SPDX-License-Identifier: BSD-3-Clause
"""Random sessions on the engine, every response checked against the model of IMAP; two workers."""

import random
import ssl
import time

import pytest
from lab.certificates import Authority
from lab.engine import HOSTNAME
from lab.imap import damage, served, sessions
from lab.imap.model import Violation

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
LONG = 600  # seconds


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def engine_of_all(shared_bench, authority):
    listeners = [*served.CHANGES["listeners"], {"port": served.TLS_PORT, "protocol": "imap", "tls": "implicit"}]
    return shared_bench(workers=2, changes={**served.CHANGES, "listeners": listeners, "tls": {"certificates": [authority.sign("ecdsa", HOSTNAME)]}})


@pytest.fixture(scope="module")
def server(engine_of_all):
    return served.server_of(engine_of_all)


@pytest.mark.parametrize("seed", (1, 2))
def test_named_seeds(server, seed):
    sessions.play(server, seed)


def test_a_seed_nobody_chose(server):
    sessions.play(server, random.randrange(1 << 32))


def test_a_seed_under_tls(engine_of_all, authority):
    """And COMPRESS above it."""
    sessions.play(served.server_of(engine_of_all, tls=ssl.create_default_context(cafile=str(authority.file))), 3, rounds=2, turns=300)


@pytest.mark.parametrize("kind", ("drop_expunge", "repeat_uid", "wrong_exists", "told_recent"))
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
