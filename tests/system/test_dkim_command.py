# SPDX-License-Identifier: BSD-3-Clause
"""`wirepost dkim`: what DNS may do, keys of any kind, what is told and how it exits. docs/authentication.md has it in words."""

import base64
import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import dns, schemas
from lab.engine import binary

WIREPOST = binary()
MESSAGE = b"From: a@signer.test\r\nTo: b@b.test\r\nSubject: one\r\n\r\nhello\r\n"
STATUSES = {"pass": 0, "fail": 3, "neutral": 5, "none": 6, "temperror": 7, "permerror": 8, "policy": 9}


def run(*words, data=None):
    return subprocess.run([WIREPOST, "dkim", *words], input=data, capture_output=True, check=False)


@pytest.fixture(name="key", scope="module")
def ed25519(tmp_path_factory):
    """A private key's file, and the text of its record."""
    path = tmp_path_factory.mktemp("key") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], capture_output=True, check=True)
    record = run("record", "--key", path, "--selector", "s", "--domain", "signer.test").stdout.decode()
    assert record.startswith('s._domainkey.signer.test. IN TXT "v=DKIM1; k=ed25519; p=')
    return path, record.split('"')[1]


def signed(key, *words, domain="signer.test", selector="s", message=MESSAGE):
    done = run("sign", "--key", key[0], "--selector", selector, "--domain", domain, *words, "-", data=message)
    assert done.returncode == 0, done.stderr
    return done.stdout


# What the server does; how the question ends, the result, and why.
TABLE = {
    "answer": (lambda text: [("TXT", text)], "answer", "pass", "good"),
    "nxdomain": (lambda text: None, "nxdomain", "permerror", "no_key"),
    "no_data": (lambda text: [("A", "192.0.2.1")], "no_data", "permerror", "no_key"),
    "servfail": (lambda text: [dns.SERVFAIL], "servfail", "temperror", "dns"),
    "refused": (lambda text: [dns.REFUSED], "servfail", "temperror", "dns"),
    "garbage": (lambda text: [dns.GARBAGE], "servfail", "temperror", "dns"),
    "timeout": (lambda text: [dns.TIMEOUT], "timeout", "temperror", "dns"),
    "truncated": (lambda text: [dns.TRUNCATE, ("TXT", text)], "answer", "pass", "good"),
    "no_tcp": (lambda text: [dns.TRUNCATE, dns.NO_TCP, ("TXT", text)], "servfail", "temperror", "dns"),
    "too_large": (lambda text: [("TXT", text.ljust(60000))], "too_large", "permerror", "record_long"),
    "loop": (lambda text: [("CNAME", "s._domainkey.loop.test")], "servfail", "temperror", "dns"),
    "chain": (lambda text: [("CNAME", "s._domainkey.answer.test")], "answer", "pass", "good"),
    "bogus": (lambda text: [("TXT", text)], "bogus", "temperror", "dns"),
    "others": (lambda text: [("TXT", "v=spf1 -all"), ("TXT", text), ("TXT", "hello")], "answer", "pass", "good"),
    "revoked": (lambda text: [("TXT", "v=DKIM1; p=")], "answer", "permerror", "key_revoked"),
}


def test_cells(key, tmp_path):
    zone = {f"s._domainkey.{name}.test": row[0](key[1]) for name, row in TABLE.items() if row[0](key[1]) is not None}
    (tmp_path / "anchors").write_text(f"bogus.test. IN DS 12345 8 2 {'0123456789ABCDEF' * 4}\n")
    with dns.Server(zone) as server, ThreadPoolExecutor(4) as pool:
        def cell(name):
            (tmp_path / name).write_bytes(signed(key, domain=f"{name}.test"))
            return run("verify", "--json", "--dns", str(server), "--trust-anchors", tmp_path / "anchors",
                       "--timeout", "1.5" if name == "timeout" else "20", tmp_path / name)
        for (name, row), done in zip(TABLE.items(), pool.map(cell, TABLE), strict=True):
            answer = json.loads(done.stdout)
            schemas.check("dkim", answer)
            found = answer["signatures"][0]
            assert (found["question"]["outcome"], found["result"], found["reason"]) == row[1:], (name, answer)
            assert done.returncode == STATUSES[row[2]] and answer["result"] == row[2]


