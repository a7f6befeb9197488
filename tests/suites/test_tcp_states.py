# SPDX-License-Identifier: BSD-3-Clause
"""Each state of TCP and each kind of segment: what RFC 9293 section 3.10.7 says comes of it, as scripts for the drill."""

import os
import subprocess
from pathlib import Path

import pytest

import judge

DRILL = Path(os.environ.get("WIREPOST_DRILL", judge.ROOT / "build" / "tests" / "drill" / "drill"))

LISTEN = ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 bind(3, ..., ...) = 0", "+0 listen(3, 1) = 0"]
HALF = ["+0 < S 0:0(0) win 65535 <mss 1000,sackOK>", "+0 > S. 0:0(0) ack 1 <...>"]
OPEN = ["+0.01 < . 1:1(0) ack 1 win 65535", "+0 accept(3, ..., ...) = 4"]
CONNECT = ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
           "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", "+0 > S 0:0(0) <...>"]
SIMULTANEOUS = ["+0 < S 0:0(0) win 65535 <mss 1000,sackOK>", "+0 > S. 0:0(0) ack 1 <...>"]
SHUTDOWN = ["+0 shutdown(4, SHUT_WR) = 0"]
WINDOW = 65536  # of the receiver; 65535 is announced without a scale

# State: what leads to it, SND.UNA, SND.NXT, RCV.NXT.
PASSIVE = LISTEN + HALF + OPEN
SYNCHRONIZED = {
    "ESTABLISHED": (PASSIVE, 1, 1, 1),
    "FIN_WAIT_1": (PASSIVE + SHUTDOWN + ["+0 > F. 1:1(0) ack 1"], 1, 2, 1),
    "FIN_WAIT_2": (PASSIVE + SHUTDOWN + ["+0 > F. 1:1(0) ack 1", "+0.01 < . 1:1(0) ack 2 win 65535"], 2, 2, 1),
    "CLOSE_WAIT": (PASSIVE + ["+0 < F. 1:1(0) ack 1 win 65535", "+0 > . 1:1(0) ack 2"], 1, 1, 2),
    "CLOSING": (PASSIVE + SHUTDOWN + ["+0 > F. 1:1(0) ack 1", "+0.01 < F. 1:1(0) ack 1 win 65535", "+0 > . 2:2(0) ack 2"],
                1, 2, 2),
    "LAST_ACK": (PASSIVE + ["+0 < F. 1:1(0) ack 1 win 65535", "+0 > . 1:1(0) ack 2"] + SHUTDOWN + ["+0 > F. 1:1(0) ack 2"],
                 1, 2, 2),
    "TIME_WAIT": (PASSIVE + SHUTDOWN + ["+0 > F. 1:1(0) ack 1", "+0.01 < F. 1:1(0) ack 2 win 65535", "+0 > . 2:2(0) ack 2"],
                  2, 2, 2),
}
BEHIND = {"CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"}  # the peer's FIN was taken in


def wrap(n):
    return n % 2**32


def segment(flags, seq, length=0, ack=None, options=""):
    text = f"+0.01 < {flags} {wrap(seq)}:{wrap(seq + length)}({length})"
    return text + (f" ack {wrap(ack)}" if ack is not None else "") + f" win 65535{options}"


def reply(flags, seq, ack=None):
    return f"+0 > {flags} {wrap(seq)}:{wrap(seq)}(0)" + (f" ack {wrap(ack)} <...>" if ack is not None else "")


ANSWER, SILENT, RESET = "answer", "silent", "reset"


