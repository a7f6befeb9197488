# SPDX-License-Identifier: BSD-3-Clause
"""Large segments that the port cuts (TSO) over tap: the same bytes as without, nothing larger than the MTU, loss mended."""

import hashlib
import time

import pytest
from lab import clients, messages
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6

ALICE = "alice@example.test"
ETHERNET = 1514
LOSS = ("table netdev lossy {{ chain in {{ type filter hook ingress device {port} priority 0;\n"
        "numgen random mod 100 < 1 drop\n }}\n }}\n")


def received(namespaces):
    """Packets and bytes that the client's kernel took from the TAP."""
    folder = f"/sys/class/net/{namespaces.client_port}/statistics"
    return [int(namespaces.run("cat", f"{folder}/{name}").stdout) for name in ("rx_packets", "rx_bytes")]


def download(engine, address, mail):
    """The message by POP3; frames that the engine handed to its port, packets and bytes on the TAP."""
    before = [engine.ask("counters")["net_frames_out"], *received(engine.namespaces)]
    began = time.monotonic()
    stored = clients.curl_mailbox(engine.namespaces, address, ALICE)
    took = time.monotonic() - began
    after = [engine.ask("counters")["net_frames_out"], *received(engine.namespaces)]
    assert len(stored) == 1
    assert hashlib.sha256(stored[0][-len(mail.data):]).hexdigest() == mail.digest
    moved = [b - a for a, b in zip(before, after, strict=True)]
    print(f"{address}: {len(mail.data)} bytes in {took:.2f} s, {moved[0]} frames to the port, {moved[1]} packets")
    return moved


@pytest.mark.needs("nft")
@pytest.mark.parametrize("tso", ["auto", pytest.param("off", marks=pytest.mark.long)])
def test_the_same_bytes_whoever_cuts(make_engine, request, tso):
    engine = make_engine(pmd="tap", changes={"engine": {"tso": tso}})
    mail = messages.large("large@client.test", 20_000_000 if request.config.getoption("--long") else 3_000_000)
    size = len(mail.data)
    assert clients.curl_send(engine.namespaces, ENGINE_IPV4, "sender@client.test", [ALICE], mail).code == 250
    frames, packets, moved = download(engine, ENGINE_IPV4, mail)
    # The smallest of headers leaves each packet at most 1460 bytes.
    assert packets >= size // 1460
    assert moved <= packets * ETHERNET
    assert frames < packets / 4 if tso == "auto" else frames >= packets
    # DPDK's library for a TAP cuts no IPv6, so the engine does.
    frames, packets, moved = download(engine, ENGINE_IPV6, mail)
    assert packets >= size // 1440
    assert frames >= packets
    assert moved <= packets * ETHERNET
    # A packet in the middle of what was handed over at once is lost, and only that is sent again.
    engine.namespaces.run("nft", "-f", "-", data=LOSS.format(port=engine.namespaces.client_port).encode())
    before = engine.ask("counters")
    frames, _packets, _moved = download(engine, ENGINE_IPV4, mail)
    after = engine.ask("counters")
    assert after["tcp_retransmitted"] > before["tcp_retransmitted"]
    assert after["tcp_bytes_out"] - before["tcp_bytes_out"] < size * 1.1
    if tso == "auto":
        assert frames < size / 1448
