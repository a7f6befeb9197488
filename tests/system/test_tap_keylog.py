# SPDX-License-Identifier: BSD-3-Clause
"""The tap beside an engine that speaks TLS: with the clients' key log it tells what the engine tells."""

import poplib
import smtplib
import ssl
import subprocess

from lab import messages, records
from lab.certificates import Authority
from lab.commands import wait_until
from lab.engine import HOSTNAME, PASSWORD, Engine
from lab.namespaces import ENGINE_IPV4, inside
from lab.tap import Hub, Tap

SENDER, ALICE = "sender@client.test", "alice@example.test"
MAILS = [messages.plain("tls-1@client.test", size=3000), messages.plain("tls-2@client.test", size=150_000),
         messages.with_text("tls-3@client.test", messages.GTUBE)]


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def changes_of(item):
    return {"rules": {"files": []}, "pop3": {"allow_cleartext": False}, "tls": {"certificates": [item]},
            "listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"}, {"port": 465, "protocol": "smtp", "tls": "implicit"},
                          {"port": 995, "protocol": "pop3", "tls": "implicit"}]}


def client_context(authority, keylog, version):
    context = ssl.create_default_context(cafile=str(authority.file))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.minimum_version = context.maximum_version = version
    context.keylog_filename = str(keylog)
    return context


def send(context, implicit, mails):
    kind = smtplib.SMTP_SSL if implicit else smtplib.SMTP
    with kind(ENGINE_IPV4, 465 if implicit else 25, local_hostname="client.test", timeout=20,
              **({"context": context} if implicit else {})) as client:
        client._host = HOSTNAME
        if not implicit:
            client.starttls(context=context)
        for mail in mails:
            assert client.sendmail(SENDER, [ALICE], mail.data) == {}


def fetch(context):
    box = poplib.POP3_SSL(ENGINE_IPV4, 995, timeout=20, context=context)
    box.user(ALICE)
    box.pass_(PASSWORD)
    count = box.stat()[0]
    for number in range(count):
        box.retr(number + 1)
    box.quit()
    return count


def with_new_keys(hub, keylog):
    """A session in which both sides change their keys."""
    command = hub.command("openssl", "s_client", "-connect", f"{ENGINE_IPV4}:995", "-tls1_3", "-crlf", "-keylogfile", str(keylog))
    said = keylog.with_name("said")
    with open(said, "wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out) as process:
        wait_until(lambda: b"+OK" in said.read_bytes(), 10, "the greeting")
        for line, answer, count in ((b"K", b"KEYUPDATE", 1), (b"CAPA", b"+OK capabilities", 1), (b"K", b"KEYUPDATE", 2), (b"quit", b"+OK bye", 1)):
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            wait_until(lambda: said.read_bytes().count(answer) == count, 10, f"the answer to {line}")  # noqa: B023


def test_as_the_engine_tells_it(tmp_path):
    """Implicit TLS and STARTTLS, TLS 1.2 and 1.3, POP3S, KeyUpdate; the log does not exist when the tap starts."""
    authority = Authority(tmp_path / "ca")
    item = authority.sign("mx", HOSTNAME, ENGINE_IPV4)
    keylog = tmp_path / "keys.log"
    old, new = (client_context(authority, tmp_path / "made", version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3))
    for context in (old, new):
        context.check_hostname = False
    with Hub("wpt") as hub, Engine(hub, changes=changes_of(item)).start() as engine, \
            Tap(hub, [hub.mirror_port], workers=2, where=hub.mirror, changes={"tap": {"keylog": str(keylog), "commands": True}}) as tap:
        for context in (old, new):
            context.keylog_filename = str(keylog)
        with inside(hub.client):
            send(new, True, MAILS)
            send(old, False, MAILS[:1])
            send(old, True, MAILS[1:2])
            send(new, False, MAILS[2:])
        served = wait_until(lambda: len(rows := records.read(engine, "message")) == 6 and rows, 10, "the records")
        with inside(hub.client):
            assert fetch(new) == 6
        with_new_keys(hub, keylog)
        # The first connection is that which finds out that the engine is there.
        told_of = wait_until(lambda: len(rows := [row for row in records.read(engine, "connection") if row["connection"]["tls"]]) == 6
                             and rows, 10, "the connections")
        wait_until(lambda: len(tap.events("flow")) == 6, 10, "the flows")
        events = tap.finish()
    smtp = [event for event in of(events, "message") if event["context"]["server"]["port"] != 995]
    assert len(smtp) == 6 and len(of(events, "message")) == 12, of(events, "statistics")[-1]

    def text(row):
        message = {**row["message"], "parts": [{k: v for k, v in part.items() if k != "sha256"} for part in row["message"]["parts"]]}
        return repr(sorted(message.items())), row["result"]["code"], row["context"]["client"]["port"]
    assert sorted(map(text, smtp)) == sorted(map(text, served))
    # What the engine says of its connections is what the tap says of them.
    seen = {event["client"]["port"]: event["tls"] for event in of(events, "tls")}
    assert len(seen) == 6
    for row in told_of:
        tls, ours = seen[row["context"]["client"]["port"]], row["connection"]["tls"]
        assert {key: tls[key] for key in ("version", "suite", "name", "resumed")} == {key: ours[key] for key in
                                                                                      ("version", "suite", "name", "resumed")}
        assert tls["opened"] and tls["certificates"][0]["names"] == [HOSTNAME, ENGINE_IPV4] and tls["certificates"][0]["valid"]
    assert all(session["opened"] for session in of(events, "session"))
    assert [event["name"] for event in of(events, "command")].count("CAPA") == 1
    counted = of(events, "statistics")[-1]
    assert counted["tls"]["opened"] == 6 and not any(n for name, n in counted["tls"].items() if name.startswith("unread_"))
    assert counted["keylog"]["secrets"] > 12
