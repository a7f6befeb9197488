# SPDX-License-Identifier: BSD-3-Clause
"""The tap on live ports: what it tells is what it tells of a capture, it knows when it is blind, and it sends nothing."""

import hashlib
import json
import os
import pwd
import signal
import socket
import struct
import subprocess
import time

import pytest

from lab import ROOT, messages, records
from lab.clients import curl_send
from lab.commands import end, run, wait_until
from lab.engine import Engine, binary
from lab.namespaces import ENGINE_IPV4, Namespaces, inside
from lab.smtp import Session
from lab.tap import Cable, Hub, Tap, frames_of

SENDER, ALICE = "sender@client.test", "alice@example.test"
NO_RULES = {"rules": {"files": []}}
MAILS = [messages.plain("live-1@client.test", size=3000), messages.plain("live-2@client.test", size=60_000),
         messages.with_text("live-3@client.test", messages.GTUBE)]


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def of_capture(path, *words):
    """What `wirepost tap --pcap` tells."""
    done = subprocess.run([binary(), "tap", *map(str, words), "--json", "-", "--pcap", path], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def facts(events, ordered=True):
    """What of the events does not depend on when and by which worker they were seen. Without `ordered`, nor on whether the last
    acknowledgement came before what it is for: it then counts as a packet, or comes when the connection has ended."""
    rows = []
    for event in events:
        if event["kind"] == "message":
            row = {"message": event["message"], "code": event["result"]["code"]}
        elif event["kind"] in ("session", "flow", "part", "rule", "anomaly", "tls", "login"):
            row = {name: value for name, value in event.items()
                   if name not in ("time", "began", "flow", "connection", "message")}
            for side in ("to_server", "to_client"):
                if not ordered and side in row:
                    del row[side]["packets"]
        else:
            continue
        rows.append(json.dumps({"kind": event["kind"], **row}, sort_keys=True))
    return sorted(rows)


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """Three messages in three connections, between a client and an engine."""
    path = tmp_path_factory.mktemp("live") / "session.pcap"
    with Namespaces("wpt") as namespaces, Engine(namespaces, changes=NO_RULES).start() as engine:
        with namespaces.capturing(path):
            for mail in MAILS:
                with Session(namespaces) as session:
                    session.transaction(SENDER, [ALICE], mail.data)
                    session.quit()
            wait_until(lambda: len(records.read(engine, "connection")) >= len(MAILS), 10, "the connections' records")
    return path


def with_ports(frames):
    """The clients' ports become numbers in a row, whose owners among two workers take turns."""
    known, out = {}, []
    for frame in frames:
        new = bytearray(frame)
        at = 34 if struct.unpack_from("!H", frame, 36)[0] == 25 else 36
        old, = struct.unpack_from("!H", frame, at)
        port = known.setdefault(old, 40000 + len(known))
        struct.pack_into("!H", new, at, port)
        # RFC 1624 section 3
        total = (~struct.unpack_from("!H", frame, 50)[0] & 0xffff) + (~old & 0xffff) + port
        total = (total & 0xffff) + (total >> 16)
        struct.pack_into("!H", new, 50, ~((total & 0xffff) + (total >> 16)) & 0xffff)
        out.append(bytes(new))
    return out


def in_fragments(frames, most=576):
    """Each IPv4 datagram longer than that, cut in pieces, the last first."""
    out = []
    for number, frame in enumerate(frames):
        length = struct.unpack_from("!H", frame, 16)[0]
        if frame[12:14] != b"\x08\x00" or length <= most:
            out.append(frame)
            continue
        header, body = bytearray(frame[14:34]), frame[34:14 + length]
        step = (most - 20) // 8 * 8
        pieces = []
        for at in range(0, len(body), step):
            piece = body[at:at + step]
            more = 0x2000 if at + step < len(body) else 0
            struct.pack_into("!HHH", header, 2, 20 + len(piece), number + 1, more | at // 8)
            header[10:12] = b"\0\0"
            total = sum(struct.unpack("!10H", header))
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            struct.pack_into("!H", header, 10, ~total & 0xffff)
            pieces.append(bytes(frame[:14] + header + piece))
        out += reversed(pieces)
    return out


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 1, number, len(frame), len(frame)) + frame)
    return path


