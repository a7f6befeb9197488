# SPDX-License-Identifier: BSD-3-Clause
"""TLS as clients see it: versions, suites, names, tickets, staples, certificates of clients, reloads, what is broken."""

import copy
import os
import poplib
import re
import socket
import ssl
import time
from contextlib import suppress

import pytest
from lab import messages
from lab.certificates import Authority
from lab.commands import run, wait_until
from lab.engine import HOSTNAME, PASSWORD, binary
from lab.namespaces import ENGINE_IPV4, inside
from lab.records import connections, total
from lab.smtp import Session
from lab.tls_clients import POP3S, SMTPS, ByHand, fetch, s_client, secured, trusting, typing

USER = "alice@example.test"
SIZES = (1, 1000, 16384, 200_000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificates(authority):
    """By name: of two kinds of key for the engine's own name, one for another, one that is stapled to."""
    items = {"rsa": authority.sign("rsa", HOSTNAME, kind="rsa"), "ecdsa": authority.sign("ecdsa", HOSTNAME),
             "other": authority.sign("other", "other.test", "*.wild.test")}
    items["ecdsa"]["ocsp"] = authority.staple(items["ecdsa"])
    return items


def changes_of(certificates, **more):
    return {"listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"},
                          {"port": 110, "protocol": "pop3", "tls": "starttls"},
                          {"port": SMTPS, "protocol": "smtp", "tls": "implicit"},
                          {"port": POP3S, "protocol": "pop3", "tls": "implicit"}],
            "pop3": {"allow_cleartext": False},
            "tls": {"certificates": list(certificates.values()), **more}}


@pytest.fixture(scope="module")
def shared_engine(shared_bench, certificates):
    return shared_bench(changes=changes_of(certificates))


@pytest.fixture
def tls_engine(request, shared_engine):
    """An engine shared by the tests: none of them may end it."""
    if shared_engine.process.poll() is not None:
        pytest.fail(f"the engine has ended with {shared_engine.process.returncode}:\n{shared_engine.log_tail()}")
    request.node.engines = [shared_engine]
    return shared_engine


def bodies(mails):
    return [mail.split(b"\r\n\r\n", 1)[1] for mail in mails]


