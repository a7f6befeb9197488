# SPDX-License-Identifier: BSD-3-Clause
"""What the engine says of messages and connections: its NDJSON records, mailboxes over ctl, counters over telemetry."""

import glob
import json
import socket
from dataclasses import dataclass

from lab.commands import wait_until


@dataclass(frozen=True)
class MessageRecord:
    """What the tests look at in a message's record; docs/events.md describes all of it."""

    id: str
    message_id: str
    code: int
    verdict: str
    rule: str
    end_of_data_us: int
    cycles: dict
    cycles_total: int
    apportioned: bool


def _message_record(row):
    message, context, result = row["message"], row["context"], row["result"]
    cycles = context["cycles"]
    return MessageRecord(row["id"], message["message_id"].strip("<>"), result["code"], result["verdict"],
                         result["rule"], context["end_of_data_us"], cycles["stages"], cycles["total"],
                         cycles["apportioned"])


def rows(path):
    """What every whole line of a file says so far: whoever writes it does so by the buffer, which may end within a line."""
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines()]


def read(engine, kind):
    """All records of one kind ("message" or "connection") that were written so far."""
    return [row for row in rows(engine.records) if row["kind"] == kind]


def messages_of(engine):
    return [_message_record(row) for row in read(engine, "message")]


def connections(engine):
    return read(engine, "connection")


def of_message(engine, message_id, seconds=5):
    """The records of the message with this Message-ID; waits for the first, since a record follows its reply."""
    def found():
        return [row for row in messages_of(engine) if row.message_id == message_id]
    return wait_until(found, seconds, f"a record of {message_id}")


def mailbox(engine, account):
    """The deliveries of an account as ctl lists them, quarantine included."""
    return engine.ask("mailbox", "list", account)


def messages(engine, account):
    """How many messages an account has, quarantine included, by the store's own count."""
    return sum(box["messages"] for box in engine.ask("mailbox", "status", account))


def quarantined(engine, account):
    return [entry for entry in mailbox(engine, account) if entry["place"] == "quarantine"]


def export(engine, identity, account):
    """The stored bytes of a message as that account has it."""
    return engine.ctl("message", "export", identity, account).stdout


def total(counters, name):
    """A counter summed over the workers, wherever it stands in the answer."""
    if isinstance(counters, dict):
        return sum(value if key == name and isinstance(value, int) else total(value, name)
                   for key, value in counters.items())
    return sum(total(value, name) for value in counters) if isinstance(counters, list) else 0


def telemetry(pid, command):
    """Asks DPDK's telemetry socket of the process, as dpdk-telemetry.py does."""
    for path in glob.glob("/var/run/dpdk/*/dpdk_telemetry.v2*"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(5)
            try:
                connection.connect(path)
            except OSError:
                continue
            hello = json.loads(connection.recv(1 << 16))
            if hello.get("pid") == pid:
                connection.send(command.encode())
                return json.loads(connection.recv(hello["max_output_len"]))
    raise LookupError(f"no telemetry socket of process {pid}")
