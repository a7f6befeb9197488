# SPDX-License-Identifier: BSD-3-Clause
"""Programs that fetch mail by POP3: each keeps mail on the server, takes what is new, and deletes at last."""

import email
import mailbox
import poplib
import re
import time

import pytest
from lab import clients, messages, records
from lab.commands import wait_until
from lab.engine import PASSWORD
from lab.namespaces import ENGINE_IPV4, inside
from lab.records import connections
from lab.smtp import Session, inbox, pop3

SENDER = "sender@client.test"
USERS = {client: f"{user}@example.test" for client, user in
         (("curl", "alice"), ("mpop", "bob"), ("fetchmail", "carol"), ("getmail", "dave"), ("poplib", "postmaster"))}


def hard_mails(size):
    """What is hard about messages: dots, bytes above 127, no body at all, and size."""
    eight = "Ünï\r\n".encode() + bytes(range(0xA0, 0x100)) + b"\r\n"
    return [
        messages.plain("plain@pop.test"),
        messages.with_text("dots@pop.test", b".\r\n..\r\n.x\r\n...\r\n.\r\n"),
        messages.with_text("eight@pop.test", eight),
        messages.with_text("empty@pop.test", b""),
        messages.large("large@pop.test", size),
    ]


def send(engine, recipients, *mails):
    with Session(engine.namespaces, timeout=120) as session:
        session.command("EHLO client.test")
        for mail in mails:
            assert session.transaction(SENDER, recipients, mail.data)[0] == 250


@pytest.fixture(scope="module")
def sent(request):
    """20 MB in the long tier: five programs fetch it nine times."""
    return hard_mails(20_000_000 if request.config.getoption("--long") else 500_000)


@pytest.fixture(scope="module")
def mail_engine(shared_bench, sent):
    engine = shared_bench()
    send(engine, list(USERS.values()), *sent)
    return engine


def body(data):
    """The body with plain line ends: programs write files in the manner of their system."""
    return re.split(b"\n\n", data.replace(b"\r\n", b"\n"), maxsplit=1)[1].rstrip(b"\n")


def by_id(stored):
    return {re.search(rb"^Message-I[Dd]: <([^>]*)>", data, re.MULTILINE).group(1).decode(): body(data) for data in stored}


def same(stored, mails):
    return by_id(stored) == by_id(mail.data for mail in mails)


def in_maildir(path):
    box = mailbox.Maildir(path, create=False)
    found = [box.get_bytes(key) for key in box.keys()]
    box.clear()
    return found


def maildir(path):
    mailbox.Maildir(path, create=True)
    return path


def mpop(engine, directory, keep):
    path = maildir(directory / "mpop")
    rc = directory / "mpoprc"
    rc.write_text(f"""account default
host {ENGINE_IPV4}
port 110
tls off
auth user
user {USERS['mpop']}
password {PASSWORD}
keep {'on' if keep else 'off'}
delivery maildir {path}
uidls_file {directory}/mpop-uidls
received_header off
""")
    rc.chmod(0o600)
    engine.namespaces.run("mpop", "-C", rc, "-Q", timeout=120)
    return in_maildir(path)


def delivery_program(directory):
    """A program that writes each message to a file of its own, for those that deliver nothing as root themselves."""
    (directory / "files").mkdir(exist_ok=True)
    mda = directory / "mda"
    mda.write_text(f"#!/bin/sh\nexec cat > \"$(mktemp {directory}/files/XXXXXXXX)\"\n")
    mda.chmod(0o755)
    return mda


def delivered(directory):
    files = sorted((directory / "files").iterdir())
    found = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    return found


def fetchmail(engine, directory, keep):
    mda = delivery_program(directory)
    rc = directory / "fetchmailrc"
    rc.write_text(f"""set no bouncemail
poll {ENGINE_IPV4} protocol pop3 port 110 uidl no dns
  user "{USERS['fetchmail']}" password "{PASSWORD}" is "root" here
  {'keep' if keep else 'nokeep fetchall'} no rewrite pass8bits sslproto "" mda "{mda}"
""")
    rc.chmod(0o600)
    result = engine.namespaces.run(
        "env", f"HOME={directory}", f"FETCHMAILHOME={directory}", "fetchmail", "--nodetach", "--nosyslog",
        "-f", rc, "--idfile", directory / "ids", "--pidfile", directory / "pid", check=False, timeout=120)
    assert result.returncode in (0, 1), result.stderr  # 1: there was no new mail
    return delivered(directory)


