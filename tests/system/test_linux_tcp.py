# SPDX-License-Identifier: BSD-3-Clause
"""Our TCP against Linux's through a cable: large transfers, many connections at once, loss, small windows and segments."""

import hashlib
import re
import resource
import time

import pytest
from lab import clients, messages
from lab.commands import run
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, offloads_off
from lab.smtp import Session

ALICE = "alice@example.test"
MEGABYTE = 1_000_000
# What is lost is lost between two devices, where both systems have sent it already.
LOSS = """table netdev lossy {{
 chain out {{ type filter hook ingress device {inner} priority 0; numgen random mod 100 < {percent} counter drop; fwd to {cable}; }}
 chain in {{ type filter hook ingress device {cable} priority 0; numgen random mod 100 < {percent} counter drop; fwd to {inner}; }}
}}
"""


def lossy(namespaces, percent):
    """
    So many of a hundred packets are lost in each direction. The client's addresses move to a device of their own in the
    client's namespace, whose other end nftables joins to the cable: what Linux drops where it sends, it takes for a full
    queue and not for sent.
    """
    cable, outer, inner = namespaces.client_port, "lossy0", "lossy1"
    hardware = namespaces.hardware_address(cable)
    run("ip", "-n", namespaces.client, "link", "add", outer, "address", hardware, "type", "veth", "peer", "name", inner)
    namespaces.take_addresses(cable)
    for device in (outer, inner):
        offloads_off(namespaces.client, device)
        run("ip", "-n", namespaces.client, "link", "set", device, "promisc", "on", "up")
    namespaces.client_port = outer
    namespaces.give_addresses(outer)
    namespaces.run("nft", "-f", "-", data=LOSS.format(inner=inner, cable=cable, percent=percent).encode())


def lost(namespaces):
    """Packets that were lost: to the engine, from it."""
    rules = namespaces.run("nft", "list", "table", "netdev", "lossy").stdout.decode()
    return [int(count) for count in re.findall(r"counter packets (\d+)", rules)]


def both_ways(engine, address, size, timeout=600):
    """A message of this size in by SMTP and out by POP3, every byte right."""
    mail = messages.large("linux@client.test", size)
    began = time.monotonic()
    sent = clients.curl_send(engine.namespaces, address, "sender@client.test", [ALICE], mail, timeout=timeout)
    assert sent.code == 250, sent.reply
    uploaded = time.monotonic()
    stored = clients.curl_mailbox(engine.namespaces, address, ALICE)
    print(f"up {uploaded - began:.1f} s, down {time.monotonic() - uploaded:.1f} s")
    assert len(stored) == 1
    assert hashlib.sha256(stored[0][-len(mail.data):]).hexdigest() == mail.digest


@pytest.mark.long
def test_a_gigabyte_both_ways(make_engine):
    """In ten messages, so that no client has to hold more than one."""
    engine = make_engine(changes={"smtp": {"message_size": "110MiB"}})
    for number in range(10):
        mail = messages.large(f"giga{number}@client.test", 100 * MEGABYTE, seed=number)
        sent = clients.curl_send(engine.namespaces, ENGINE_IPV4, "sender@client.test", [ALICE], mail, timeout=600)
        assert sent.code == 250, sent.reply
        stored = clients.curl_mailbox(engine.namespaces, ENGINE_IPV4, ALICE, only=number + 1)
        assert hashlib.sha256(stored[0][-len(mail.data):]).hexdigest() == mail.digest


@pytest.mark.needs("nft")
@pytest.mark.parametrize("address", [ENGINE_IPV4, pytest.param(ENGINE_IPV6, marks=pytest.mark.long)])
def test_one_packet_of_a_hundred_is_lost(make_engine, request, address):
    engine = make_engine(changes={"smtp": {"message_size": "60MiB"}})
    lossy(engine.namespaces, 1)
    both_ways(engine, address, (50 if request.config.getoption("--long") else 5) * MEGABYTE)
    assert min(lost(engine.namespaces)) > 10
    assert engine.ask("counters")["tcp_retransmitted"] > 0


@pytest.mark.long
def test_small_windows_and_segments(make_engine):
    """Linux announces 536 bytes a segment and windows of a few KiB."""
    engine = make_engine(changes={"smtp": {"message_size": "10MiB"}})
    namespaces = engine.namespaces
    namespaces.run("ip", "route", "replace", "198.18.0.2/32", "dev", namespaces.client_port, "advmss", "536",
                   "window", "4096")
    namespaces.run("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 4096 8192", "net.ipv4.tcp_window_scaling=0")
    both_ways(engine, ENGINE_IPV4, MEGABYTE // 3)


def test_1000_connections_at_once(make_engine):
    """All open, all greeted; then each says more, the last first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    engine, sessions = make_engine(workers=2), []
    try:
        for number in range(1000):
            sessions.append(Session(engine.namespaces, (ENGINE_IPV4, ENGINE_IPV6)[number % 2], greet=False))
        assert all(session.reply()[0] == 220 for session in reversed(sessions))
        for line, code in ((b"EHLO client.test", 250), (b"NOOP", 250), (b"QUIT", 221)):
            for session in sessions:
                session.send(line + b"\r\n")
            assert all(session.reply()[0] == code for session in reversed(sessions))
    finally:
        for session in sessions:
            session.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
