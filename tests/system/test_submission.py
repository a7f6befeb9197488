# SPDX-License-Identifier: BSD-3-Clause
"""Mail from accounts: logins by SASL in SMTP and POP3, by hand and by the programs that people have."""

import base64
import poplib
import re
import smtplib

import pytest
from lab import messages
from lab.certificates import Authority
from lab.engine import PASSWORD, USERS, crypt
from lab.namespaces import ENGINE_IPV4, inside
from lab.sasl import scram_keys
from lab.smtp import Session, inbox

ALICE, BOB = "alice@example.test", "bob@example.test"
SUBMISSION = 587


def settings(**more):
    keys = {"scram_sha_256": scram_keys("SCRAM-SHA-256", "sha256"), "scram_sha_1": scram_keys("SCRAM-SHA-1", "sha1")}
    return {
        "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"},
                      {"port": SUBMISSION, "protocol": "submission"}],
        "submission": {"allow_cleartext": True},
        "auth": {"mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]},
        "pop3": {"allow_cleartext": True, "failure_delay": "10ms", "failure_delay_max": "20ms"},
        "accounts": [{"address": f"{user}@example.test", "password": crypt(PASSWORD), **keys} for user in USERS],
        **more,
    }


@pytest.fixture(scope="module")
def submission(shared_bench):
    return shared_bench(changes=settings())


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(ident, sender=ALICE):
    """A message from an account."""
    return messages.plain(ident).data.replace(b"From: sender@client.test", f"From: {sender}".encode())


PLAIN = b64(f"\0{ALICE}\0{PASSWORD}")


def stored_with(engine, user, ident):
    stored, _uids = inbox(engine.namespaces, user)
    return [data for data in stored.values() if ident.encode() in data]


