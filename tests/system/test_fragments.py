# SPDX-License-Identifier: BSD-3-Clause
"""Fragments are put together within limits; those that make no sense, and frames shorter than the packet they claim, are dropped, counted
by reason, and the engine goes on.

Not over af_packet, where the kernel puts fragments together first.
"""

import pytest
from conftest import first_short
from lab import records
from lab.commands import wait_until
from lab.frames import CLIENT_IPV4, CLIENT_IPV6, Wire, ipv4, ipv6, ipv6_fragment, tcp_syn
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6

SYN4, SYN6 = tcp_syn(CLIENT_IPV4, ENGINE_IPV4), tcp_syn(CLIENT_IPV6, ENGINE_IPV6)
FILL = bytes(40)
FRAGMENTS = [
    ipv4(SYN4[:18], more=True),  # not a multiple of 8
    ipv4(SYN4[:16], more=True),  # not even the TCP header
    ipv4(FILL, offset=8191),  # its end lies beyond 65535
    ipv6_fragment(SYN6[:18], more=True),
    ipv6_fragment(SYN6[:16], more=True),
    ipv6_fragment(FILL, offset=8191),
]
TRUNCATED = [
    ipv4(SYN4, claimed=len(SYN4) + 1000),
    ipv4(SYN4, claimed=65515),
    ipv6(SYN6, claimed=len(SYN6) + 1000),
    ipv6(SYN6, claimed=65535),
]
DRIVERS = ["tap", "af_xdp", pytest.param("memif", marks=pytest.mark.needs("dpdk-testpmd"))]


def counters(engine):
    answer = engine.ask("counters")
    return {name: records.total(answer, name) for name in
            ("net_fragment_bad", "net_fragments_whole", "net_frame_truncated", "net_frames_tcp")}


def dropped(engine, before, name):
    return counters(engine)[name] - before[name]


@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_made_by_hand(make_engine, pmd):
    engine = make_engine(pmd=pmd)
    before = counters(engine)
    with Wire(engine.namespaces) as wire:
        for packet in FRAGMENTS + TRUNCATED:
            wire.send(packet)
        wait_until(lambda: dropped(engine, before, "net_frame_truncated") == len(TRUNCATED), 5, "short frames")
        assert dropped(engine, before, "net_fragment_bad") == len(FRAGMENTS)
        assert dropped(engine, before, "net_frames_tcp") == 0
        # What was wrong with them is what was said of them: whole, the same segment is taken in.
        wire.send(ipv4(SYN4))
        wire.send(ipv6_fragment(SYN6))  # alone a whole packet (RFC 6946)
        wait_until(lambda: dropped(engine, before, "net_frames_tcp") >= 2, 5, "whole segments")
    for address in (ENGINE_IPV4, ENGINE_IPV6):
        assert engine.greets(address)


def answers(engine, address, size=56):
    return engine.namespaces.run("ping", "-n", "-c", "1", "-W", "1", "-s", str(size), address, check=False).returncode == 0


@pytest.mark.needs("ping")
@pytest.mark.parametrize("pmd", first_short(DRIVERS))
def test_made_by_the_kernel(make_engine, pmd):
    """An echo of 4000 bytes comes in three pieces that are put together. Its answer would be longer than the port carries; a small one is answered."""
    engine = make_engine(pmd=pmd)
    for address in (ENGINE_IPV4, ENGINE_IPV6):
        before = counters(engine)
        for _ in range(3):
            assert not answers(engine, address, 4000)
        assert 1 <= dropped(engine, before, "net_fragments_whole") <= 3
        wait_until(lambda address=address: answers(engine, address), 5, f"an echo from {address}")