def kinds(state, una, nxt, rcv):
    """Name, segment, what comes of it: an acknowledgement, nothing, or the connection's end."""
    yield "rst-exact", segment("R", rcv), RESET if state != "TIME_WAIT" else SILENT
    yield "rst-ack-exact", segment("R.", rcv, 0, nxt), RESET if state != "TIME_WAIT" else SILENT
    yield "rst-wrong-ack", segment("R.", rcv, 0, nxt + 5000), RESET if state != "TIME_WAIT" else SILENT
    yield "rst-outside-left", segment("R", rcv - 1), SILENT
    yield "rst-outside-right", segment("R", rcv + WINDOW), SILENT
    if state != "TIME_WAIT":
        yield "rst-within", segment("R", rcv + 1), ANSWER
        yield "rst-right-edge", segment("R", rcv + WINDOW - 3), ANSWER
        yield "rst-with-data-within", segment("R", rcv + 100, 10), ANSWER
        for where, seq in (("left-edge", rcv), ("within", rcv + 1000), ("outside-left", rcv - 1), ("outside-right", rcv + WINDOW)):
            yield f"syn-{where}", segment("S", seq, 0, None, " <mss 1000,sackOK>"), ANSWER
            yield f"syn-ack-{where}", segment("S.", seq, 0, nxt, " <mss 1000>"), ANSWER
        yield "syn-rst", segment("SR", rcv), RESET
        yield "syn-fin", segment("SF", rcv), ANSWER
        yield "ack-of-nothing-sent", segment(".", rcv, 0, nxt + 1), ANSWER
        yield "ack-far-ahead", segment(".", rcv, 0, nxt + 2**30), ANSWER
        yield "ack-far-behind", segment(".", rcv, 0, una - 70000), ANSWER
        yield "data-with-ack-of-nothing-sent", segment(".", rcv, 10, nxt + 1), ANSWER
        yield "no-flags", segment("-", rcv), SILENT
        yield "no-flags-data", segment("-", rcv, 10), SILENT
        yield "push-without-ack", segment("P", rcv, 10), SILENT
        yield "fin-without-ack", segment("F", rcv), SILENT
        yield "urg-without-ack", segment("U", rcv, 10), SILENT
    yield "ack-outside-left", segment(".", rcv - 1, 0, nxt), ANSWER
    yield "ack-outside-right", segment(".", rcv + WINDOW, 0, nxt), ANSWER
    yield "data-outside-left", segment(".", rcv - 1, 1, nxt), ANSWER
    yield "data-outside-right", segment(".", rcv + WINDOW, 10, nxt), ANSWER
    yield "fin-outside-right", segment("F.", rcv + WINDOW, 0, nxt), ANSWER
    yield "no-flags-outside-left", segment("-", rcv - 1), ANSWER if state != "TIME_WAIT" else SILENT
    if state in BEHIND:
        yield "fin-again", segment("F.", rcv - 1, 0, una), ANSWER
    else:
        yield "fin-out-of-order", segment("F.", rcv + 100, 0, una), ANSWER
        yield "data-out-of-order", segment(".", rcv + 100, 10, una), ANSWER
        yield "data-before-what-was-read", segment(".", rcv - 100, 50, una), ANSWER


def synchronized():
    for state, (prologue, una, nxt, rcv) in SYNCHRONIZED.items():
        for name, line, outcome in kinds(state, una, nxt, rcv):
            lines = prologue + [f"+0 state(4) = {state}", line]
            if outcome == ANSWER:
                lines += [reply(".", nxt, rcv)]
            if outcome == RESET:
                lines += ["+0 state(4) = CLOSED", segment(".", rcv, 0, nxt), reply("R", nxt)]
            else:
                lines += [f"+0.01 state(4) = {state}"]
            yield f"{state.lower().replace('_', '-')}-{name}", lines