def getmail(engine, directory, keep):
    mda = delivery_program(directory)
    rc = directory / "getmailrc"
    rc.write_text(f"""[retriever]
type = SimplePOP3Retriever
server = {ENGINE_IPV4}
port = 110
username = {USERS['getmail']}
password = {PASSWORD}
[destination]
type = MDA_external
path = {mda}
allow_root_commands = true
[options]
read_all = {'false' if keep else 'true'}
delete = {'false' if keep else 'true'}
delivered_to = false
received = false
verbose = 0
""")
    engine.namespaces.run("getmail", "--getmaildir", directory, "--rcfile", rc, timeout=120)
    return delivered(directory)


@pytest.mark.parametrize("fetch", [
    pytest.param(mpop, marks=pytest.mark.needs("mpop")),
    pytest.param(fetchmail, marks=pytest.mark.needs("fetchmail")),
    pytest.param(getmail, marks=pytest.mark.needs("getmail")),
], ids=lambda fetch: fetch.__name__)
def test_keeps_then_deletes(mail_engine, sent, tmp_path, fetch):
    """What was fetched once is known by its unique-id; deleted mail is gone."""
    user = USERS[fetch.__name__]
    assert same(fetch(mail_engine, tmp_path, keep=True), sent)
    assert fetch(mail_engine, tmp_path, keep=True) == []
    late = messages.plain(f"late-{fetch.__name__}@pop.test")
    send(mail_engine, [user], late)
    assert same(fetch(mail_engine, tmp_path, keep=True), [late])
    assert len(inbox(mail_engine.namespaces, user)[1]) == len(sent) + 1
    fetch(mail_engine, tmp_path, keep=False)
    assert not inbox(mail_engine.namespaces, user)[1]


def curl(engine, path="", *options):
    return engine.namespaces.run("curl", "--silent", "--show-error", "--max-time", 100, "--user",
                                 f"{USERS['curl']}:{PASSWORD}", f"pop3://{ENGINE_IPV4}/{path}", *options, timeout=120).stdout


@pytest.mark.needs("curl")
def test_curl(mail_engine, sent):
    listed = [line.split() for line in curl(mail_engine).splitlines()]
    stored = [curl(mail_engine, number.decode()) for number, _size in listed]
    assert [len(data) for data in stored] == [int(size) for _number, size in listed]
    assert same(stored, sent)
    top = curl(mail_engine, "", "--request", "TOP 5 1")
    assert stored[4].startswith(top.removesuffix(b"\r\n")) and len(top) < 2000
    assert len(curl(mail_engine, "", "--request", "UIDL").splitlines()) == len(sent)
    curl(mail_engine, "1", "--request", "DELE", "--head")
    assert len(curl(mail_engine).splitlines()) == len(sent) - 1


def test_poplib(mail_engine, sent):
    with pop3(mail_engine.namespaces, USERS["poplib"]) as session:
        offered = session.capa()
        assert {"TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "UTF8", "LANG",
                "IMPLEMENTATION"} <= set(offered) and offered["EXPIRE"] == ["NEVER"]
        count, octets = session.stat()
        stored = [b"\r\n".join(session.retr(number + 1)[1]) + b"\r\n" for number in range(count)]
        assert sum(len(data) for data in stored) == octets and same(stored, sent)
        assert session.top(5, 2)[1] == stored[4].split(b"\r\n")[: len(session.top(5, 0)[1]) + 2]
        assert len({line.split()[1] for line in session.uidl()[1]}) == count
        for number in range(count):
            session.dele(number + 1)
        session.rset()
        assert session.stat() == (count, octets)
        session.dele(1)
    with pop3(mail_engine.namespaces, USERS["poplib"]) as session:
        assert session.stat()[0] == count - 1


