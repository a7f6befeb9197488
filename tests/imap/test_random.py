# SPDX-License-Identifier: BSD-3-Clause
"""The model of IMAP allows what a right server says, and notices each kind of damage."""

import pytest
from lab.imap import damage, sessions
from lab.imap.model import Violation


@pytest.mark.parametrize("seed", range(1, 4))
def test_nothing_is_wrong(server, seed):
    assert sessions.play(server, seed) > 0


@pytest.mark.parametrize("kind", damage.KINDS)
def test_damage_is_noticed(server, kind):
    with damage.Proxy(server, kind) as proxy, pytest.raises(Violation):
        for seed in range(1, 6):
            sessions.play(proxy.server, seed)
