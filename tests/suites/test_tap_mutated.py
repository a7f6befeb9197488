# SPDX-License-Identifier: BSD-3-Clause
"""Captures that are cut anew, joined, reordered, repeated, fragmented, tagged and written in other formats tell the same mail.

Captures that the project makes, and those of the passive suite where it is there. Each seed takes each of them through some
changes, one after the other. TAP_RANDOM_COUNT seeds from TAP_RANDOM_SEED on, TAP_RANDOM_CAPTURES captures for each; a failure
names its seed and what was changed.
"""

import copy
import json
import os
import random
from itertools import zip_longest
from pathlib import Path

import pytest

import judge
from lab import captures
from tap_conversations import CONVERSATIONS

FIRST, COUNT = int(os.environ.get("TAP_RANDOM_SEED", 1)), int(os.environ.get("TAP_RANDOM_COUNT", 1))
CAPTURES = int(os.environ.get("TAP_RANDOM_CAPTURES", 24))
PASSIVE = judge.folder("passive")
# What happened to segments is another matter than what was said.
OF_TCP = {"gap", "one_sided", "midstream", "capture-gap", "overlap", "retransmission", "checksum", "checksum-taken", "ttl", "paws",
          "window", "no-ack", "urgent", "syn-data", "syn-inside", "reset-ignored", "behind-end", "memory"}
KINDS = {"session", "message", "part", "login", "tls", "anomaly", "command", "reply"}
LARGEST = 200_000  # bytes of a capture that is cut into single ones


def tap(*paths, words=()):
    done = judge.subprocess.run([judge.BINARY, "tap", "--commands", *words, "--pcap", *paths, "--json", "-"],
                                capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def ends(event):
    at = event["context"] if event["kind"] == "message" else event
    return tuple((at[end]["address"], at[end]["port"]) for end in ("client", "server"))


def facts(events):
    """What was said in each connection, by kind, in order; without times, ids and numbers of flows."""
    told = {}
    for event in events:
        if event["kind"] == "flow" and event["protocol"] != "unknown":
            sides = [(event[side]["seen"], event[side]["bytes"], event[side]["gap_bytes"]) for side in ("to_server", "to_client")]
            told.setdefault((*ends(event), "flow"), []).append(sides)
        if event["kind"] not in KINDS or event.get("name") in OF_TCP:
            continue
        fact = copy.deepcopy(event)
        fact["imap"] = fact.get("context", {}).get("imap")
        for name in ("time", "flow", "connection", "id", "context", "client", "server"):
            fact.pop(name, None)
        if event["kind"] == "part":
            fact.pop("message")
        told.setdefault((*ends(event), event["kind"]), []).append(fact)
    return told


def difference(expected, found):
    """Of each connection and kind the first fact that differs."""
    lines = []
    for key in sorted(set(expected) | set(found)):
        for one, other in zip_longest(expected.get(key, []), found.get(key, [])):
            if one != other:
                if isinstance(one, dict) and isinstance(other, dict):
                    one, other = ({name: row.get(name) for name in {**one, **other} if one.get(name) != other.get(name)}
                                  for row in (one, other))
                lines.append(f"  {key[0]} {key[2]}: expected {one}\n    found {other}"[:1500])
                break
    return "\n".join(lines)


def changed(packets, rng):
    """The packets behind one to three changes, and their names."""
    names = rng.sample(sorted(captures.CHANGES), rng.randint(1, 3))
    # Fragments are not cut or sent anew.
    names.sort(key=lambda name: (name in ("fragmented", "shuffled", "repeated"), rng.random()))
    if sum(len(packet.payload) for packet in packets) > LARGEST:
        names = [name for name in names if name != "bytes"]
    for name in names:
        packets = captures.CHANGES[name](packets, rng)
    return packets, names


def files(packets, changes, rng, folder):
    """As one file, or each direction in one of its own; and the form that they have. What was shuffled has its times by place: of
    equal ones of two files nobody knows which was first."""
    form = rng.choice(sorted(captures.FORMS))
    halves = [packets]
    if rng.random() < 0.3 and "shuffled" not in changes:
        halves = [[packet for packet in packets if captures.clientwards(packet) == side] for side in (True, False)]
        halves = [half for half in halves if half]
    paths = []
    for number, half in enumerate(halves):
        paths.append(folder / f"{number}.capture")
        paths[-1].write_bytes(captures.FORMS[form](half))
    return paths, form + (", by direction" if len(halves) > 1 else "")


def sources():
    """What there is, by name: packets, or the capture to take them from."""
    found = dict(CONVERSATIONS)
    for path in sorted((PASSIVE / "tests").rglob("*.pcap")) if PASSIVE else ():
        found[f"{path.parent.name}/{path.name}"] = path
    return found


def packets_of(source):
    """None: a capture that says something twice and differently, or has what cannot be changed."""
    packets = captures.load(source) if isinstance(source, Path) else source
    return packets if packets and captures.consistent(packets) else None


def facts_of(name, packets, path, known={}):
    """What a capture tells unchanged; asked once."""
    if name not in known:
        path.write_bytes(captures.pcap(packets))
        known[name] = facts(tap(path))
    return known[name]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_the_same_facts(seed, tmp_path):
    known, faults = sources(), []
    for name in random.Random(seed).sample(sorted(known), min(CAPTURES, len(known))):
        packets = packets_of(known[name])
        if not packets:
            continue
        expected = facts_of(name, packets, tmp_path / "unchanged.pcap")
        rng = random.Random(f"{seed} {name}")
        packets, changes = changed(packets, rng)
        paths, form = files(packets, changes, rng, tmp_path)
        if fault := difference(expected, facts(tap(*paths))):
            faults.append(f"{name}: {changes} in {form}\n{fault}")
    assert not faults, f"seed {seed}, {len(faults)} captures differ\n" + "\n".join(faults)
