# SPDX-License-Identifier: BSD-3-Clause
"""TLS under load, by blast: both ways into it, resumption, certificates of each listener, reloads, a flood of handshakes."""

import json
import statistics
import threading
import time

import pytest
from lab import schemas
from lab.certificates import Authority
from lab.commands import run, wait_until
from lab.engine import HOSTNAME, PASSWORD, binary
from lab.namespaces import ENGINE_IPV4
from lab.smtp import SecureSession

OURS = "198.18.0.77/24"
BOTH = ("--rcpt", "alice@example.test", "--rcpt", "bob@example.test", "--recipients", 2)
FAILED = ("sessions_reset", "sessions_lost", "sessions_closed", "sessions_silent", "sessions_broken", "sessions_insecure", "sessions_unfinished",
          "messages_refused", "messages_doubtful")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificates(authority):
    """Two kinds of key for every listener; one of a set of its own."""
    return [authority.sign("ecdsa", HOSTNAME), authority.sign("rsa", HOSTNAME, kind="rsa"),
            authority.sign("apart", "apart.test", kind="rsa") | {"set": "apart"}]


def changes_of(certificates):
    return {"listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"}, {"port": 110, "protocol": "pop3", "tls": "starttls"},
                          {"port": 465, "protocol": "smtp", "tls": "implicit"}, {"port": 995, "protocol": "pop3", "tls": "implicit"},
                          {"port": 466, "protocol": "smtp", "tls": "implicit", "certificates": ["apart"]}],
            "rules": {"files": []}, "pop3": {"allow_cleartext": False}, "tls": {"certificates": certificates, "threads": 3}}


@pytest.fixture(scope="module")
def loaded(shared_bench, certificates):
    """An engine with three threads for handshakes and two workers; the other end of its cable is blast's."""
    engine = shared_bench(workers=2, changes=changes_of(certificates))
    engine.namespaces.take_addresses(engine.namespaces.client_port)
    return engine


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


def blast(engine, port, *words, status=0, timeout=60):
    namespaces = engine.namespaces
    result = run("ip", "netns", "exec", namespaces.client, binary(), "blast", "--dev", namespaces.client_port, "--address", OURS, "--to",
                 f"{ENGINE_IPV4}:{port}", "--json", "-", *words, check=False, timeout=timeout)
    assert result.returncode == status, result.stderr.decode() + result.stdout.decode()
    told = json.loads(result.stdout)
    if schemas.available():
        schemas.check("blast", told)
    return told


def all_well(told):
    assert not {name: told["counts"][name] for name in FAILED if told["counts"][name]} and told["errors"] == []
    return told["counts"]


@pytest.mark.long
def test_everything_comes_by_implicit_tls(loaded, authority, password):
    """Large messages too; the certificate is verified, sessions are resumed, and mailboxes are read back under TLS."""
    told = blast(loaded, 465, *BOTH, "--tls", "implicit", "--tls-ca", authority.file, "--tls-name", HOSTNAME, "--tls-resume", 100, "--size", "300k",
                 "--messages", 60, "--sessions", 4, "--reuse", 3, "--verify", "--password-file", password)
    counts = all_well(told)
    assert told["verified"]["ok"] and told["verified"]["found"] == 120
    # Each of the first ones began before it could have a session; those that read back are not counted.
    assert counts["tls_handshakes"] == 20 and 10 <= counts["tls_resumed"] <= 19
    assert told["latency_us"]["handshake"]["count"] == 20


def test_everything_comes_behind_starttls(loaded, password):
    told = blast(loaded, 25, *BOTH, "--tls", "starttls", "--tls-version", "1.2", "--tls-resume", 50, "--messages", 60, "--sessions", 4, "--bdat",
                 "--slow-senders", 5, "--slow-bytes", 100000, "--broken", 10, "--verify", "--password-file", password)
    counts = all_well(told)
    assert told["verified"]["ok"] and counts["tls_handshakes"] >= 60 and counts["tls_resumed"] > 0
    assert told["latency_us"]["starttls"]["count"] >= 50
    told = blast(loaded, 110, "--work", "pop3", "--tls", "starttls", "--logins", 2, "--sessions", 1, *BOTH, "--delete", "--password-file", password)
    assert all_well(told)["tls_handshakes"] == 2 and told["counts"]["messages_retrieved"] >= 60