@pytest.fixture(scope="module")
def sent(shared_engine):
    mails = [messages.with_text(f"size-{size}@tls.test", b".x" + b"a" * 70 + b"\r\n" * 1 + b"y" * 60 + b"\r\n" * max(1, size // 133) ) for size in SIZES]
    mails.append(messages.large("large@tls.test", 300_000))
    with Session(shared_engine.namespaces) as session:
        for mail in mails:
            assert session.transaction("sender@client.test", [USER], mail.data)[0] == 250
    return mails


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def test_mail_is_read_under_tls(tls_engine, authority, sent, version):
    mails, facts = fetch(tls_engine, trusting(authority, version, version))
    assert facts[0] == f"TLSv1.{version.value - 0x0301}"
    assert [body.rstrip() for body in bodies(mails)] == [body.rstrip() for body in bodies([mail.data for mail in sent])]


# ---- STARTTLS and STLS ----


def test_a_message_comes_behind_starttls(tls_engine, authority):
    with Session(tls_engine.namespaces) as session:
        assert "STARTTLS" in session.command("EHLO client.test")[1]
        session.secure(trusting(authority))
        # RFC 3207 section 4.2: what was said before is forgotten, and STARTTLS is not offered again.
        assert session.command("MAIL FROM:<a@client.test>")[0] == 503
        offered = session.command("EHLO client.test")[1]
        assert "STARTTLS" not in offered and "REQUIRETLS" in offered
        assert session.command("STARTTLS")[0] == 502
        mail = messages.large("starttls@tls.test", 200_000, recipient="bob@example.test")
        assert session.transaction("sender@client.test", ["bob@example.test"], mail.data)[0] == 250
        session.quit()
    got = fetch(tls_engine, trusting(authority), "bob@example.test")[0]
    assert bodies(got) == bodies([mail.data])
    received = re.sub(rb"\r\n\s+", b" ", got[0].split(b"\r\nReceived:")[1].split(b"\r\n\r\n")[0])
    assert re.search(rb"with ESMTPS \(TLS1\.3\) id \S+ for <bob@example.test> tls TLS_AES_256_GCM_SHA384; ", received)


def test_what_comes_in_the_clear_behind_starttls_is_dropped(tls_engine, authority):
    before = tls_engine.ask("counters")["tls_injected"]
    for port, command, probe, answer in ((25, b"STARTTLS", b"MAIL FROM:<a@b.test>", b"503 "), (110, b"STLS", b"NOOP", b"-ERR")):
        with inside(tls_engine.namespaces.client):
            plain = socket.create_connection((ENGINE_IPV4, port), timeout=20)
        with plain:
            plain.recv(1000)
            if port == 25:
                plain.sendall(b"EHLO a\r\n")
                time.sleep(0.2)
                plain.recv(1000)
            plain.sendall(command + b"\r\nMAIL FROM:<a@b.test>\r\nUSER injected\r\n")
            time.sleep(0.2)
            assert plain.recv(1000).count(b"\n") == 1
            with trusting(authority).wrap_socket(plain, server_hostname=HOSTNAME) as tls:
                # Only what is said now is answered.
                tls.sendall(probe + b"\r\n")
                assert tls.recv(1000).startswith(answer)
                tls.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    tls.recv(1)
    assert tls_engine.ask("counters")["tls_injected"] == before + 2


def test_starttls_out_of_place_is_refused(tls_engine):
    with Session(tls_engine.namespaces, greet=False) as session:
        session.reply()
        assert session.command("STARTTLS")[0] == 503
        session.command("EHLO client.test")
        assert session.command("STARTTLS now")[0] == 501
        assert session.command("MAIL FROM:<a@client.test>")[0] == 250
        assert session.command("STARTTLS")[0] == 503


def test_stls_comes_before_a_password(tls_engine, authority):
    with inside(tls_engine.namespaces.client):
        box = poplib.POP3(ENGINE_IPV4, 110, timeout=20)
    assert "STLS" in box.capa() and "USER" not in box.capa()
    with pytest.raises(poplib.error_proto, match="SYS/PERM"):
        box.user(USER)
    box.host = HOSTNAME
    box.stls(trusting(authority))
    assert "STLS" not in box.capa() and "USER" in box.capa()
    with pytest.raises(poplib.error_proto):
        box._shortcmd("STLS")
    box.user(USER)
    box.pass_(PASSWORD)
    box.quit()


def test_mail_comes_over_implicit_tls(tls_engine, authority):
    with secured(tls_engine, trusting(authority), port=SMTPS) as tls:
        file = tls.makefile("rb")
        assert file.readline().startswith(b"220 ")
        tls.sendall(b"EHLO a\r\nQUIT\r\n")
        text = file.read()
        assert b"STARTTLS" not in text and b"250-PIPELINING" in text and b"221 " in text


# ---- versions, suites, names ----


SUITES = (("-tls1_3", "TLS_AES_128_GCM_SHA256"), ("-tls1_3", "TLS_AES_256_GCM_SHA384"), ("-tls1_3", "TLS_CHACHA20_POLY1305_SHA256"),
          *(("-tls1_2", f"{exchange}-{suite}") for exchange in ("ECDHE-ECDSA", "ECDHE-RSA", "DHE-RSA")
            for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")))


@pytest.mark.parametrize("version,suite", SUITES, ids=[suite for _version, suite in SUITES])
def test_each_suite_is_spoken(tls_engine, version, suite):
    text = s_client(tls_engine, version, "-ciphersuites" if version == "-tls1_3" else "-cipher", suite)
    assert f"Cipher is {suite}" in text or f"Cipher    : {suite}" in text
    assert "+OK bye" in text


@pytest.mark.parametrize("options", [("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
                                     ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"), ("-tls1_2", "-cipher", "AES128-GCM-SHA256")],
                         ids=["1.1", "1.0", "cbc", "rsa"])
def test_what_is_weak_is_refused(tls_engine, options):
    text = s_client(tls_engine, *options)
    assert "+OK" not in text and "alert" in text


@pytest.mark.parametrize("group", ["X25519", "P-256"])
def test_groups(tls_engine, group):
    assert "+OK bye" in s_client(tls_engine, "-groups", group)


def test_certificates_are_chosen_by_name_and_kind(tls_engine, authority):
    for name, subject in ((HOSTNAME, HOSTNAME), ("other.test", "other.test"), ("a.wild.test", "other.test"), ("else.test", HOSTNAME)):
        assert f"subject=CN = {subject}" in s_client(tls_engine, "-servername", name)
    assert "Peer signature type: ECDSA" in s_client(tls_engine, "-sigalgs", "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256")
    assert "Peer signature type: RSA-PSS" in s_client(tls_engine, "-sigalgs", "rsa_pss_rsae_sha256")


def test_staple(tls_engine):
    assert "OCSP Response Status: successful" in s_client(tls_engine, "-status", "-sigalgs", "ecdsa_secp256r1_sha256")
    assert "OCSP response: no response sent" in s_client(tls_engine, "-status", "-servername", "other.test")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def test_sessions_are_resumed_by_ticket(tls_engine, authority, version):
    context = trusting(authority, version, version)
    kept = None
    for round_ in range(3):
        with secured(tls_engine, context, session=kept) as tls:
            assert tls.session_reused == (round_ > 0)
            assert tls.recv(100).startswith(b"+OK")
            tls.sendall(b"QUIT\r\n")
            tls.recv(100)
            kept = tls.session
    assert tls_engine.ask("counters")["tls_handshakes_resumed"] > 0


def test_application_protocols(tls_engine):
    assert "ALPN protocol: pop3" in s_client(tls_engine, "-alpn", "imap,pop3")
    assert "no application protocol" in s_client(tls_engine, "-alpn", "h2")


def test_gnutls_and_curl(tls_engine, authority):
    text = tls_engine.namespaces.run("gnutls-cli", "--x509cafile", authority.file, "--sni-hostname", HOSTNAME, "--verify-hostname", HOSTNAME,
                                     "-p", POP3S, ENGINE_IPV4, data=b"QUIT\r\n", timeout=20).stdout.decode()
    assert "Handshake was completed" in text and "trusted" in text
    listed = tls_engine.namespaces.run("curl", "-sS", "--cacert", authority.file, "--resolve", f"{HOSTNAME}:{POP3S}:{ENGINE_IPV4}",
                                       "-u", f"{USER}:{PASSWORD}", f"pop3s://{HOSTNAME}/", timeout=20).stdout
    assert listed.startswith(b"1 ")


def test_renegotiation_is_refused(tls_engine):
    with typing(tls_engine, "-tls1_2", b"R") as text:
        assert "no renegotiation" in text


@pytest.mark.parametrize("letter", [b"k", b"K"], ids=["ours", "both"])
def test_keys_are_updated(tls_engine, letter):
    with typing(tls_engine, "-tls1_3", letter, b"CAPA", letter, b"quit") as text:
        assert text.count("KEYUPDATE") == 2 and "+OK capabilities" in text and "+OK bye" in text


# ---- what is broken ----


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])


@VERSIONS
@pytest.mark.parametrize("piece", [1, 3])
def test_fragments(tls_engine, authority, version, piece):
    with ByHand(tls_engine, trusting(authority, version, version), piece=piece) as client:
        client.run(client.tls.do_handshake)
        assert client.run(lambda: client.tls.read(100)).startswith(b"+OK")
        for byte in b"CAPA\r\n":
            client.run(lambda byte=byte: client.tls.write(bytes([byte])))
        assert client.run(lambda: client.tls.read(100)).startswith(b"+OK capabilities")


@VERSIONS
def test_handshakes_cut_short(tls_engine, authority, version):
    with ByHand(tls_engine, trusting(authority, version, version)) as client:
        client.run(client.tls.do_handshake)
    for cut in (*range(0, 12), 100, 200, *range(500, 700, 9)):
        for reset in (False, True):
            with ByHand(tls_engine, trusting(authority, version, version)) as client:
                client.left = cut
                if reset:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                with suppress(EOFError, OSError):
                    client.run(client.tls.do_handshake)
    wait_until(lambda: tls_engine.ask("status")["sessions"] == 0, 10, "sessions to end")
    wait_until(lambda: tls_engine.ask("counters")["tls_handshakes_under_way"] == 0, 10, "handshakes to end")
    counters = tls_engine.ask("counters")
    assert total(counters, "tls_memory") == 0 and 8192 < total(counters, "tls_memory_most") < 1 << 20


@VERSIONS
def test_a_forged_record_ends_the_connection(tls_engine, authority, version):
    before = tls_engine.ask("counters")["tls_records_refused"]
    for at in (0, 1, 3, 5, 12, -1):
        with ByHand(tls_engine, trusting(authority, version, version)) as client:
            client.run(client.tls.do_handshake)
            client.run(lambda: client.tls.read(100))
            client.tls.write(b"CAPA\r\n")
            record = bytearray(client.outside.read())
            record[at] ^= 0x80
            client.socket.sendall(record + bytes(20000))
            with suppress(ConnectionError):
                while data := client.socket.recv(65536):
                    client.inside.write(data)
            with pytest.raises(ssl.SSLError, match="(?i)alert|unexpected"):
                client.tls.read(100)
    assert tls_engine.ask("counters")["tls_records_refused"] == before + 6


def test_who_does_not_speak_tls_is_let_go(tls_engine):
    before = tls_engine.ask("counters")["tls_foreign"]
    for words in (b"USER alice\r\n", b"GET / HTTP/1.1\r\n", b"\x80\x2e\x01\x00\x02", bytes(100), b"\x16\x03\x01\xff\xff"):
        with inside(tls_engine.namespaces.client):
            plain = socket.create_connection((ENGINE_IPV4, POP3S), timeout=10)
        with plain, suppress(ConnectionError):
            plain.sendall(words)
            assert plain.recv(100) == b""
    assert tls_engine.ask("counters")["tls_foreign"] == before + 5


def test_a_client_that_ends_without_a_word(tls_engine, authority):
    """At any point, by FIN and by RST, with things said and unread."""
    for words in (b"", b"CAPA\r\n", b"USER x\r\nCAPA\r\n" * 50):
        for linger in (b"\0" * 8, b"\1\0\0\0\0\0\0\0"):
            with secured(tls_engine, trusting(authority)) as tls:
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                tls.sendall(words) if words else None
    for port, word in ((25, b"EHLO a\r\nSTARTTLS\r\n"), (110, b"STLS\r\n")):
        for linger in (b"\0" * 8, b"\1\0\0\0\0\0\0\0"):
            for behind in (b"", b"x", b"\x16\x03", b"RSET\r\n"):
                with inside(tls_engine.namespaces.client):
                    plain = socket.create_connection((ENGINE_IPV4, port), timeout=10)
                with plain:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    plain.sendall(word + behind)
                    time.sleep(0.05)
    wait_until(lambda: tls_engine.ask("status")["sessions"] == 0, 10, "sessions to end")


def test_clients_that_refuse_the_certificate(tls_engine):
    before = tls_engine.ask("counters")["tls_handshakes_failed"]
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context = ssl.create_default_context()
        context.minimum_version = context.maximum_version = version
        for port in (POP3S, 110):
            with inside(tls_engine.namespaces.client):
                plain = socket.create_connection((ENGINE_IPV4, port), timeout=10)
            with plain:
                if port == 110:
                    plain.recv(100)
                    plain.sendall(b"STLS\r\n")
                    plain.recv(100)
                with pytest.raises(ssl.SSLError):
                    context.wrap_socket(plain, server_hostname=HOSTNAME)
    wait_until(lambda: tls_engine.ask("counters")["tls_handshakes_failed"] == before + 4, 5, "four failures")
    assert tls_engine.greets()


# ---- configuration ----


def refused(engine, tls, **listener):
    """What `check` says of these settings, which it has to refuse."""
    engine.settings["tls"] = {**engine.settings["tls"], **tls}
    engine.settings["listeners"][3].update(listener)
    engine.write()
    result = run(binary(), "check", "-c", engine.file, check=False)
    assert result.returncode != 0
    return (result.stdout + result.stderr).decode()


def test_bad_certificates_are_named(tls_engine, authority, certificates, tmp_path):
    settings = copy.deepcopy(tls_engine.settings)
    rsa, ecdsa = certificates["rsa"], certificates["ecdsa"]
    locked = authority.sign("locked", HOSTNAME, passphrase="open")
    words = tmp_path / "words"
    words.write_text("wrong\n")
    text = tmp_path / "text"
    text.write_text("no certificate\n")
    expired = authority.sign("expired", HOSTNAME, days=0)
    cases = [({"certificate": rsa["certificate"], "key": ecdsa["key"]}, "is not the key of"),
             (expired, "has expired"),
             ({"certificate": str(tmp_path / "none"), "key": rsa["key"]}, "cannot be read: No such file"),
             ({"certificate": str(text), "key": rsa["key"]}, "has no certificate in PEM"),
             ({"certificate": rsa["certificate"], "key": str(text)}, "has no private key in PEM"),
             (locked, "needs a passphrase"),
             ({**locked, "passphrase": str(words)}, "the passphrase is wrong"),
             ({**rsa, "ocsp": str(text)}, "is no successful OCSP response")]
    try:
        for item, fault in cases:
            answer = refused(tls_engine, {"certificates": [item]})
            assert fault in answer and "tls.certificates[] in line" in answer, answer
            assert fault.encode() in (lambda r: r.stdout + r.stderr)(tls_engine.ctl("reload", check=False))
        assert "tls.certificates has none" in refused(tls_engine, {"certificates": []})
        assert "tls.client_ca" in refused(tls_engine, {"certificates": [rsa]}, client_certificates="ask")
        assert "tls.ticket_keys" in refused(tls_engine, {"ticket_keys": str(text)}, client_certificates="none")
        words.write_text("open\n")
        tls_engine.settings = copy.deepcopy(settings)
        tls_engine.settings["tls"]["certificates"] = [{**locked, "passphrase": str(words)}]
        tls_engine.write()
        assert run(binary(), "check", "-c", tls_engine.file).returncode == 0
    finally:
        tls_engine.settings = settings
        tls_engine.write()
    # The engine has kept what it had.
    assert f"subject=CN = {HOSTNAME}" in s_client(tls_engine, "-servername", HOSTNAME)


def test_reload_changes_certificates_under_connections(make_engine, authority, certificates):
    engine = make_engine(changes=changes_of({"rsa": certificates["rsa"]}))
    context = trusting(authority)
    with secured(engine, context) as tls:
        assert tls.recv(100).startswith(b"+OK")
        engine.settings["tls"]["certificates"] = [certificates["other"], authority.sign("soon", "soon.test", days=3)]
        engine.write()
        engine.ctl("reload")
        assert "subject=CN = other.test" in s_client(engine)
        assert any("soon.pem expires in 2 days" in line or "soon.pem expires in 3 days" in line for line in
                   wait_until(lambda: [line for line in engine.log_lines() if "expires" in line], 5, "a warning"))
        # What was begun with the old one goes on.
        tls.sendall(b"CAPA\r\nQUIT\r\n")
        text = b""
        while data := tls.recv(1000):
            text += data
        assert text.endswith(b"+OK bye\r\n")


def test_certificates_of_clients(make_engine, authority, certificates, tmp_path):
    changes = changes_of({"rsa": certificates["rsa"]}, client_ca=str(authority.file))
    changes["listeners"][2]["client_certificates"] = "ask"
    changes["listeners"][3]["client_certificates"] = "require"
    engine = make_engine(changes=changes)
    client, stranger = authority.sign("client", "client.test"), Authority(tmp_path, "stranger").sign("someone", "someone.test")

    def ends(port, item, version):
        context = trusting(authority, version, version)
        if item:
            context.load_cert_chain(item["certificate"], item["key"])
        try:
            with secured(engine, context, port) as tls:
                word = tls.recv(100)
                tls.sendall(b"QUIT\r\n")
                tls.recv(100)
                return word[:3]
        except (ssl.SSLError, ConnectionError):
            return None

    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        assert [ends(SMTPS, item, version) for item in (None, client, stranger)] == [b"220"] * 3
        assert [ends(POP3S, item, version) for item in (None, client, stranger)] == [None, b"+OK", None]
    told = wait_until(lambda: [row for row in connections(engine) if row["connection"]["tls"]][7:] and connections(engine), 5, "records")
    assert [row["connection"]["tls"]["client_certificate"] for row in told if row["connection"]["tls"]] == \
        ["none", "verified", "unproven", "verified"] * 2
    assert {row["connection"]["tls"]["name"] for row in told if row["connection"]["tls"]} == {HOSTNAME}
    assert {row["connection"]["tls"]["version"] for row in told if row["connection"]["tls"]} == {"TLS1.2", "TLS1.3"}


@pytest.mark.long
def test_tickets_of_another_machine(make_engine, authority, certificates, tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(os.urandom(80))
    context = trusting(authority)
    kept = None
    for _ in range(2):
        engine = make_engine(changes=changes_of({"rsa": certificates["rsa"]}, ticket_keys=str(keys)))
        with secured(engine, context, session=kept) as tls:
            tls.recv(100)
            assert tls.session_reused == (kept is not None)
            kept = tls.session


@pytest.mark.long
def test_handshakes_that_crawl(make_engine, certificates):
    engine = make_engine(changes=changes_of({"rsa": certificates["rsa"]}, handshake_timeout="1s", handshakes=2))
    plains = []
    for _ in range(4):
        with inside(engine.namespaces.client):
            plains.append(socket.create_connection((ENGINE_IPV4, POP3S), timeout=5))
        plains[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
    for plain in plains:
        with suppress(ConnectionError):
            assert plain.recv(100) == b""
        plain.close()
    wait_until(lambda: engine.ask("counters")["tls_handshakes_failed"] == 4, 5, "the end of four")
