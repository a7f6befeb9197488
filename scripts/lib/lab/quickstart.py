# SPDX-License-Identifier: BSD-3-Clause
"""The main job, shown: mail in by real clients over DPDK, submitted after a login too, judged, kept, and read back, each row checked."""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from lab import accounts, clients, messages, records, table
from lab.commands import CommandFailed, signals_raise
from lab.accounts import Login
from lab.engine import DRIVERS, HOSTNAME, PASSWORD, Engine, binary
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6, Namespaces

SENDER = "sender@client.test"
ALICE, BOB = "alice@example.test", "bob@example.test"
MEGABYTE = 1_000_000
# What the engine becomes once its devices are open; scripts/quickstart makes it, as an installation would.
USER = "wirepost"


@dataclass
class Row:
    """One thing sent, and what is expected of it."""

    name: str
    client: str
    address: str
    recipients: tuple
    code: int = 250
    enhanced: str = "2."
    verdict: str = "none"
    rule: str = ""
    sent: clients.Sent = None
    identity: str = None
    record: records.MessageRecord = None
    faults: list = field(default_factory=list)

    def expect(self, ok, fault):
        if not ok:
            self.faults.append(fault)


def send_curl(namespaces, row, message):
    row.identity = message.message_id
    row.sent = clients.curl_send(namespaces, row.address, SENDER, row.recipients, message)


def send_swaks(namespaces, row, message_id, *options):
    row.identity = message_id
    options = ("--header", f"Message-Id: <{message_id}>", *options)
    row.sent = clients.swaks_send(namespaces, row.address, SENDER, row.recipients, options)


def submit(namespaces, row, send, trust, message):
    row.identity = message.message_id
    row.sent = send(namespaces, row.address, Login(ALICE, trust), row.recipients, message)


def send_all(namespaces, directory, large_size, trust):
    """All rows, sent one after the other."""
    rows = []

    def row(*words, **expected):
        rows.append(Row(*words, **expected))
        return rows[-1]

    attachment = clients.write_sample(directory, "noise.bin", bytes(range(256)) * 40)
    send_curl(namespaces, row("plain", "curl", ENGINE_IPV4, (ALICE,)), messages.plain("plain4@client.test"))
    send_swaks(namespaces, row("plain", "swaks", ENGINE_IPV6, (ALICE,)), "plain6@client.test",
               "--body", "Plain text over IPv6.\\n.A line with a dot in front.\\n")
    send_swaks(namespaces, row("multipart, attachment", "swaks", ENGINE_IPV4, (ALICE,)), "parts@client.test",
               "--attach-type", "text/plain", "--attach-body", "See the attachment.",
               "--attach-type", "application/octet-stream", "--attach-name", "noise.bin",
               "--attach", f"@{attachment}")
    send_curl(namespaces, row(f"{large_size / MEGABYTE:g} MB, attachment", "curl", ENGINE_IPV4, (ALICE,)),
              messages.large("large@client.test", large_size))
    send_curl(namespaces, row("to two recipients", "curl", ENGINE_IPV6, (ALICE, BOB)),
              messages.plain("two@client.test"))
    send_curl(namespaces, row("to an unknown user", "curl", ENGINE_IPV4, ("nobody@example.test",), 550, "5.1.1"),
              messages.plain("unknown@client.test"))
    send_curl(namespaces, row("EICAR test file", "curl", ENGINE_IPV4, (ALICE,), 550, "5.7.1", "reject", "eicar"),
              messages.with_text("eicar@client.test", messages.EICAR))
    send_curl(namespaces, row("GTUBE test text", "curl", ENGINE_IPV6, (BOB,), 250, "2.", "quarantine", "gtube"),
              messages.with_text("gtube@client.test", messages.GTUBE))
    submit(namespaces, row("submitted under TLS", "curl, 465", ENGINE_IPV4, (BOB,)), clients.curl_submit, trust,
           messages.plain("submitted465@client.test", sender=ALICE, recipient=BOB))
    submit(namespaces, row("STARTTLS, SCRAM-SHA-256", "msmtp, 587", ENGINE_IPV6, (BOB,)), clients.msmtp_submit, trust,
           messages.plain("submitted587@client.test", sender=ALICE, recipient=BOB))
    return rows


def check_replies(engine, rows):
    for row in rows:
        code, enhanced = row.sent.code, (row.sent.reply.split() + ["", ""])[1]
        row.expect(code == row.code and enhanced.startswith(row.enhanced),
                   f"expected {row.code} {row.enhanced}, got: {row.sent.reply}")
        if row.recipients[0].startswith("nobody"):
            continue
        try:
            found = records.of_message(engine, row.identity)
        except TimeoutError as error:
            row.expect(False, str(error))
            continue
        row.record = found[0]
        row.expect(len(found) == 1, f"{len(found)} records")
        row.expect(row.record.verdict == row.verdict, f"verdict {row.record.verdict}, expected {row.verdict}")
        row.expect(row.record.rule == row.rule, f"rule {row.record.rule}, expected {row.rule}")