@pytest.mark.long
def test_what_tls_fails_by_is_told(loaded, authority):
    """Another name than the certificate's, a port without TLS at once, a suite that the certificate does not go with."""
    for port, words, what in ((465, ("--tls", "implicit", "--tls-ca", authority.file, "--tls-name", "else.test"), "certificate verify failed"),
                              (25, ("--tls", "implicit"), "wrong version number"),
                              (466, ("--tls", "implicit", "--tls-suites", "ECDHE-ECDSA-AES128-GCM-SHA256"), "alert handshake failure")):
        told = blast(loaded, port, "--messages", 2, *words, status=1)
        assert told["counts"]["sessions_insecure"] == 2
        assert [error["what"] for error in told["errors"]] and any(what in error["what"] for error in told["errors"]), told["errors"]


def test_a_listener_has_certificates_of_its_own(loaded, authority):
    """Verified by name: the set is its listener's, and nobody else's."""
    for port, name, status in ((466, "apart.test", 0), (465, "apart.test", 1)):
        blast(loaded, port, "--tls", "implicit", "--tls-ca", authority.file, "--tls-name", name, "--messages", 1, "--rcpt", "carol@example.test",
              status=status)


def test_sets_that_nobody_has_are_named(loaded):
    listener = loaded.settings["listeners"][4]
    try:
        listener["certificates"] = ["apart", "none"]
        loaded.write()
        result = run(binary(), "check", "-c", loaded.file, check=False)
        assert result.returncode != 0 and 'none has the set "none"' in (result.stdout + result.stderr).decode()
    finally:
        listener["certificates"] = ["apart"]
        loaded.write()


@pytest.mark.long
def test_held_sessions_stand_under_tls(loaded):
    for port, words in ((465, ("--tls", "implicit")), (110, ("--work", "pop3", "--tls", "starttls"))):
        counts = blast(loaded, port, *words, "--sessions", 200, "--hold", 1)["counts"]
        assert counts["sessions_stood"] == counts["tls_handshakes"] == counts["sessions_done"] == 200


def test_reloads_lose_nothing(loaded, authority, certificates, password):
    """Certificates and accounts change again and again while mail comes under TLS."""
    other = authority.sign("other", HOSTNAME)
    told, reloads = [], 0
    load = threading.Thread(target=lambda: told.append(blast(
        loaded, 25, "--rcpt", "carol@example.test", "--tls", "starttls", "--tls-resume", 50, "--seconds", 2, "--sessions", 8, "--tls-ca", authority.file,
        "--tls-name", HOSTNAME, "--verify", "--password-file", password)))
    load.start()
    accounts = list(loaded.settings["accounts"])
    try:
        while load.is_alive():
            loaded.settings["tls"]["certificates"] = [*([other] if reloads % 2 else certificates[:2]), certificates[2]]
            loaded.settings["accounts"] = accounts + [{"address": f"new{reloads}@example.test", "password": accounts[0]["password"]}]
            loaded.write()
            loaded.ctl("reload")
            reloads += 1
            time.sleep(0.1)
    finally:
        load.join()
        loaded.settings["accounts"] = accounts
        loaded.write()
    assert told and reloads >= 5
    counts = all_well(told[0])
    assert told[0]["verified"]["ok"] and counts["messages_accepted"] > 20 and counts["tls_resumed"] > 0


@pytest.mark.long
def test_a_flood_of_handshakes(make_engine, certificates):
    """Sessions that stand are answered while handshakes come as fast as they can, and handshakes go on meanwhile."""
    engine = make_engine(changes=changes_of(certificates) | {"smtp": {"idle_commands": "none"}})
    namespaces, times, told = engine.namespaces, [], []
    # Blast has an address of its own beside the kernel's, whose the session that stands is.
    flood = threading.Thread(target=lambda: told.append(blast(engine, 465, "--tls", "implicit", "--sessions", 200, "--size", 300, "--rcpt",
                                                              "alice@example.test", "--seconds", 5)))
    with SecureSession(namespaces) as session:
        flood.start()
        wait_until(lambda: engine.ask("counters")["tls_handshakes_done"] > 20, 10, "the flood")
        while flood.is_alive():
            began = time.monotonic()
            assert session.command("NOOP")[0] == 250
            times.append(time.monotonic() - began)
            time.sleep(0.01)
        flood.join()
        session.quit()
    times.sort()
    done = engine.ask("counters")["tls_handshakes_done"]
    print(f"{done} handshakes; {len(times)} answers: median {statistics.median(times) * 1e3:.1f} ms, 99 % {times[len(times) * 99 // 100] * 1e3:.1f} ms, "
          f"most {times[-1] * 1e3:.1f} ms")
    all_well(told[0])
    assert done > 300 and len(times) > 50
    assert statistics.median(times) < 0.05 and times[-1] < 1
