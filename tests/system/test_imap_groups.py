# SPDX-License-Identifier: BSD-3-Clause
"""The scripted groups of IMAP, those of others and ours, played against the engine."""

import pytest
from lab.imap import groups, served

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")


@pytest.fixture(scope="module")
def server(shared_bench):
    return served.server_of(shared_bench(changes=served.CHANGES))


@pytest.mark.parametrize("path", groups.parameters())
def test_group(server, path):
    groups.check(path, server)
