# SPDX-License-Identifier: BSD-3-Clause
"""Captures of a public suite for passive engines: `wirepost tap` tells the facts of mail that their test.yaml expects.

A fact is one that the events of tap have a place for: who said EHLO, sender, recipients, the fields From, Subject and
Message-ID, names, sizes and SHA-256 of parts, commands of POP3, the protocol. What is the other engine's own (its alerts,
transaction numbers, packet counts) is not looked at. passive_differences.py says which tests differ, and why.
"""

import base64
import json
import re
import tempfile
from pathlib import Path

import judge
import passive_differences as known
import pytest

SUITE = judge.folder("passive")
TESTS = sorted((SUITE / "tests").rglob("test.yaml")) if SUITE else []


def load(path):
    import yaml
    return yaml.safe_load(path.read_text())


def captures(path, row):
    if row.get("pcap"):
        return [(path.parent / row["pcap"]).resolve()]
    return sorted(path.parent.glob("*.pcap"))


def tap(paths, row):
    """What tap tells, and at last the bytes of all directions as an event of our own here."""
    words = ["--ignore-checksums"] if "-k none" in " ".join(row.get("args") or []) else []
    with tempfile.TemporaryDirectory() as folder:
        done = judge.subprocess.run([judge.BINARY, "tap", "--commands", *words, "--streams", folder, "--pcap", *paths,
                                     "--json", "-"], capture_output=True, check=False)
        streams = [path.read_bytes() for path in Path(folder).iterdir()]
    return [*(json.loads(line) for line in done.stdout.splitlines()), {"kind": "streams", "bytes": streams}]


def bare(text):
    """A path as our events have it: without its brackets."""
    return re.sub(r"^<(.*)>$", r"\1", text.strip())


def plain(text):
    """Without blanks: folds leave more or fewer of them (RFC 5322 section 2.2.3)."""
    return "".join(text.split())


def same_name(value, name):
    """Names are cut to 255 bytes there, and told whole here."""
    return name == value or len(value) == known.NAME and name.startswith(value)


def message_has(message, key, value, parts):
    """Whether the message tells the fact; None: it is none of ours."""
    name = re.sub(r"\[\d+\]$", "", key)
    return {
        "smtp.helo": lambda: message["helo"] == value,
        "smtp.mail_from": lambda: message["mail_from"] == bare(value),
        "smtp.rcpt_to": lambda: bare(value) in message["rcpt_to"],
        "email.from": lambda: message["from"] == value,
        "email.subject": lambda: message["subject"] == value,
        "email.message_id": lambda: message["message_id"] == value,
        "email.to": lambda: plain(value) in plain(message["to"]),
        "email.cc": lambda: plain(value) in plain(message["cc"]),
        "email.date": lambda: message["date"] == value,
        "email.x_mailer": lambda: message["mailer"] == value,
        "email.received": lambda: plain(value)[:known.RECEIVED] in [plain(text)[:known.RECEIVED] for text in message["received"]],
        "email.attachment": lambda: any(same_name(value, name) for name in parts),
    }.get(name, lambda: None)()


def command_has(commands, key, value):
    """The same of a transaction that had no message: among the commands."""
    verbs = {"smtp.helo": ("EHLO", "HELO"), "smtp.mail_from": ("MAIL",), "smtp.rcpt_to": ("RCPT",)}
    name = re.sub(r"\[\d+\]$", "", key)
    return name in verbs and any(bare(str(value)).strip() in text for verb, text in commands if verb in verbs[name])


def smtp_fault(match, events):
    messages = [event for event in events if event["kind"] == "message"]
    commands = [(event["name"], event["text"]) for event in events if event["kind"] == "command"]
    names = {event["name"] for event in events if event["kind"] == "part"}
    facts = {key: value for key, value in match.items()
             if re.sub(r"\[\d+\]$", "", key) in known.FACTS}
    if not facts:
        return None
    for event in messages:
        if all(message_has(event["message"], key, value, names) for key, value in facts.items()):
            return ""
    if all(command_has(commands, key, value) for key, value in facts.items()):
        return ""
    return f"nothing tells {facts}"


