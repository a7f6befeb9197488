# SPDX-License-Identifier: BSD-3-Clause
"""The engine as a host on its link: echo, ARP, neighbour discovery, duplicate address detection."""

import time

import pytest
from conftest import first_short
from lab import records
from lab.commands import run, wait_until
from lab.engine import DRIVERS
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, end_capture

BOTH = (ENGINE_IPV4, ENGINE_IPV6)
ASKS_OTHERS = {"network": {"dad": "1s"}}


def ping(namespaces, address, *options):
    return namespaces.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", *options, address, check=False)


def answered_all(result):
    return b" 0% packet loss" in result.stdout


def echoes(namespaces, address, *options):
    """Three echoes, all answered. Busy kernels lose a datagram now and then, so it is tried up to three times."""
    for _ in range(3):
        result = ping(namespaces, address, *options)
        if answered_all(result):
            break
    return result


@pytest.mark.needs("ping")
@pytest.mark.parametrize("pmd", DRIVERS)
def test_echo(make_engine, pmd):
    namespaces = make_engine(pmd=pmd).namespaces
    for address in BOTH:
        for size in ("0", "56", "1400"):
            result = echoes(namespaces, address, "-s", size)
            assert answered_all(result), result.stdout


@pytest.mark.needs("ping")
@pytest.mark.parametrize("pmd", first_short(["tap", "af_xdp"]))
def test_echo_in_fragments_is_whole_or_nothing(make_engine, pmd):
    """A fragmented echo is reassembled or dropped; the engine goes on either way."""
    engine = make_engine(pmd=pmd)
    for address in BOTH:
        ping(engine.namespaces, address, "-s", "4000")
        assert answered_all(echoes(engine.namespaces, address))


@pytest.mark.needs("ping")
def test_neighbours_are_found_again(engine):
    for _ in range(3):
        engine.namespaces.forget_neighbours()
        for address in BOTH:
            assert answered_all(echoes(engine.namespaces, address))
    table = run("ip", "-n", engine.namespaces.client, "neigh").stdout.decode()
    own = run("ip", "-n", engine.namespaces.engine, "link", "show", engine.namespaces.engine_port).stdout.decode()
    for address in BOTH:
        line = next(line for line in table.splitlines() if line.startswith(f"{address} "))
        assert line.split()[line.split().index("lladdr") + 1] in own


@pytest.mark.needs("ping")
def test_engine_finds_a_client_that_changed_its_address(engine):
    """A new hardware address of the client's is learnt (gratuitous or asked for), and mail flows again."""
    namespaces = engine.namespaces
    run("ip", "-n", namespaces.client, "link", "set", namespaces.client_port, "address", "02:00:00:00:12:34")
    namespaces.forget_neighbours()
    for address in BOTH:
        wait_until(lambda address=address: answered_all(ping(namespaces, address)), 40, f"an echo from {address}")


@pytest.mark.needs("ping")
def test_other_addresses_are_not_answered(engine):
    for address in ("198.18.0.77", "2001:2::77"):
        result = engine.namespaces.run("ping", "-n", "-c", "1", "-W", "1", address, check=False)
        assert result.returncode != 0


def frames(path):
    return run("tcpdump", "-nn", "-e", "-r", path, check=False).stdout.decode()


@pytest.mark.needs("tcpdump")
def test_addresses_are_probed_and_announced(make_engine, tmp_path):
    capture = tmp_path / "start.pcap"
    tools = []

    def listen(namespaces):
        tools.append(namespaces.capture(capture))
        wait_until(capture.exists, 5, "tcpdump")

    make_engine(prepare=listen, changes=ASKS_OTHERS)
    time.sleep(1)
    end_capture(tools[0], capture)
    seen = frames(capture)
    probe = f":: > ff02::1:ff00:2: ICMP6, neighbor solicitation, who has {ENGINE_IPV6}"
    announced = f"neighbor advertisement, tgt is {ENGINE_IPV6}"
    assert probe in seen and announced in seen, seen
    assert seen.index(probe) < seen.index(announced), "announced before it was probed"
    assert f"who-has {ENGINE_IPV4} tell {ENGINE_IPV4}" in seen or f"Reply {ENGINE_IPV4} is-at" in seen, seen


@pytest.mark.long
def test_duplicate_address_is_not_used(make_engine):
    """RFC 4862 section 5.4: somebody else has our address; the others still serve."""
    def occupy(namespaces):
        run("ip", "-n", namespaces.client, "address", "add", f"{ENGINE_IPV6}/64", "dev", namespaces.client_port, "nodad")

    engine = make_engine(prepare=occupy, changes=ASKS_OTHERS)
    wait_until(lambda: records.total(engine.ask("counters"), "net_addresses_duplicate"), 5, "a duplicate to be counted")
    run("ip", "-n", engine.namespaces.client, "address", "del", f"{ENGINE_IPV6}/64", "dev", engine.namespaces.client_port)
    assert engine.greets(ENGINE_IPV4)
    assert not engine.greets(ENGINE_IPV6)