# af_packet has its fragments put together by the kernel, so they come over a TAP, whose two queues know nothing of owners.
@pytest.mark.parametrize("workers, pmd, cut", [
    pytest.param(1, "af_packet", False, marks=pytest.mark.long), pytest.param(2, "af_packet", False, marks=pytest.mark.long),
    pytest.param(1, "tap", True, marks=pytest.mark.long), (2, "tap", True),
    pytest.param(2, "af_xdp", True, marks=pytest.mark.long)])
def test_as_of_a_capture(capture, tmp_path, workers, pmd, cut):
    frames = with_ports(frames_of(capture))
    frames = in_fragments(frames) if cut else frames
    expected = facts(of_capture(write_pcap(tmp_path / "played.pcap", frames), "--extract", tmp_path / "out"), not cut)
    changes = {"tap": {"extract": str(tmp_path / "live")}}
    with Namespaces("wpt") as namespaces, \
            Tap(namespaces, ["wptap0"] if pmd == "tap" else None, pmd, workers, changes) as tap:
        if pmd == "tap":
            namespaces.adopt("wptap0")
        with Cable(namespaces) as cable:
            cable.play(frames)
        wait_until(lambda: len(tap.events("message")) == len(MAILS), 10, "the messages")
        events = tap.finish()
    told = facts(events, not cut)
    assert told == expected, "\n".join(sorted(set(told) ^ set(expected)))
    assert sorted(os.listdir(tmp_path / "live")) == sorted(os.listdir(tmp_path / "out"))
    last = of(events, "statistics")[-1]
    assert last["last"] and last["tap"]["messages"] == len(MAILS) and last["port"]["out_frames"] == 0
    assert last["worker"]["mesh_full"] == last["port"]["missed"] == last["output"]["lost"] == 0
    if workers == 2:
        assert last["worker"]["frames_to_mesh"] > 0
        assert not cut or last["worker"]["datagrams_passed"] > 0


def test_a_real_session_at_a_hub(tmp_path):
    """Both directions of what two others say, on a third port of a hub; a message is told as the engine tells it."""
    with Hub("wpt") as hub, Engine(hub, changes=NO_RULES).start() as engine, \
            Tap(hub, [hub.mirror_port], workers=2, where=hub.mirror,
                changes={"tap": {"extract": str(tmp_path / "live")}}) as tap:
        for mail in MAILS:
            assert curl_send(hub, ENGINE_IPV4, SENDER, [ALICE], mail).code == 250
        served = wait_until(lambda: len(rows := records.read(engine, "message")) == len(MAILS) and rows, 10, "the records")
        wait_until(lambda: len(tap.events("message")) == len(MAILS), 10, "the messages")
        assert tap.ask("status")["workers"] == 2
        events = tap.finish()
    told = {event["message"]["message_id"]: event for event in of(events, "message")}
    for serve in served:
        seen = told[serve["message"]["message_id"]]
        for part in seen["message"]["parts"]:
            part.pop("sha256", None)
        assert seen["message"] == serve["message"] and seen["context"]["role"] == "tap"
        assert seen["result"]["code"] == serve["result"]["code"]
    sessions = of(events, "session")
    assert len(sessions) >= len(MAILS) and not any(session["one_sided"] for session in sessions)
    for mail in MAILS:
        assert any((tmp_path / "live").glob("*.eml")), mail


def test_nothing_is_sent(capture):
    """Whatever comes: mail, ARP for an address, an echo, neighbour solicitations, a SYN to the interface itself."""
    with Namespaces("wpt") as namespaces:
        counted = f"/sys/class/net/{namespaces.engine_port}/statistics/tx_packets"
        before = int(run("ip", "netns", "exec", namespaces.engine, "cat", counted).stdout)
        with Tap(namespaces) as tap, Cable(namespaces) as cable:
            cable.play(frames_of(capture))
            namespaces.run("ping", "-c", "1", "-W", "0.3", ENGINE_IPV4, check=False)
            namespaces.run("ping", "-6", "-c", "1", "-W", "0.3", "2001:2::2", check=False)
            with inside(namespaces.client):
                with socket.socket() as caller:
                    caller.settimeout(0.5)
                    with pytest.raises(OSError):
                        caller.connect((ENGINE_IPV4, 25))
            assert cable.came() == []
            assert int(run("ip", "netns", "exec", namespaces.engine, "cat", counted).stdout) == before
            assert tap.ask("counters")["port_out_frames"] == 0
            events = tap.finish()
            assert of(events, "statistics")[-1]["input"]["drop_other"] > 0  # ARP was seen, and not answered


