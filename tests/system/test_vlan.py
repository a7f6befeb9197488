# SPDX-License-Identifier: BSD-3-Clause
"""The tag on the cable: all that both ends say of mail carries it, and frames with another find nobody."""

import pytest
from conftest import first_short
from lab import records
from lab.commands import run, start, wait_until
from lab.frames import CLIENT_IPV4, CLIENT_IPV6, Wire, ipv4, ipv6, tcp_syn
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, end_capture
from test_drivers import smoke

CABLE = "client0"
VLAN, PRIORITY = 100, 7 << 13
SYN4, SYN6 = ipv4(tcp_syn(CLIENT_IPV4, ENGINE_IPV4)), ipv6(tcp_syn(CLIENT_IPV6, ENGINE_IPV6))


def frames(capture, expression):
    return len(run("tcpdump", "-nn", "-r", capture, expression).stdout.splitlines())


@pytest.mark.needs("tcpdump")
@pytest.mark.parametrize("pmd, workers", [("af_packet", 2), ("af_xdp", 1)])
def test_all_frames_of_mail_are_tagged(make_engine, tmp_path, pmd, workers):
    capture, tools = tmp_path / "cable.pcap", []

    def listen(namespaces):
        tools.append(start(*namespaces.command("tcpdump", "-i", CABLE, "-s", "64", "-U", "-Z", "root", "-w", capture)))
        wait_until(capture.exists, 5, "tcpdump")

    smoke(make_engine(pmd=pmd, workers=workers, vlan=VLAN, prepare=listen))
    end_capture(tools[0], capture)
    for mail in ("tcp src port 25", "tcp dst port 25", "tcp src port 110", "arp", "ip6 and tcp"):
        assert frames(capture, mail) == 0
        assert frames(capture, f"vlan {VLAN} and {mail}") > 0


@pytest.mark.parametrize("pmd", first_short(["af_packet", "af_xdp"]))
def test_other_tags_are_dropped(make_engine, pmd):
    engine = make_engine(pmd=pmd, vlan=VLAN)

    def count(name):
        return records.total(engine.ask("counters"), name)

    others, taken = count("net_vlan_other"), count("net_frames_tcp")
    with Wire(engine.namespaces, CABLE) as wire:
        for packet in (SYN4, SYN6):
            for tags in ((), (VLAN + 1,), (VLAN, VLAN), (VLAN + 1, VLAN), (0,)):
                wire.send(packet, *tags)
        wait_until(lambda: count("net_vlan_other") >= others + 10, 5, "frames with other tags")
        assert count("net_frames_tcp") == taken
        for packet in (SYN4, SYN6):
            wire.send(packet, PRIORITY | VLAN)
        wait_until(lambda: count("net_frames_tcp") >= taken + 2, 5, "frames with our tag")
