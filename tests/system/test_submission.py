# SPDX-License-Identifier: BSD-3-Clause
"""Mail from accounts: logins by SASL in SMTP and POP3, by hand and by the programs that people have."""

import base64
import hashlib
import hmac
import poplib
import re
import smtplib

import pytest
from lab import messages
from lab.engine import PASSWORD, USERS, crypt
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session, inbox

SALT = b"a salt for tests"
ALICE, BOB = "alice@example.test", "bob@example.test"
SUBMISSION = 587


def scram_keys(name, digest, password=PASSWORD, iterations=4096):
    """Stored keys as RFC 5803 writes them, computed apart from the engine."""
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, iterations)
    stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
    server = hmac.digest(salted, b"Server Key", digest)
    salt, stored, server = (base64.b64encode(octets).decode() for octets in (SALT, stored, server))
    return f"{name}${iterations}:{salt}${stored}:{server}"


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
    mail = messages.plain("smtplib@submission.test")
    with inside(submission.namespaces.client):
        session = smtplib.SMTP(ENGINE_IPV4, SUBMISSION, local_hostname="client.test", timeout=30)
    for mechanism in ("PLAIN", "LOGIN"):
        session.ehlo()
        session.user, session.password = ALICE, PASSWORD
        authenticate = session.auth_plain if mechanism == "PLAIN" else session.auth_login
        assert session.auth(mechanism, authenticate)[0] == 235
        session.sendmail(ALICE, [BOB], mail.data.replace(b"smtplib@", f"smtplib-{mechanism}@".encode()))
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
    (tmp_path / "mail").write_bytes(messages.plain(ident).data)
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
    submission.namespaces.run("msmtp", "-C", tmp_path / "msmtprc", BOB, data=messages.plain(ident).data)
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
