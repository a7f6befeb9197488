# SPDX-License-Identifier: BSD-3-Clause
"""Devices as DPDK names them, given word for word (`pmd: eal`), carry mail like the drivers known by name."""

import pytest
from conftest import first_short
from test_drivers import smoke


def test_tap(make_engine):
    device = {"pmd": "eal", "interface": "", "device": "net_tap0,iface=wptap0"}
    smoke(make_engine(pmd="tap", changes={"engine": device}))


@pytest.mark.needs("dpdk-testpmd")
@pytest.mark.parametrize("workers", first_short([1, 2]))
def test_memif(make_engine, workers):
    smoke(make_engine(pmd="memif", workers=workers))