def test_losses_mark_flows(capture):
    """While the tap stands still its ring runs over: the kernel counts it, flows that were alive are marked."""
    frames = frames_of(capture)
    half = len(frames) // 2
    filler = b"\xff" * 6 + bytes(6) + b"\x88\xb5" + bytes(100)
    with Namespaces("wpt") as namespaces, Tap(namespaces) as tap, Cable(namespaces) as cable:
        cable.play(frames[:half])
        wait_until(lambda: tap.ask("status")["connections"] > 0, 10, "a connection")
        os.kill(tap.process.pid, signal.SIGSTOP)
        cable.play([filler] * 8000, pause=0)
        os.kill(tap.process.pid, signal.SIGCONT)
        wait_until(lambda: tap.ask("counters")["port_missed"] > 0, 10, "the drops to be counted")
        cable.play(frames[half:])
        events = tap.finish()
    assert any(event["name"] == "capture-gap" for event in of(events, "anomaly"))
    last = of(events, "statistics")[-1]
    assert last["port"]["missed"] > 0 and last["tap"]["losses"] > 0


def from_client(frame):
    return struct.unpack_from("!H", frame, 36)[0] == 25


@pytest.mark.long
def test_a_port_for_each_direction(capture, tmp_path):
    """A link tap gives each direction on a port of its own. Then one of them falls silent."""
    frames = frames_of(capture)
    expected = facts(of(of_capture(capture), "message"))
    with Namespaces("wpt") as namespaces:
        namespaces._join((namespaces.client, "client1"), (namespaces.engine, "engine1"))
        with Tap(namespaces, ["engine0", "engine1"], workers=2, changes={"records": {"path": "-"}}) as tap, \
                Cable(namespaces) as one, Cable(namespaces, "client1") as other:
            for frame in frames:
                (one if from_client(frame) else other).play([frame])
            one.play([frame for frame in with_ports(frames) if from_client(frame)])
            assert end(tap.process) == 0
            # "-" is standard output, which goes where the log goes here.
            events = [json.loads(line) for line in tap.said().splitlines() if line.startswith("{")]
    both = [event for event in events if event.get("client", {}).get("port", 0) not in range(40000, 40010)]
    assert facts([event for event in of(events, "message") if event["context"]["client"]["port"] not in range(40000, 40010)]) == expected
    assert not [event for event in of(both, "anomaly") if event["name"] == "one_sided"]
    assert any(event["name"] == "one_sided" and "check the mirror" in event["what"] for event in of(events, "anomaly"))