def large_key(bits, exponent=65537):
    """A public key of as many bits as one likes: nobody has its private half."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    n = random.Random(bits).getrandbits(bits) | 1 | 1 << (bits - 1)
    der = rsa.RSAPublicNumbers(exponent, n).public_key().public_bytes(serialization.Encoding.DER,
                                                                     serialization.PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; p=" + base64.b64encode(der).decode()


@pytest.mark.parametrize("bits, reason", [(512, "key_short"), (1023, "key_short"), (1024, "signature"), (16384, "signature"), (16392, "key_long")])
def test_lengths_of_keys(key, tmp_path, bits, reason):
    """A key of 16384 bits is computed with, in bounded time; a longer one has a name."""
    text = signed(key).replace(b"a=ed25519-sha256", b"a=rsa-sha256")
    (tmp_path / "message").write_bytes(text)
    with dns.Server({"s._domainkey.signer.test": [("TXT", large_key(bits))]}) as server:
        answer = json.loads(run("verify", "--json", "--dns", str(server), tmp_path / "message").stdout)
    assert answer["signatures"][0]["reason"] == reason and answer["signatures"][0]["key"]["bits"] == bits


def test_a_thousand_signatures(key, tmp_path):
    one = signed(key)[:-len(MESSAGE)]
    (tmp_path / "message").write_bytes(one * 1000 + MESSAGE)
    with dns.Server({"s._domainkey.signer.test": [("TXT", key[1])]}) as server:
        answer = json.loads(run("verify", "--json", "--dns", str(server), tmp_path / "message").stdout)
        assert len(server.asked) == 1
    assert answer["found"] == 1000 and len(answer["signatures"]) == 20 and answer["result"] == "pass"


def test_text(key, tmp_path):
    """What a person reads; what peers wrote is printable."""
    zone = tmp_path / "zone"
    zone.write_text(run("record", "--key", key[0], "--selector", "s", "--domain", "signer.test").stdout.decode())
    message = signed(key, "--now", "2026-11-23T10:00:00Z", "--expires", "60", "--sign-headers", "from:to", "--oversign", "")
    path = tmp_path / "message"
    path.write_bytes(b"To: \x1b[31mc@c.test\r\n" + message)
    done = run("verify", "--zone", zone, "--now", "1795428030", path)
    b = message.split(b" b=")[1][:8].decode()
    assert done.stdout.decode().splitlines() == [
        f"  signature d=signer.test s=s a=ed25519-sha256 b={b}", "    signs from:to", "    asked TXT s._domainkey.signer.test: answer",
        "    key ed25519, bits: 256", "    note: a field of which there may be one stands more often than is signed",
        "    note: the signature has a time at which it is over", "    pass: the signature is good", "pass"], done.stdout.decode()
    done = run("verify", "--zone", zone, "--now", "2026-11-23T10:01:01Z", path)
    assert done.returncode == STATUSES["policy"] and b"policy: the time of x= is over" in done.stdout
    path.write_bytes(MESSAGE)
    done = run("verify", "--zone", zone, path)
    assert (done.stdout, done.returncode) == (b"none\n", STATUSES["none"])


def test_many_files(key, tmp_path):
    """One line each; the status is the first that is not pass. Lines that end in LF alone are as mail's."""
    (tmp_path / "zone").write_text(run("record", "--key", key[0], "--selector", "s", "--domain", "signer.test").stdout.decode())
    names = [tmp_path / name for name in ("a", "b", "c")]
    names[0].write_bytes(signed(key))
    names[1].write_bytes(signed(key).replace(b"\r\n", b"\n"))
    lines = signed(key, message=MESSAGE.replace(b"\r\n", b"\n"))
    assert b"\r" not in lines
    names[2].write_bytes(lines)
    done = run("verify", "--json", "--zone", tmp_path / "zone", *names)
    assert [json.loads(line)["result"] for line in done.stdout.splitlines()] == ["pass"] * 3 and done.returncode == 0
    names[1].write_bytes(MESSAGE)
    assert run("verify", "--json", "--zone", tmp_path / "zone", *names).returncode == STATUSES["none"]
    assert run("verify", "--zone", tmp_path / "zone", names[0], tmp_path / "nobody").returncode == 1


def test_keys_on_disk(tmp_path):
    """RSA in split strings; encrypted keys with a passphrase, and not without; what is no key."""
    plain, hidden, phrase = tmp_path / "rsa.pem", tmp_path / "hidden.pem", tmp_path / "phrase"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", plain], capture_output=True, check=True)
    subprocess.run(["openssl", "pkey", "-in", plain, "-aes256", "-passout", "pass:secret", "-out", hidden], capture_output=True, check=True)
    phrase.write_text("secret\nmore\n")
    words = ["--selector", "s", "--domain", "signer.test"]
    record = run("record", "--key", plain, *words).stdout.decode()
    assert max(map(len, record.split('"')[1::2])) == 255 and len(record.split('"')[1::2]) == 2
    done = run("record", "--key", hidden, *words)
    assert done.returncode == 2 and b"is encrypted: expected --passphrase-file" in done.stderr
    assert run("record", "--key", hidden, *words, "--passphrase-file", phrase).stdout.decode() == record
    phrase.write_text("wrong\n")
    assert b"passphrase is wrong" in run("record", "--key", hidden, *words, "--passphrase-file", phrase).stderr
    for algorithm, option, said in (("RSA", "rsa_keygen_bits:512", b"1024 to 16384 bits"), ("EC", "ec_paramgen_curve:P-256", b"neither an RSA")):
        subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", plain], capture_output=True, check=True)
        assert said in run("record", "--key", plain, *words).stderr


@pytest.mark.parametrize("words, status, said", [
    ([], 2, "expected verify, sign or record"), (["verify"], 2, "expected a file"), (["sign", "-"], 2, "expected --key"),
    (["sign", "--key", "K", "--selector", "s", "-"], 2, "expected --domain"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "d", "--now", "never", "-"], 2, "no time: never"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "d", "--canonicalization", "x", "-"], 2, "not understood: x"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "d", "--expires", "0", "-"], 2, "not understood: 0"),
    (["sign", "--key", "/nonexistent", "--selector", "s", "--domain", "d", "-"], 2, "/nonexistent: No such file"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "d.test", "--sign-headers", "to", "--oversign", "", "-"], 1, "From is not among"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "..", "-"], 1, "a name is none"),
    (["sign", "--key", "K", "--selector", "s", "--domain", "d.test", "--identity", "a@b.test", "-"], 1, "a name is none"),
    (["verify", "--zone", "z", "--dns", "127.0.0.1", "-"], 2, "one of --zone, --dns and --config"),
    (["verify", "--zone", "/nonexistent", "-"], 2, "/nonexistent: No such file"),
    (["verify", "--dns", "127.0.0.1:1", "--timeout", "x", "-"], 2, "not a number"),
    (["verify", "--batch", "-"], 2, "unknown option"),
])
def test_wrong_words(key, words, status, said):
    done = run(*[key[0] if word == "K" else word for word in words], data=MESSAGE)
    assert done.returncode == status and said in done.stderr.decode(), done.stderr
