# SPDX-License-Identifier: BSD-3-Clause
"""Logins that need more than a password: bound to the connection, by certificate, by token."""

import re
from pathlib import Path

import pytest
from lab.certificates import Authority
from lab.commands import run
from lab.engine import HOSTNAME, PASSWORD, USERS, binary, crypt
from lab.namespaces import ENGINE_IPV4
from lab.sasl import NO_EXTENDED_MASTER_SECRET, Channel, say, scram, scram_keys
from OpenSSL import SSL

ALICE, BOB = "alice@example.test", "bob@example.test"
SUBMISSION, SUBMISSIONS, POP3S, ASKS, ASKS_POP3 = 587, 465, 995, 466, 996
PLUS = "SCRAM-SHA-256-PLUS"
PORTS = (SUBMISSIONS, POP3S)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def people(authority):
    """Certificates of clients."""
    return {"email": authority.sign("email", "unnamed.test", ALICE), "printed": authority.sign("printed", "printed.test", ALICE),
            "subject": authority.sign("subject", "somebody.test"), "nobody": authority.sign("nobody", "nobody.test"),
            "none": authority.sign("none", "nothing.test"), "stranger": authority.sign("stranger", "elsewhere.test", "x@elsewhere.test"),
            "forged": Authority(authority.directory / "other").sign("forged", "somebody.test", ALICE)}


def fingerprint(item):
    text = run("openssl", "x509", "-in", item["certificate"], "-noout", "-fingerprint", "-sha256").stdout.decode()
    return text.strip().split("=")[1]


@pytest.fixture(scope="module")
def engine(shared_bench, authority, people):
    return shared_bench(changes={
        "listeners": [{"port": 25, "protocol": "smtp"},
                      {"port": ASKS, "protocol": "submission", "tls": "implicit", "client_certificates": "ask"},
                      {"port": ASKS_POP3, "protocol": "pop3", "tls": "implicit", "client_certificates": "require"},
                      {"port": SUBMISSION, "protocol": "submission", "tls": "starttls"},
                      {"port": SUBMISSIONS, "protocol": "submission", "tls": "implicit"},
                      {"port": POP3S, "protocol": "pop3", "tls": "implicit"}],
        "tls": {"certificates": [authority.sign("rsa", HOSTNAME, kind="rsa"), authority.sign("ecdsa", HOSTNAME)],
                "client_ca": str(authority.file)},
        "auth": {"certificate_email": True,
                 "certificates": [{"fingerprint": fingerprint(people["printed"]), "account": BOB},
                                  {"subject": "CN=somebody.test", "account": "BOB@Example.TEST"},
                                  {"subject": "CN=nobody.test", "account": "nobody@example.test"}]},
        "submission": {"allow_cleartext": True},
        "pop3": {"failures": 20, "failure_delay": "0s"},
        "accounts": [{"address": f"{user}@example.test", "password": crypt(PASSWORD),
                      "scram_sha_256": scram_keys("SCRAM-SHA-256", "sha256")} for user in USERS],
    })


def is_in(said):
    return said.startswith(("235 ", "+OK"))


# ---- channel binding ----

@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_logins_are_bound_to_the_connection(engine, port, version):
    """RFC 5802 section 6, RFC 9266, RFC 5929 section 4."""
    for kind in ("tls-exporter", "tls-server-end-point"):
        with Channel(engine.namespaces, port, version) as channel:
            assert channel.mechanisms()[:2] == [PLUS, "SCRAM-SHA-256"]
            right = channel.exporter() if kind == "tls-exporter" else channel.end_point()
            header = f"p={kind},,"
            for binding in (right[:-1],) if version == SSL.TLS1_3_VERSION else ():
                assert re.match(r"535 5\.7\.8|-ERR \[AUTH\]", scram(channel, PLUS, ALICE, PASSWORD, header, binding))
            assert is_in(scram(channel, PLUS, ALICE, PASSWORD, header, right))
    with Channel(engine.namespaces, port, version) as one, Channel(engine.namespaces, port, version) as other:
        one.mechanisms()
        assert not is_in(scram(one, PLUS, ALICE, PASSWORD, "p=tls-exporter,,", other.exporter()))


@pytest.mark.parametrize("port", PORTS)
def test_who_was_told_of_no_binding_is_not_let_in(engine, port):
    """RFC 5802 section 6: "y" where it is offered; a type that is not known; PLUS without, others with one."""
    with Channel(engine.namespaces, port) as channel:
        channel.mechanisms()
        for mechanism, header in (("SCRAM-SHA-256", "y,,"), (PLUS, "p=tls-unique,,")):
            assert re.match(r"535 5\.7\.8 .*channel binding|-ERR \[AUTH\] .*channel binding",
                            scram(channel, mechanism, ALICE, PASSWORD, header))
        for mechanism, header in ((PLUS, "n,,"), (PLUS, "y,,"), ("SCRAM-SHA-256", "p=tls-exporter,,")):
            assert re.match(r"501 |-ERR cannot read", scram(channel, mechanism, ALICE, PASSWORD, header, channel.exporter()))
        assert is_in(scram(channel, "SCRAM-SHA-256", ALICE, PASSWORD))