OPTIONS = " <mss 1000,sackOK>"
UNSYNCHRONIZED = {
    # SYN-SENT: section 3.10.7.3
    "syn-sent-rst": (CONNECT, [segment("R", 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-rst-ack": (CONNECT, [segment("R.", 0, 0, 1), "+0 state(3) = CLOSED",
                                   "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0"]),
    "syn-sent-rst-ack-wrong": (CONNECT, [segment("R.", 0, 0, 2), "+0 state(3) = SYN_SENT"]),
    "syn-sent-rst-ack-old": (CONNECT, [segment("R.", 0, 0, 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-ack-old": (CONNECT, [segment(".", 0, 0, 0), reply("R", 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-ack-ahead": (CONNECT, [segment(".", 0, 0, 2), reply("R", 2), "+0 state(3) = SYN_SENT"]),
    "syn-sent-ack-right": (CONNECT, [segment(".", 0, 0, 1), "+0 state(3) = SYN_SENT"]),
    "syn-sent-data-without-syn": (CONNECT, [segment(".", 5, 10, 1), "+0 state(3) = SYN_SENT"]),
    "syn-sent-no-flags": (CONNECT, [segment("-", 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-fin": (CONNECT, [segment("F", 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-urg": (CONNECT, [segment("U", 0, 3), "+0 state(3) = SYN_SENT"]),
    "syn-sent-syn-ack-old": (CONNECT, [segment("S.", 0, 0, 0, OPTIONS), reply("R", 0), "+0 state(3) = SYN_SENT"]),
    "syn-sent-syn-ack-ahead": (CONNECT, [segment("S.", 0, 0, 2, OPTIONS), reply("R", 2), "+0 state(3) = SYN_SENT"]),
    "syn-sent-syn-ack-rst-wrong": (CONNECT, [segment("SR.", 0, 0, 2), "+0 state(3) = SYN_SENT"]),
    "syn-sent-syn-ack": (CONNECT, [segment("S.", 0, 0, 1, OPTIONS), reply(".", 1, 1), "+0 state(3) = ESTABLISHED"]),
    "syn-sent-syn-ack-data": (CONNECT, [segment("S.", 0, 10, 1, OPTIONS), "+0~+0.5 > . 1:1(0) ack 11",
                                        "+0 state(3) = ESTABLISHED", "+0 read(3, ..., 100) = 10"]),
    "syn-sent-syn-ack-fin": (CONNECT, [segment("SF.", 0, 0, 1, OPTIONS), reply(".", 1, 2), "+0 state(3) = CLOSE_WAIT"]),
    "syn-sent-syn": (CONNECT, [segment("S", 0, 0, None, OPTIONS), reply("S.", 0, 1), "+0 state(3) = SYN_RECEIVED"]),
    # SYN-RECEIVED after both asked: section 3.10.7.4
    "simultaneous-ack": (CONNECT + SIMULTANEOUS, [segment(".", 1, 0, 1), "+0 state(3) = ESTABLISHED"]),
    "simultaneous-syn-ack": (CONNECT + SIMULTANEOUS, [segment("S.", 0, 0, 1, OPTIONS), "+0 state(3) = ESTABLISHED"]),
    "simultaneous-rst": (CONNECT + SIMULTANEOUS, [segment("R", 1), "+0 state(3) = CLOSED",
                                                  "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0"]),
    "simultaneous-rst-within": (CONNECT + SIMULTANEOUS, [segment("R", 2), reply(".", 1, 1), "+0 state(3) = SYN_RECEIVED"]),
    "simultaneous-rst-outside": (CONNECT + SIMULTANEOUS, [segment("R", -1), "+0 state(3) = SYN_RECEIVED"]),
    "simultaneous-ack-wrong": (CONNECT + SIMULTANEOUS, [segment(".", 1, 0, 2), reply("R", 2), "+0 state(3) = SYN_RECEIVED"]),
    "simultaneous-fin": (CONNECT + SIMULTANEOUS, [segment("F.", 1, 0, 1), reply(".", 1, 2), "+0 state(3) = CLOSE_WAIT"]),
    "simultaneous-data": (CONNECT + SIMULTANEOUS, [segment("P.", 1, 10, 1), "+0~+0.5 > . 1:1(0) ack 11",
                                                   "+0 state(3) = ESTABLISHED"]),
    # SYN-RECEIVED of a listener
    "syn-received-ack": (LISTEN + HALF, [segment(".", 1, 0, 1), "+0 accept(3, ..., ...) = 4", "+0 state(4) = ESTABLISHED"]),
    "syn-received-data": (LISTEN + HALF, [segment("P.", 1, 10, 1), "+0~+0.5 > . 1:1(0) ack 11", "+0 accept(3, ..., ...) = 4"]),
    "syn-received-fin": (LISTEN + HALF, [segment("F.", 1, 0, 1), reply(".", 1, 2), "+0 accept(3, ..., ...) = 4",
                                         "+0 state(4) = CLOSE_WAIT"]),
    "syn-received-syn-again": (LISTEN + HALF, [segment("S", 0, 0, None, OPTIONS), reply("S.", 0, 1)] + OPEN),
    "syn-received-rst": (LISTEN + HALF, [segment("R", 1), segment(".", 1, 0, 1), reply("R", 1)]),
    "syn-received-rst-within": (LISTEN + HALF, [segment("R", 2), reply(".", 1, 1)] + OPEN),
    "syn-received-rst-outside": (LISTEN + HALF, [segment("R", 0)] + OPEN),
    "syn-received-ack-ahead": (LISTEN + HALF, [segment(".", 1, 0, 2), reply("R", 2)] + OPEN),
    "syn-received-ack-old": (LISTEN + HALF, [segment(".", 1, 0, 0), reply("R", 0)] + OPEN),
    "syn-received-no-flags": (LISTEN + HALF, [segment("-", 1)] + OPEN),
    "syn-received-fin-without-ack": (LISTEN + HALF, [segment("F", 1)] + OPEN),
    # LISTEN: section 3.10.7.2
    "listen-rst": (LISTEN, [segment("R", 0)] + HALF + OPEN),
    "listen-rst-ack": (LISTEN, [segment("R.", 0, 0, 1)] + HALF + OPEN),
    "listen-ack": (LISTEN, [segment(".", 0, 0, 7), reply("R", 7)]),
    "listen-syn-ack": (LISTEN, [segment("S.", 0, 0, 7), reply("R", 7)]),
    "listen-fin-ack": (LISTEN, [segment("F.", 0, 0, 7), reply("R", 7)]),
    "listen-no-flags": (LISTEN, [segment("-", 0)]),
    "listen-fin": (LISTEN, [segment("F", 0)]),
    "listen-urg": (LISTEN, [segment("U", 0, 5)]),
    # CLOSED: section 3.10.7.1; nobody listens behind the socket that was closed
    "closed-rst": (LISTEN + ["+0 close(3) = 0"], [segment("R", 0)]),
    "closed-rst-ack": (LISTEN + ["+0 close(3) = 0"], [segment("R.", 0, 0, 1)]),
    "closed-syn": (LISTEN + ["+0 close(3) = 0"], [segment("S", 5), "+0 > R. 0:0(0) ack 6"]),
    "closed-syn-data": (LISTEN + ["+0 close(3) = 0"], [segment("S", 5, 10), "+0 > R. 0:0(0) ack 16"]),
    "closed-syn-fin": (LISTEN + ["+0 close(3) = 0"], [segment("SF", 5), "+0 > R. 0:0(0) ack 7"]),
    "closed-fin": (LISTEN + ["+0 close(3) = 0"], [segment("F", 5), "+0 > R. 0:0(0) ack 6"]),
    "closed-no-flags": (LISTEN + ["+0 close(3) = 0"], [segment("-", 5, 3), "+0 > R. 0:0(0) ack 8"]),
    "closed-ack": (LISTEN + ["+0 close(3) = 0"], [segment(".", 5, 3, 9), reply("R", 9)]),
    "closed-syn-ack": (LISTEN + ["+0 close(3) = 0"], [segment("S.", 5, 0, 9), reply("R", 9)]),
}


def cases():
    yield from synchronized()
    for name, (prologue, lines) in UNSYNCHRONIZED.items():
        yield name, prologue + lines


@pytest.fixture(scope="module", name="played")
def fixture_played(tmp_path_factory):
    """What came of each script: None, or the line that says what was wrong."""
    folder, found, why = tmp_path_factory.mktemp("states"), {}, None
    for version in ("ipv4", "ipv6"):
        for name, lines in cases():
            (folder / f"{name}-{version}.pkt").write_text("\n".join([f"--ip_version={version}", *lines]) + "\n")
    output = subprocess.run([DRILL, f"--folder={folder}"], capture_output=True, text=True, check=False).stdout
    for line in output.splitlines():
        if line.startswith("# "):
            why = line[2:]
        elif " ok " in f" {line}" and line.endswith(".pkt"):
            found[line.split()[-1].removesuffix(".pkt")], why = why, None
    return found


@pytest.mark.parametrize("name", [name for name, _ in cases()])
def test_state(name, played):
    for version in ("ipv4", "ipv6"):
        assert played[f"{name}-{version}"] is None
