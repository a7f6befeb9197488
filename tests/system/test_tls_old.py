# SPDX-License-Identifier: BSD-3-Clause
"""The profile `old`: what it agrees to, against Mozilla's list, and that all else holds there too."""

import re
import socket
import ssl
from contextlib import suppress

import pytest
from lab import messages
from lab.certificates import Authority
from lab.commands import wait_until
from lab.engine import HOSTNAME, PASSWORD, USERS, crypt
from lab.namespaces import ENGINE_IPV4, inside
from lab.records import connections, total
from lab.sasl import NO_EXTENDED_MASTER_SECRET, Channel, scram, scram_keys
from lab.smtp import Session
from lab.tls_clients import POP3S, SMTPS, ByHand, fetch, s_client, secured, trusting, typing
from OpenSSL import SSL

USER = "alice@example.test"
V10, V11, V12, V13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ANY = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

# https://ssl-config.mozilla.org/guidelines/5.7.json, "old", without TLS 1.3's; DES-CBC3-SHA, its last, OpenSSL is built without.
MOZILLA_OLD = """
    ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384
    ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384
    DHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA
    ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA DHE-RSA-AES128-SHA256
    DHE-RSA-AES256-SHA256 AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA256 AES256-SHA256 AES128-SHA AES256-SHA""".split()
CBC = {V10: "ECDHE-RSA-AES128-SHA", V11: "AES256-SHA", V12: "ECDHE-ECDSA-AES256-SHA384"}
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
EACH = pytest.mark.parametrize("version", list(CBC), ids=["1.0", "1.1", "1.2"])
FLAGS = {V10: "-tls1", V11: "-tls1_1", V12: "-tls1_2"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def mail():
    return messages.large("old@tls.test", 60_000)


@pytest.fixture(scope="module")
def old_engine(shared_bench, authority, mail):
    engine = shared_bench(changes={
        "listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"}, {"port": SMTPS, "protocol": "submission", "tls": "implicit"},
                      {"port": POP3S, "protocol": "pop3", "tls": "implicit"}],
        "pop3": {"allow_cleartext": False},
        "tls": {"profile": "old", "certificates": [authority.sign("rsa", HOSTNAME, kind="rsa"), authority.sign("ecdsa", HOSTNAME)]},
        "accounts": [{"address": f"{user}@example.test", "password": crypt(PASSWORD), "scram_sha_256": scram_keys("SCRAM-SHA-256", "sha256")} for user in USERS]})
    with Session(engine.namespaces) as session:
        assert session.transaction("sender@client.test", [USER], mail.data)[0] == 250
    return engine