def test_utf8_headers_for_each_client(make_engine):
    """RFC 6856, RFC 6858: sizes are those of what is sent."""
    engine = make_engine()
    data = ("Message-ID: <utf8@pop.test>\r\nFrom: Jörg <jörg@b.test>\r\nSubject: grüße\r\n\r\nkörper\r\n").encode()
    user = USERS["poplib"]
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, [user], data)[0] == 250

    def fetch(utf8):
        with inside(engine.namespaces.client):
            session = poplib.POP3(ENGINE_IPV4, timeout=30)
        if utf8:
            assert session.utf8().startswith(b"+OK")
        session.user(user)
        session.pass_(PASSWORD)
        try:
            _reply, lines, _octets = session.retr(1)
            stored = b"\r\n".join(lines) + b"\r\n"
            assert session.stat() == (1, len(stored))
            return stored
        finally:
            session.quit()

    assert fetch(True).endswith(data)
    plain = fetch(False)
    header = plain.split(b"\r\n\r\n")[0]
    assert header.isascii() and b"Subject: =?UTF-8?B?Z3LDvMOfZQ==?=\r\n\r\n" in plain and plain.endswith("körper\r\n".encode())
    assert b"<invalid@internationalized-address.invalid>" in header
    engine.settings["pop3"]["utf8_downgrade"] = "refuse"
    engine.write()
    engine.ctl("reload")
    with pytest.raises(poplib.error_proto, match=r"\[UTF8\]"):
        fetch(False)
    assert fetch(True).endswith(data)


def test_wrong_passwords_slow_down(make_engine):
    """Over connections: the second one waits twice as long; the right one does not wait."""
    engine = make_engine(changes={"pop3": {"failure_delay": "500ms"}})
    waits = []
    for _ in range(2):
        with inside(engine.namespaces.client):
            session = poplib.POP3(ENGINE_IPV4, timeout=30)
        session.user(USERS["poplib"])
        began = time.monotonic()
        with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
            session.pass_("wrong")
        waits.append(time.monotonic() - began)
        session.quit()
    assert 0.5 <= waits[0] < 1.0 <= waits[1] < 3
    began = time.monotonic()
    with pop3(engine.namespaces, USERS["poplib"]):
        pass
    assert time.monotonic() - began < 0.5

    def refused():
        return [record["result"]["logins_refused"] for record in connections(engine)
                if record["connection"]["protocol"] == "pop3"]
    wait_until(lambda: len(refused()) == 3, 5, "a record of each connection")
    assert refused() == [1, 1, 0]


def test_binary_mail_in_chunks_comes_out_as_base64(make_engine):
    """From BDAT with BODY=BINARYMIME, over rules and store, to a client of lines (RFC 3030 section 3, RFC 1939)."""
    engine = make_engine()
    # All that lines cannot carry: NUL, bare CR and LF, a dot at the start, a line of 5000 bytes, no line end at the end.
    raw = bytes(range(256)) * 3 + b"\r\n.\r\n\n.\r" + b"x" * 5000 + b"\0"
    data = b"\r\n".join([
        b"From: a@client.test", b"Message-ID: <binary@client.test>", b"MIME-Version: 1.0",
        b"Content-Type: multipart/mixed; boundary=cut", b"", b"--cut", b"Content-Type: text/plain", b"", b"Two lines", b".of text",
        b"--cut", b"Content-Type: application/octet-stream", b"Content-Transfer-Encoding: binary", b"", raw, b"--cut--", b""])
    with Session(engine.namespaces) as session:
        assert session.command(f"MAIL FROM:<{SENDER}> BODY=BINARYMIME SIZE={len(data)}")[0] == 250
        assert session.command(f"RCPT TO:<{USERS['curl']}>")[0] == 250
        for at in range(0, len(data), 1000):
            piece = data[at : at + 1000]
            session.send(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if at + 1000 >= len(data) else b"") + piece)
            assert session.reply()[0] == 250
        session.quit()
    [fetched] = inbox(engine.namespaces, USERS["curl"])[0].values()
    [by_curl] = clients.curl_mailbox(engine.namespaces, ENGINE_IPV4, USERS["curl"])
    assert by_curl == fetched
    # The store has the bytes as they came; POP3 has lines.
    assert b"\0" not in fetched and max(map(len, fetched.split(b"\r\n"))) <= 998
    assert fetched.replace(b"\r\n", b"").find(b"\r") < 0 and fetched.replace(b"\r\n", b"").find(b"\n") < 0
    text, attachment = email.message_from_bytes(fetched).get_payload()
    assert text.get_payload() == "Two lines\r\n.of text"
    assert attachment["Content-Transfer-Encoding"] == "base64" and attachment.get_payload(decode=True) == raw
    [row] = engine.ask("mailbox", "list", USERS["curl"])
    assert records.export(engine, row["id"], USERS["curl"]).endswith(data)