def file_fault(match, events):
    if not any(event["kind"] == "message" for event in events) and "app_proto" not in match and "fileinfo.filename" not in match:
        return None
    wanted = {name: match.get(f"fileinfo.{name}") for name in ("filename", "size", "sha256") if f"fileinfo.{name}" in match}
    if not wanted or match.get("app_proto", "smtp") != "smtp":
        return None
    for event in events:
        if event["kind"] == "part" and same_name(wanted.get("filename", event["name"]), event["name"]) and \
                event["size"] == wanted.get("size", event["size"]) and event["sha256"] == wanted.get("sha256", event["sha256"]):
            return ""
    return f"no part is {wanted}"


def pop3_fault(match, events):
    command = match.get("pop3.request.command")
    if not command:
        return None
    if command == "<SASL DATA>":
        found = any(e["kind"] == "command" and e["name"] == "AUTH" and e["hidden"] and not e["text"] for e in events)
    else:
        found = any(e["kind"] == "command" and e["name"].upper() == command for e in events)
    return "" if found else f"no command {command}"


def flow_fault(match, events):
    protocol = match.get("app_proto")
    if match.get("event_type") != "flow" or protocol not in ("smtp", "pop3", "imap", "tls"):
        return None
    return "" if any(e["kind"] == "flow" and e["protocol"] == protocol for e in events) else f"no flow of {protocol}"


def anomaly_fault(match, events):
    names = known.ANOMALIES.get(match.get("anomaly.event"))
    if not names or match.get("event_type") != "anomaly":
        return None
    port = match.get("src_port")
    for event in events:
        told = [event["name"]] if event["kind"] == "anomaly" else event["message"]["anomalies"] if event["kind"] == "message" else []
        at = event["context"] if event["kind"] == "message" else event
        if names & set(told) and (not port or port in (at["client"]["port"], at["server"]["port"])):
            return ""
    return f"none of {sorted(names)}"


def stream_fault(match, events):
    """Bytes of a stream; what is missing in them is a word there, and zeros here."""
    if match.get("stream") != 1 or "payload" not in match:
        return None
    wanted = re.sub(rb"\[(\d+) bytes missing\]", lambda found: bytes(int(found[1])), base64.b64decode(match["payload"]))
    return "" if any(wanted in stream for stream in events[-1]["bytes"]) else f"no stream has {wanted}"


def gap_fault(match, events):
    wanted = match.get("stats.tcp.reassembly_gap")
    if wanted is None or any(key.startswith("stats.ips") for key in match):  # what that engine itself dropped
        return None
    gaps = sum(e[side]["gaps"] for e in events if e["kind"] == "flow" for side in ("to_server", "to_client"))
    return "" if gaps == wanted else f"{gaps} gaps, not {wanted}"


def applies(row):
    """Checks for old versions of the other engine contradict those for new ones."""
    return "lt-version" not in (row.get("requires") or {}) and row.get("count") != 0


def faults(row, events):
    """One for each check that tells a fact of ours; empty where it holds."""
    for check in row.get("checks") or []:
        found = check.get("filter") or {}
        if not applies(found):
            continue
        match = found.get("match") or {}
        for fault in (smtp_fault, file_fault, pop3_fault, flow_fault, anomaly_fault, gap_fault, stream_fault):
            said = fault(match, events)
            if said is not None:
                yield said


suite = judge.Suite("passive", known.DIFFERENCES, most=0.2)


@pytest.mark.skipif(not TESTS, reason="the suite is not there")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.parent.name)
def test_passive(path):
    row = load(path)
    name = path.parent.name
    found = captures(path, row)
    if not found or not all(capture.exists() for capture in found):
        assert name in known.WITHOUT_CAPTURE, "has no capture"
        return
    said = list(faults(row, tap(found, row)))
    assert bool(said) != (name in known.NOT_MAIL), "has facts of ours and is named as without, or the other way round"
    if not said:
        return
    suite.case(name, [fault for fault in said if fault])