def old(authority, version, suites=None):
    """What a client takes to speak so with the programs of today."""
    context = trusting(authority)
    context.set_ciphers(f"{suites or CBC[version]}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


def preferred(engine, authority, version):
    """What it agrees to of all that OpenSSL has, in its own order."""
    found = []
    while True:
        context = old(authority, version, ":".join((ANY, *(f"!{name}" for name in found))))
        try:
            with secured(engine, context) as tls:
                assert tls.recv(1) == b"+"
                found.append(tls.cipher()[0])
        except (ssl.SSLError, ConnectionError):
            return found


def test_suites_are_those_of_mozilla(old_engine, authority):
    assert preferred(old_engine, authority, V12) == MOZILLA_OLD
    before = [name for name in MOZILLA_OLD if re.search("AES(128|256)-SHA$", name)]
    assert [preferred(old_engine, authority, version) for version in (V10, V11)] == [before, before]


@pytest.mark.parametrize("version", [V10, V11, V12, V13], ids=["1.0", "1.1", "1.2", "1.3"])
def test_mail_is_read(old_engine, authority, mail, version):
    context = trusting(authority, V13) if version == V13 else old(authority, version)
    mails, facts = fetch(old_engine, context, USER)
    assert facts == ({V10: "TLSv1", V11: "TLSv1.1", V12: "TLSv1.2", V13: "TLSv1.3"}[version], CBC.get(version, facts[1]))
    assert [text.split(b"\r\n\r\n", 1)[1] for text in mails] == [mail.data.split(b"\r\n\r\n", 1)[1]]


@EACH
def test_a_message_comes_behind_starttls(old_engine, authority, version):
    with Session(old_engine.namespaces) as session:
        session.command("EHLO client.test")
        session.secure(old(authority, version))
        assert session.command("MAIL FROM:<a@client.test>")[0] == 503
        assert "REQUIRETLS" in session.command("EHLO client.test")[1]
        assert session.transaction("sender@client.test", ["bob@example.test"], messages.large("x@tls.test", 40_000).data)[0] == 250
        session.quit()


@pytest.mark.long
@EACH
def test_fragments(old_engine, authority, version):
    with ByHand(old_engine, old(authority, version), piece=1) as client:
        client.run(client.tls.do_handshake)
        assert client.run(lambda: client.tls.read(100)).startswith(b"+")
        for byte in b"CAPA\r\n":
            client.run(lambda byte=byte: client.tls.write(bytes([byte])))
        # In TLS 1.0 the first octet of what is said is a record of its own.
        text = b""
        while not text.endswith(b"\r\n.\r\n"):
            text += client.run(lambda: client.tls.read(1000))
        assert b"+OK capabilities\r\n" in text


@EACH
def test_a_forged_record_ends_the_connection(old_engine, authority, version):
    before = old_engine.ask("counters")["tls_records_refused"]
    for at in (5, 21, -1, -20):
        with ByHand(old_engine, old(authority, version)) as client:
            client.run(client.tls.do_handshake)
            client.run(lambda: client.tls.read(100))
            client.tls.write(b"CAPA\r\n")
            record = bytearray(client.outside.read())
            record[at] ^= 0x80
            client.socket.sendall(record)
            with suppress(ConnectionError):
                while data := client.socket.recv(65536):
                    client.inside.write(data)
            with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
                while client.tls.read(100):
                    pass
    assert old_engine.ask("counters")["tls_records_refused"] == before + 4


@EACH
def test_sessions_are_resumed_by_ticket(old_engine, authority, version):
    context, kept = old(authority, version), None
    for round_ in range(3):
        with secured(old_engine, context, session=kept) as tls:
            assert tls.session_reused == (round_ > 0)
            tls.sendall(b"QUIT\r\n")
            assert tls.makefile("rb").read().endswith(b"\r\n+OK bye\r\n")
            kept = tls.session


@pytest.mark.long
@EACH
def test_renegotiation_is_refused(old_engine, version):
    with typing(old_engine, FLAGS[version], b"R", options=("-cipher", f"{CBC[version]}:@SECLEVEL=0")) as text:
        assert "no renegotiation" in text


@pytest.mark.long
def test_what_is_older_or_weaker_is_refused(old_engine):
    for words in (("-tls1_2", "-fallback_scsv", "-cipher", "DEFAULT"), ("-tls1", "-cipher", "aNULL:@SECLEVEL=0"),
                  ("-tls1_2", "-cipher", "AES128-CCM:ECDHE-RSA-CAMELLIA128-SHA256:ARIA:@SECLEVEL=0")):
        text = s_client(old_engine, *words)
        assert "+OK" not in text and "alert" in text
    with inside(old_engine.namespaces.client):
        plain = socket.create_connection((ENGINE_IPV4, POP3S), timeout=10)
    with plain:
        # A ClientHello of SSL 3.0: protocol_version.
        hello = b"\x03\x00" + bytes(32) + b"\0" + b"\0\x02\0\x2f" + b"\1\0"
        plain.sendall(b"\x16\x03\0" + (len(hello) + 4).to_bytes(2, "big") + b"\1" + len(hello).to_bytes(3, "big") + hello)
        answer = plain.recv(100)
        assert answer[0] == 21 and answer[5:7] in (b"\2\x46", b"\2\x28")


@pytest.mark.long
@pytest.mark.parametrize("words", ["VERS-TLS1.0:%NO_ETM", "VERS-TLS1.0", "VERS-TLS1.1", "VERS-TLS1.2:-CIPHER-ALL:+AES-256-CBC",
                                   "VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256:%NO_ETM", "VERS-TLS1.3"])
def test_gnutls(old_engine, authority, words):
    text = old_engine.namespaces.run("gnutls-cli", "--x509cafile", authority.file, "--sni-hostname", HOSTNAME, "--verify-hostname", HOSTNAME,
                                     "--priority", f"NORMAL:-VERS-ALL:+{words}", "-p", POP3S, ENGINE_IPV4, data=b"QUIT\r\n", check=False,
                                     timeout=20).stdout.decode()
    assert "Handshake was completed" in text and "+OK bye" in text
    assert words[5:11] in text and ("EtM" in text or "Encrypt-then-MAC" in text or "NO_ETM" in words or "1.3" in words)


@pytest.mark.parametrize("version", [SSL.TLS1_VERSION, SSL.TLS1_1_VERSION], ids=["1.0", "1.1"])
def test_logins_are_bound_to_the_connection(old_engine, version):
    for kind, options in (("tls-exporter", 0), ("tls-server-end-point", 0), ("tls-server-end-point", NO_EXTENDED_MASTER_SECRET)):
        with Channel(old_engine.namespaces, SMTPS, version, options=options, suites="AES128-SHA:@SECLEVEL=0") as channel:
            assert "SCRAM-SHA-256-PLUS" in channel.mechanisms()
            right = channel.exporter() if kind == "tls-exporter" else channel.end_point()
            assert scram(channel, "SCRAM-SHA-256-PLUS", USER, PASSWORD, f"p={kind},,", right).startswith("235 ")


def test_records_and_trace_fields_say_what_it_was(old_engine, authority):
    mail = fetch(old_engine, old(authority, V12), "bob@example.test")[0][0]
    assert re.search(rb"with ESMTPS \(TLS1\.[012]\) id \S+\s+for <bob@example.test>\s+tls TLS_\w+_CBC_SHA", mail)
    told = {(row["connection"]["tls"]["version"], row["connection"]["tls"]["suite"]) for row in connections(old_engine) if row["connection"]["tls"]}
    assert {("TLS1.0", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), ("TLS1.1", "TLS_RSA_WITH_AES_256_CBC_SHA"),
            ("TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384")} <= told
    wait_until(lambda: total(old_engine.ask("counters"), "tls_memory") == 0, 5, "handshakes to be forgotten")