def test_a_binding_has_what_it_needs(engine):
    """RFC 9266 section 4: in TLS 1.2 the exporter needs the extended master secret."""
    with Channel(engine.namespaces, SUBMISSIONS, SSL.TLS1_2_VERSION, options=NO_EXTENDED_MASTER_SECRET) as channel:
        assert PLUS in channel.mechanisms()
        assert scram(channel, PLUS, ALICE, PASSWORD, "p=tls-exporter,,", channel.exporter()).startswith("535 ")
        assert is_in(scram(channel, PLUS, ALICE, PASSWORD, "p=tls-server-end-point,,", channel.end_point()))


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_resumed_connection_has_its_first_certificate(engine, version):
    session, before = None, engine.ask("counters")["tls_handshakes_resumed"]
    for kind in ("exporter", "end_point", "end_point", "end_point"):
        with Channel(engine.namespaces, SUBMISSIONS, version, session=session) as channel:
            channel.mechanisms()
            header = "p=tls-exporter,," if kind == "exporter" else "p=tls-server-end-point,,"
            assert is_in(scram(channel, PLUS, ALICE, PASSWORD, header, getattr(channel, kind)()))
            session = channel.tls.get_session()
    assert engine.ask("counters")["tls_handshakes_resumed"] == before + 3


def test_in_the_clear_no_binding_is_offered(engine):
    """RFC 5802 section 6: so "y" is taken there."""
    with Channel(engine.namespaces, SUBMISSION, version=None) as channel:
        assert channel.mechanisms() == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
        assert channel.command(f"AUTH {PLUS}").startswith("504 ")
        assert is_in(scram(channel, "SCRAM-SHA-256", ALICE, PASSWORD, "y,,"))


@pytest.mark.needs("gsasl")
def test_gsasl_binds_to_the_exporter(engine):
    for password in (PASSWORD, "wrong"):
        result = engine.namespaces.run("gsasl", "--smtp", "--verbose", "--x509-ca-file=", "-m", PLUS, "-a", ALICE,
                                       "-p", password, "--hostname", HOSTNAME, "--connect", f"{ENGINE_IPV4}:{SUBMISSION}",
                                       data=b"", check=False)
        said = (result.stdout + result.stderr).decode(errors="replace")
        assert bool(re.search("^235 ", said, re.MULTILINE)) == (password == PASSWORD), said


# ---- certificates ----

@pytest.mark.parametrize("port", [ASKS, ASKS_POP3])
def test_a_certificate_is_a_login(engine, people, port):
    """RFC 4422 appendix A; whose it is: by fingerprint, by subject, by the mail address in it."""
    for name, account in (("email", ALICE), ("printed", BOB), ("subject", BOB)):
        for initial in (True, False):
            with Channel(engine.namespaces, port, certificate=people[name]) as channel:
                assert "EXTERNAL" in channel.mechanisms()
                assert is_in(say(channel, "EXTERNAL", "", initial)), name
        with Channel(engine.namespaces, port, certificate=people[name]) as channel:
            channel.mechanisms()
            other = ALICE if account == BOB else BOB
            assert re.match(r"535 5\.7\.8|-ERR \[AUTH\]", say(channel, "EXTERNAL", other))
            assert is_in(say(channel, "EXTERNAL", account.upper() if port == ASKS else account))
    for name in ("nobody", "stranger"):
        with Channel(engine.namespaces, port, certificate=people[name]) as channel:
            channel.mechanisms()
            assert re.match(r"535 5\.7\.8|-ERR \[AUTH\]", say(channel, "EXTERNAL", ""))
            assert re.match(r"501|-ERR", say(channel, "EXTERNAL", "a\0b"))


def test_without_a_certificate_there_is_no_external(engine, people):
    """Not asked for, not shown, of nobody, of an authority that is not trusted."""
    for port, certificate in ((SUBMISSIONS, people["email"]), (ASKS, None), (ASKS, people["none"]), (ASKS, people["forged"])):
        with Channel(engine.namespaces, port, certificate=certificate) as channel:
            assert "EXTERNAL" not in channel.mechanisms()
            assert channel.command("AUTH EXTERNAL =").startswith("504 ")
            assert is_in(scram(channel, "SCRAM-SHA-256", ALICE, PASSWORD))


def test_a_message_comes_by_certificate(engine, people):
    with Channel(engine.namespaces, ASKS, SSL.TLS1_2_VERSION, certificate=people["email"]) as channel:
        channel.mechanisms()
        assert is_in(say(channel, "EXTERNAL", ""))
        assert channel.command(f"MAIL FROM:<{BOB}>").startswith("553 ")
        assert channel.command(f"MAIL FROM:<{ALICE}>").startswith("250 ")


@pytest.mark.parametrize("backend", ["yaml", "rocksdb", "memory"])
@pytest.mark.parametrize("tries", [100, pytest.param(10000, marks=pytest.mark.long)])
def test_time_does_not_tell_who_exists(tries, backend):
    """So many tries with names that somebody has and names that nobody has, for each mechanism with a password and each back end but LDAP."""
    said = run(Path(binary()).parent / "tests/control/test_login_time", str(tries), backend, timeout=900, check=False).stdout.decode()
    assert "not ok" not in said and said.count("\nok ") == (3 if backend == "yaml" else 4), said