def test_time_goes_on_without_frames(capture):
    """A silent connection ends by the clock alone; one that is open at the end is told too."""
    frames = with_ports(frames_of(capture))
    first = [frame for frame in frames if b"\x9c\x40" in (frame[34:36], frame[36:38])][:12]
    second = [frame for frame in frames if b"\x9c\x41" in (frame[34:36], frame[36:38])][:12]
    with Namespaces("wpt") as namespaces, \
            Tap(namespaces, changes={"tap": {"idle": "1s"}}) as tap, Cable(namespaces) as cable:
        before = time.time()
        cable.play(first)
        flow, = wait_until(lambda: tap.events("flow"), 10, "the silent flow's end")
        assert (flow["end"], flow["client"]["port"]) == ("idle", 40000)
        seen = time.mktime(time.strptime(flow["began"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        assert abs(seen - before) < 5
        cable.play(second)
        wait_until(lambda: tap.ask("status")["sessions"] == 1, 10, "the second conversation")
        events = tap.finish()
    assert [flow["end"] for flow in of(events, "flow")] == ["idle", "capture-end"]
    assert len(of(events, "session")) == 2
    assert [row["last"] for row in of(events, "statistics")][-2:] == [False, True]


def test_privileges_reload_and_files(capture, tmp_path):
    """As another user, with a filter that kills; rules by reload; events in a directory of files; nothing is left promiscuous."""
    frames = frames_of(capture)
    account = pwd.getpwnam("nobody")
    with Namespaces("wpt") as namespaces:
        def promiscuous():
            text = run("ip", "-n", namespaces.engine, "-d", "-j", "link", "show", namespaces.engine_port).stdout
            return json.loads(text)[0]["promiscuity"]

        run("ip", "-n", namespaces.engine, "link", "set", namespaces.engine_port, "promisc", "off")
        tap = Tap(namespaces, changes={"engine": {"user": "nobody", "system_calls": "kill"}})
        tap.settings["records"] = {"path": f"{tap.directory}/events/"}
        tap.settings["tap"]["extract"] = f"{tap.directory}/found"
        tap.settings["rules"] = {"files": [f"{tap.directory}/rules.yaml"]}
        rules = tap.directory / "rules.yaml"
        rules.write_text("rules: []\n")
        tap.write()
        with tap, Cable(namespaces) as cable:
            status = dict(line.split(":\t", 1) for line in open(f"/proc/{tap.process.pid}/status").read().splitlines() if ":\t" in line)
            assert status["Uid"].split() == [str(account.pw_uid)] * 4 and status["Seccomp"].strip() == "2"
            assert promiscuous() == 1
            cable.play(frames)
            wait_until(lambda: tap.ask("counters")["tap_messages"] == len(MAILS), 10, "the messages")
            rules.write_text("rules:\n- {id: everything, scope: header.Subject, patterns: [{regex: '.'}], score: 1}\n")
            assert tap.ask("reload")["configuration"] == 2
            cable.play(with_ports(frames))
            wait_until(lambda: tap.ask("counters")["tap_messages"] == 2 * len(MAILS), 10, "them again")
            rules.write_text("nonsense\n")
            os.kill(tap.process.pid, signal.SIGHUP)
            wait_until(lambda: "rules.yaml" in tap.said(), 10, "the refusal")
            assert tap.ask("status")["configuration"] == 2
            assert b"nothing of the kind" in tap.ctl("drain", check=False).stderr
            tap.ctl("stop")
            assert tap.process.wait(timeout=10) == 0
            files = {path.name.split("-")[0]: path.read_text() for path in (tap.directory / "events").iterdir()}
            assert set(files) == {"message", "connection", "engine"}
            hits = [json.loads(line) for line in files["message"].splitlines() if '"kind":"rule"' in line]
            assert len(hits) == len(MAILS) and {hit["rule"] for hit in hits} == {"everything"}
            for mail in MAILS:
                assert (tap.directory / "found" / f"{hashlib.sha256(mail.data).hexdigest()}.eml").read_bytes() == mail.data
            assert "was refused" not in tap.said() and promiscuous() == 0


def test_what_is_asked_for_wrongly(tmp_path):
    """A configuration is for one of the roles; words and a configuration do not go together."""
    def said(*words):
        done = subprocess.run([binary(), *map(str, words)], capture_output=True, check=False)
        return done.returncode, done.stderr.decode() + done.stdout.decode()
    file = tmp_path / "tap.yaml"
    file.write_text("role: tap\nhostname: tap.example.test\ntap: {ports: [{interface: nowhere0}]}\n"
                    f"engine: {{user: root}}\nctl: {{socket: {tmp_path}/ctl}}\n")
    assert said("check", "-c", ROOT / "docs" / "examples" / "tap.yaml")[0] == 0
    assert said("check", "-c", file) == (0, f"{file}: nothing is wrong\n")
    assert said("run", "-c", file)[0] == 2 and "role is tap" in said("run", "-c", file)[1]
    assert said("export", "-c", file, "alice@example.test", tmp_path / "x")[0] == 2
    status, text = said("tap", "-c", file)
    assert status == 1 and "nowhere0" in text
    assert said("tap", "-c", file, "--commands")[0] == 2
    file.write_text("hostname: mx.example.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2/24]}\n"
                    "listeners: [{port: 110, protocol: pop3}]\nstore: {path: mail}\n")
    assert said("tap", "-c", file)[0] == 2 and "role is serve" in said("tap", "-c", file)[1]