def read_back(namespaces, engine, rows, trust):
    """Both accounts over both families and protocols; each accepted message is there once, whole, and nothing else is."""
    pop3s, imaps = clients.curl_pop3s_mailbox, clients.curl_imaps_mailbox
    for user, address, reader in ((ALICE, ENGINE_IPV4, pop3s), (ALICE, ENGINE_IPV6, imaps), (BOB, ENGINE_IPV4, imaps), (BOB, ENGINE_IPV6, pop3s)):
        try:
            stored = reader(namespaces, address, Login(user, trust))
        except CommandFailed as error:
            rows[0].expect(False, f"{user} at {address}: {str(error).splitlines()[-1]}")
            continue
        expected = [row for row in rows if row.code == 250 and row.verdict == "none" and user in row.recipients]
        for row in expected:
            copies = [data for data in stored if messages.is_delivery_of(data, row.sent.data)]
            row.expect(len(copies) == 1, f"{len(copies)} whole copies for {user} at {address}")
        rows[0].expect(len(stored) == len(expected), f"{user} at {address}: {len(stored)} messages, not {len(expected)}")
    check_quarantine(engine, [row for row in rows if row.verdict == "quarantine"])


def check_quarantine(engine, rows):
    for row in rows:
        held = records.quarantined(engine, row.recipients[0])
        row.expect(len(held) == len(rows), f"{len(held)} messages in quarantine, not {len(rows)}")
        whole = [entry for entry in held if records.export(engine, entry["id"], row.recipients[0]).endswith(row.sent.data)]
        row.expect(len(whole) == 1, f"{len(whole)} whole copies in quarantine")


def milliseconds(value):
    return "-" if value is None else f"{value:.2f}"


def line(row):
    verdict = engine_ms = "-"
    if row.record:
        verdict = f"{row.record.verdict} ({row.record.rule})" if row.record.rule else row.record.verdict
        engine_ms = milliseconds(row.record.end_of_data_us / 1000)
    family = "IPv6" if ":" in row.address else "IPv4"
    return (row.name, f"{row.client}, {family}", len(row.sent.data), row.sent.reply[:46], verdict,
            engine_ms, milliseconds(row.sent.milliseconds), "; ".join(row.faults) or "as expected")


TITLES = ("sent", "by", "bytes", "answered", "verdict (rule)", "dot to reply, ms", "seen by client, ms", "result")

KEPT = """
The engine goes on. Talk to it:
  ip netns exec {client} curl --url smtp://198.18.0.2 --mail-from me@client.test --mail-rcpt {alice} --upload-file FILE --crlf
  ip netns exec {client} curl --cacert {trust} --user '{alice}:{password}' pop3s://{name}/
  ip netns exec {client} curl --cacert {trust} --user '{alice}:{password}' 'imaps://{name}/INBOX?ALL'
  ip netns exec {client} curl --cacert {trust} --user '{alice}:{password}' --url smtps://{name}:465 --mail-from {alice} --mail-rcpt {bob} --upload-file FILE --crlf
  {binary} client-config -c {file} --format autoconfig example.test
  {binary} ctl -s {socket} status
  configuration {file}, records {records}
End it:
  {binary} ctl -s {socket} stop; ip netns del {client}; ip netns del {engine}; rm -r {directory} /etc/netns/{client}"""


def farewell(namespaces, engine, trust):
    print(KEPT.format(client=namespaces.client, engine=namespaces.engine, alice=ALICE, bob=BOB, password=PASSWORD, name=HOSTNAME, trust=trust,
                      binary=binary(), socket=engine.socket, file=engine.file, records=engine.records,
                      directory=engine.directory))


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/quickstart", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the engine running and say how to talk to it")
    parser.add_argument("--pmd", choices=DRIVERS, default="af_packet", help="DPDK driver (default: af_packet)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="worker threads (default: 1)")
    parser.add_argument("--no-install", action="store_true", help="do not ask apt for what is missing")
    return parser.parse_args()


def show(namespaces, engine, trust, began):
    with tempfile.TemporaryDirectory(prefix="wirepost-samples-") as directory:
        rows = send_all(namespaces, Path(directory), 20 * MEGABYTE, trust)
    check_replies(engine, rows)
    read_back(namespaces, engine, rows, trust)
    print(table.text(TITLES, [line(row) for row in rows]))
    failed = sum(bool(row.faults) for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} as expected, read back by curl over POP3S and IMAPS, IPv4 and IPv6; "
          f"driver {engine.pmd}, {time.monotonic() - began:.1f} s")
    return failed


def main():
    options = arguments()
    signals_raise()
    began = time.monotonic()
    with ExitStack() as stack:
        try:
            namespaces = stack.enter_context(Namespaces())
            engine = stack.enter_context(Engine(namespaces, options.pmd, options.workers, survive=options.keep,
                                                changes={"engine": {"user": USER}}))
            trust = accounts.serve(engine)
            engine.start()
            failed = show(namespaces, engine, trust, began)
        except (CommandFailed, TimeoutError) as error:
            print(f"quickstart: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        if failed:
            print(f"the engine's log ends with:\n{engine.log_tail()}", file=sys.stderr)
        if options.keep:
            farewell(namespaces, engine, trust)
            stack.pop_all()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
