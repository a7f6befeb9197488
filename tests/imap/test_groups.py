# SPDX-License-Identifier: BSD-3-Clause
"""The scripted groups, those of others and ours, against a server that is known to be right."""

import pytest
from lab.imap import groups


@pytest.mark.parametrize("path", groups.parameters())
def test_group(server, path):
    groups.check(path, server)