def test_nothing_is_taken_before_a_login(submission):
    """RFC 4954 section 3, 4, 6; RFC 6409 section 4.3."""
    with Session(submission.namespaces, port=SUBMISSION) as session:
        code, text = session.command("EHLO client.test")
        assert code == 250 and "AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" in text
        assert session.command(f"MAIL FROM:<{ALICE}>") == (530, "530 5.7.0 authentication required")
        assert session.command("AUTH CRAM-MD5")[0] == 504
        assert session.command("AUTH PLAIN")[0] == 334
        assert session.command("*")[0] == 501
        assert session.command("AUTH PLAIN =")[0] == 501
        assert session.command("AUTH PLAIN not/base64!")[0] == 501
    with Session(submission.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        assert session.command("AUTH LOGIN") == (334, "334 VXNlcm5hbWU6")
        assert session.command(b64(ALICE)) == (334, "334 UGFzc3dvcmQ6")
        assert session.command(b64("wrong")) == (535, "535 5.7.8 authentication failed")
        assert session.command("AUTH PLAIN " + b64(f"\0nobody@example.test\0{PASSWORD}"))[1] == "535 5.7.8 authentication failed"
        assert session.command("AUTH PLAIN " + "A" * 12300)[0] == 500
        assert session.command(f"AUTH PLAIN {PLAIN}") == (235, "235 2.7.0 authenticated")
        assert session.command(f"AUTH PLAIN {PLAIN}")[0] == 503
        assert session.command(f"MAIL FROM:<{ALICE}> AUTH=<>")[0] == 250
        assert session.command(f"AUTH PLAIN {PLAIN}")[0] == 503
        assert session.command("RSET")[0] == 250


def test_a_login_may_act_as_nobody_else(submission):
    """RFC 4616 section 2: the identity to act as."""
    with Session(submission.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        assert session.command("AUTH PLAIN " + b64(f"{BOB}\0{ALICE}\0{PASSWORD}"))[0] == 535
        assert session.command("AUTH PLAIN " + b64(f"Alice@Example.TEST\0{ALICE}\0{PASSWORD}"))[0] == 235


def test_without_encryption_nobody_logs_in_unless_told(make_engine):
    """RFC 4954 section 4: 538 5.7.11."""
    with make_engine(changes=settings(submission={"allow_cleartext": False}, pop3={"allow_cleartext": False})) as engine:
        with Session(engine.namespaces, port=SUBMISSION) as session:
            assert "AUTH" not in session.command("EHLO client.test")[1]
            assert session.command(f"AUTH PLAIN {PLAIN}")[1].startswith("538 5.7.11 ")
            assert session.command(f"MAIL FROM:<{ALICE}>")[0] == 530
        with Session(engine.namespaces, port=25) as session:
            assert "AUTH" not in session.command("EHLO client.test")[1]
            assert session.command(f"AUTH PLAIN {PLAIN}")[0] == 502


def test_smtplib_and_poplib(submission):
    with inside(submission.namespaces.client):
        session = smtplib.SMTP(ENGINE_IPV4, SUBMISSION, local_hostname="client.test", timeout=30)
    for mechanism in ("PLAIN", "LOGIN"):
        session.ehlo()
        session.user, session.password = ALICE, PASSWORD
        authenticate = session.auth_plain if mechanism == "PLAIN" else session.auth_login
        assert session.auth(mechanism, authenticate)[0] == 235
        session.sendmail(ALICE, [BOB], plain(f"smtplib-{mechanism}@submission.test"))
        session.quit()
        with inside(submission.namespaces.client):
            session = smtplib.SMTP(ENGINE_IPV4, SUBMISSION, local_hostname="client.test", timeout=30)
    session.quit()
    for mechanism in ("PLAIN", "LOGIN"):
        [data] = stored_with(submission, BOB, f"smtplib-{mechanism}@")
        assert b"with ESMTPA id" in data


def pop3_session(engine):
    with inside(engine.namespaces.client):
        return poplib.POP3(ENGINE_IPV4, 110, timeout=30)


def test_pop3_auth(submission):
    """RFC 5034."""
    session = pop3_session(submission)
    assert session.capa()["SASL"] == ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
    for line in ("AUTH", "AUTH KERBEROS_V4", "AUTH PLAIN AAA", "AUTH PLAIN " + b64(f"\0{ALICE}\0wrong")):
        with pytest.raises(poplib.error_proto):
            session._shortcmd(line)
    assert session._shortcmd("AUTH PLAIN") == b"+ "
    with pytest.raises(poplib.error_proto):
        session._shortcmd("*")
    assert session._shortcmd("AUTH PLAIN") == b"+ "
    assert session._shortcmd(PLAIN).startswith(b"+OK")
    assert session.stat()[0] >= 0
    session.quit()


@pytest.mark.needs("curl")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl(submission, mechanism, tmp_path):
    ident = f"curl-{mechanism}@submission.test"
    (tmp_path / "mail").write_bytes(plain(ident))
    submission.namespaces.run("curl", "-sS", "--max-time", 30, "--url", f"smtp://{ENGINE_IPV4}:{SUBMISSION}/client.test",
                              "--user", f"{ALICE}:{PASSWORD}", "--login-options", f"AUTH={mechanism}",
                              "--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", tmp_path / "mail")
    listed = submission.namespaces.run("curl", "-sS", "--max-time", 30, "--url", f"pop3://{ENGINE_IPV4}/",
                                       "--user", f"{BOB}:{PASSWORD}", "--login-options", f"AUTH={mechanism}")
    assert listed.stdout.strip() and len(stored_with(submission, BOB, ident)) == 1


@pytest.mark.needs("msmtp", "mpop")
@pytest.mark.parametrize("mechanism", ["scram-sha-256", "scram-sha-1", "plain", "login"])
def test_msmtp_and_mpop(submission, mechanism, tmp_path):
    ident = f"msmtp-{mechanism}@submission.test"
    common = f"tls off\nhost {ENGINE_IPV4}\nauth {mechanism}\nuser {BOB}\npassword \"{PASSWORD}\"\n"
    (tmp_path / "msmtprc").write_text(f"account default\nport {SUBMISSION}\nfrom {BOB}\n{common}")
    (tmp_path / "mpoprc").write_text(f"account default\nport 110\n{common}keep on\ndelivery mbox {tmp_path}/mbox\n"
                                     f"uidls_file {tmp_path}/uidls\n")
    for name in ("msmtprc", "mpoprc"):
        (tmp_path / name).chmod(0o600)
    submission.namespaces.run("msmtp", "-C", tmp_path / "msmtprc", BOB, data=plain(ident, BOB))
    submission.namespaces.run("mpop", "-C", tmp_path / "mpoprc", "-Q")
    assert ident.encode() in (tmp_path / "mbox").read_bytes()


@pytest.mark.needs("swaks")
def test_swaks(submission):
    for mechanism in ("PLAIN", "LOGIN"):
        ident = f"swaks-{mechanism}@submission.test"
        result = submission.namespaces.run(
            "swaks", "--server", ENGINE_IPV4, "--port", SUBMISSION, "--auth", mechanism, "--auth-user", ALICE,
            "--auth-password", PASSWORD, "--from", ALICE, "--to", BOB, "--helo", "client.test",
            "--header", f"Message-Id: <{ident}>")
        assert result.returncode == 0 and len(stored_with(submission, BOB, ident)) == 1


@pytest.mark.needs("gsasl")
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"])
def test_gsasl(submission, mechanism):
    for password in (PASSWORD, "wrong"):
        result = submission.namespaces.run("gsasl", "--smtp", "--no-starttls", "-m", mechanism, "-a", ALICE, "-p", password,
                                           ENGINE_IPV4, str(SUBMISSION), data=b"", check=False)
        said = (result.stdout + result.stderr).decode(errors="replace")
        assert bool(re.search("^235 ", said, re.MULTILINE)) == (password == PASSWORD), said


# ---- what is done to a message ----

def submit(engine, sender, recipients, data, user=ALICE):
    """The reply that decides."""
    with Session(engine.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        assert session.command("AUTH PLAIN " + b64(f"\0{user}\0{PASSWORD}"))[0] == 235
        code, text = session.command(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            if code == 250:
                code, text = session.command(f"RCPT TO:<{recipient}>")
        if code == 250:
            code, text = session.command("DATA")
        if code == 354:
            session.send(data + b".\r\n")
            code, text = session.reply()
        return code, text


def text_of(ident, *fields, sender=ALICE):
    return "\r\n".join([f"From: {sender}", f"X-Ident: {ident}", *fields, "", "text", ""]).encode()


@pytest.fixture(scope="module")
def senders(shared_bench):
    changes = settings(aliases=[{"address": "sales@example.test", "members": [ALICE, BOB]},
                                {"address": "bobs@example.test", "members": [BOB]}],
                       domains=[{"name": "example.test", "class": "local"},
                                {"name": "catch.test", "class": "local", "catch_all": ALICE}])
    alice = next(account for account in changes["accounts"] if account["address"] == ALICE)
    alice["send_as"] = ["boss@example.test", "@elsewhere.example", "Someone@Other.Example"]
    return shared_bench(changes=changes)


def test_accounts_send_as_themselves(senders):
    """RFC 6409 section 6.1: addresses, aliases, catch-alls, what is granted."""
    for sender in (ALICE, "alice+detail@example.test", "ALICE@EXAMPLE.test", "sales@example.test", "any@catch.test",
                   "boss@example.test", "x@elsewhere.example", "someone@other.example", ""):
        assert submit(senders, sender, [BOB], text_of("may"))[0] == 250, sender
    for sender in (BOB, "bobs@example.test", "nobody@example.test", "x@sub.elsewhere.example", "else@other.example"):
        assert submit(senders, sender, [BOB], text_of("may not"))[1].startswith("553 5.7.1 "), sender


def test_from_and_sender_are_the_accounts(senders):
    own = ('From: "Alice, A." <alice@example.test>', "From: alice@example.test (Alice)", "From: Team: alice@example.test, sales@example.test;",
           "from:\r\n Alice\r\n <alice@example.test>", f"From: {ALICE}\r\nSender: x@elsewhere.example")
    others = (f"From: {BOB}", f"From: {ALICE}, {BOB}", f'From: "{ALICE}" <{BOB}>', f"From: {ALICE}\r\nSender: {BOB}")
    broken = ("Subject: no From", "From: ", f"From: {ALICE}\r\nFrom: {BOB}", f"From: <{ALICE}> <{BOB}>", "From: alice", "From: Team:;")
    for fields, expected in ((own, "250 "), (others, "550 5.7.1 "), (broken, "554 5.6.0 ")):
        for field in fields:
            code, text = submit(senders, ALICE, [BOB], field.encode() + b"\r\n\r\ntext\r\n")
            assert text.startswith(expected), (field, text)


def test_date_and_id_are_added_and_bcc_goes(senders):
    """RFC 6409 section 8; RFC 5322 section 3.6.3."""
    data = text_of("repaired", "Bcc: secret@example.test,", "\tmore@example.test", "bCC : again@example.test", "Subject: x")
    assert submit(senders, ALICE, [BOB], data)[0] == 250
    [stored] = stored_with(senders, BOB, "X-Ident: repaired")
    header = stored.split(b"\r\n\r\n")[0].decode()
    assert re.search(r"^Date: \w{3}, \d", header, re.MULTILINE) and re.search(r"^Message-ID: <\w+@mx\.example\.test>\r?$", header, re.MULTILINE)
    assert "secret" not in header and "again" not in header and "bcc" not in header.lower() and "Subject: x" in header
    data = text_of("whole", "Date: Sun, 22 Nov 2026 03:47:25 +0000", "Message-ID: <own@client.test>", "Bccx: stays")
    assert submit(senders, ALICE, [BOB], data)[0] == 250
    [stored] = stored_with(senders, BOB, "X-Ident: whole")
    assert stored.count(b"Date:") == 1 and stored.count(b"Message-ID:") == 1 and stored.endswith(data)


def test_lines_are_as_long_as_mail_may_have_them(senders):
    """RFC 5322 section 2.1.1."""
    for length, code in ((998, 250), (999, 554)):
        assert submit(senders, ALICE, [BOB], text_of("long") + b"x" * length + b"\r\n")[0] == code


def test_privacy_names_no_client(make_engine):
    with make_engine(changes=settings(submission={"allow_cleartext": True, "privacy": True})) as engine:
        data = text_of("private", "Received: from home.client.test", "User-Agent: Client/1", "X-Mailer: y", "Subject: z")
        assert submit(engine, ALICE, [BOB], data)[0] == 250
        [stored] = stored_with(engine, BOB, "X-Ident: private")
        assert stored.count(b"Received: by mx.example.test") == 1 and b"client.test" not in stored
        assert b"User-Agent" not in stored and b"X-Mailer" not in stored and b"Subject: z" in stored


def test_maps_change_envelope_and_header(make_engine):
    """Canonical maps and masquerading: what is stored and queued has the new addresses, and the account is asked about the old ones."""
    maps = {"canonical": [{"address": ALICE, "to": "Alice.Liddell@wonder.example", "applies_to": "sender"},
                          {"address": "@old.example", "to": "@far.example", "applies_to": "recipient"},
                          {"address": "robert@example.test", "to": BOB}],
            "masquerade": {"domains": ["example.test"], "except": ["root"]}}
    changes = settings(submission={"allow_cleartext": True, **maps})
    changes["accounts"][0]["send_as"] = ["@host.example.test"]
    user = changes["accounts"][0]["address"]
    with make_engine(changes=changes) as engine:
        data = text_of("mapped", f"To: Robert <robert@example.test>, \"{BOB}\" <x@old.example>,", "\tTeam: y@host.example.test (y@old.example);",
                       "Reply-To: alice@example.test, unreadable address", "Subject: alice@example.test")
        assert submit(engine, ALICE, ["robert@example.test", "X@old.example"], data)[0] == 250
        [stored] = stored_with(engine, BOB, "X-Ident: mapped")
        assert stored.startswith(b"Return-Path: <Alice.Liddell@wonder.example>")
        assert (f"From: Alice.Liddell@wonder.example\r\nX-Ident: mapped\r\nTo: Robert <{BOB}>, \"{BOB}\" <x@far.example>,\r\n"
                "\tTeam: y@example.test (y@old.example);\r\nReply-To: Alice.Liddell@wonder.example, unreadable address\r\n"
                "Subject: alice@example.test\r\n").encode() in stored
        [row] = engine.ask("queue", "list")
        assert (row["rcpt_to"], row["mail_from"], row["login"]) == ("X@far.example", "Alice.Liddell@wonder.example", ALICE)
        assert engine.ask("counters")["addresses_unmapped"] == 1
        assert submit(engine, BOB, [BOB], text_of("other"))[1].startswith("553 ")
        sender = f"{user.split('@')[0]}@host.example.test"
        assert submit(engine, sender, [BOB], text_of("masqueraded", sender=sender), user=user)[0] == 250
        [stored] = stored_with(engine, BOB, "X-Ident: masqueraded")
        assert f"From: {user}\r\n".encode() in stored
        # Another map counts from the next message on.
        engine.settings["submission"] = {"allow_cleartext": True}
        engine.write()
        engine.ask("reload")
        assert submit(engine, ALICE, [BOB], text_of("plain"))[0] == 250
        [stored] = stored_with(engine, BOB, "X-Ident: plain")
        assert f"From: {ALICE}\r\n".encode() in stored


# ---- mail for other servers ----

def test_mail_for_other_servers_is_queued_and_kept(make_engine):
    """RFC 6409 section 3.1: what was taken is not lost, whatever happens next."""
    with make_engine(changes=settings()) as engine:
        with Session(engine.namespaces, port=25) as session:
            session.command("EHLO client.test")
            assert session.command(f"MAIL FROM:<{ALICE}>")[0] == 250
            assert session.command("RCPT TO:<x@far.example>")[0] == 550
        data = text_of("far", "Subject: x")
        assert submit(engine, ALICE, ["x@far.example", "y@far.example", BOB, "x@far.example", "nobody@example.test"], data)[0] == 550
        assert engine.ask("queue", "list") == []
        assert submit(engine, ALICE, ["x@far.example", "y@far.example", BOB, "x@far.example"], data)[0] == 250
        engine.kill()
        engine.start()
        queued = engine.ask("queue", "list")
        assert [(row["rcpt_to"], row["mail_from"], row["login"], row["state"]) for row in queued] == [
            (recipient, ALICE, ALICE, "queued") for recipient in ("x@far.example", "y@far.example")]
        assert len(stored_with(engine, BOB, "X-Ident: far")) == 1
        exported = engine.ctl("message", "export", queued[0]["id"]).stdout
        assert exported.endswith(data) and b"\r\nDate: " in exported
        assert engine.ctl("fsck").returncode == 0


# ---- under TLS ----

@pytest.mark.needs("curl")
def test_under_tls_without_a_switch(make_engine, tmp_path):
    """RFC 8314, RFC 3207 section 4.2: AUTH is there once the stream is protected, by STARTTLS or from the first byte on."""
    certificate = Authority(tmp_path / "authority").sign("ecdsa", "mx.example.test")
    changes = settings(submission={"allow_cleartext": False}, pop3={"allow_cleartext": False}, tls={"certificates": [certificate]})
    changes["listeners"] = [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3", "tls": "starttls"},
                            {"port": SUBMISSION, "protocol": "submission", "tls": "starttls"},
                            {"port": 465, "protocol": "submission", "tls": "implicit"}]
    with make_engine(changes=changes) as engine:
        with Session(engine.namespaces, port=SUBMISSION) as session:
            offered = session.command("EHLO client.test")[1]
            assert "STARTTLS" in offered and "AUTH" not in offered
        for scheme, port, options in (("smtp", SUBMISSION, ["--ssl-reqd"]), ("smtps", 465, [])):
            ident = f"tls-{port}@submission.test"
            (tmp_path / "mail").write_bytes(plain(ident))
            engine.namespaces.run("curl", "-sSk", "--max-time", 30, "--url", f"{scheme}://{ENGINE_IPV4}:{port}/client.test", *options,
                                  "--user", f"{ALICE}:{PASSWORD}", "--mail-from", ALICE, "--mail-rcpt", BOB,
                                  "--upload-file", tmp_path / "mail")
        listed = engine.namespaces.run("curl", "-sSk", "--max-time", 30, "--ssl-reqd", "--url", f"pop3://{ENGINE_IPV4}/1",
                                       "--user", f"{BOB}:{PASSWORD}", "--login-options", "AUTH=PLAIN").stdout
        assert re.search(rb"with ESMTPSA\s", listed), listed[:400]
