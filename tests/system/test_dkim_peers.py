# SPDX-License-Identifier: BSD-3-Clause
"""What we sign, others verify, and the reverse: python3-dkim, Mail::DKIM and libopendkim, on messages made from seeds."""

import base64
import itertools
import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import schemas
from lab.engine import binary

WIREPOST = binary()
HERE = Path(__file__).parent
CANONS = ["/".join(pair) for pair in itertools.product(("simple", "relaxed"), repeat=2)]
DOMAIN = "signer.test"
OPENDKIM = Path("/usr/include/opendkim/dkim.h").exists()
PERL = shutil.which("perl") and subprocess.run(["perl", "-MMail::DKIM::Signer", "-e", "1"], capture_output=True, check=False).returncode == 0
COUNTS = [12, pytest.param(1000, marks=pytest.mark.long)]

needs_opendkim = pytest.mark.skipif(not OPENDKIM, reason="libopendkim-dev is not installed")
needs_perl = pytest.mark.skipif(not PERL, reason="libmail-dkim-perl is not installed")


def python_dkim():
    pytest.importorskip("nacl", reason="python3-nacl is not installed")
    return pytest.importorskip("dkim", reason="python3-dkim is not installed")


def word(chance):
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFG0123456789.,:;=<>@-_/()" if chance.random() < 0.9 else "äöü€漢"
    return "".join(chance.choice(alphabet) for _ in range(chance.randint(1, 12)))


def folded(chance, words):
    text = ""
    for number, piece in enumerate(words):
        blank = chance.choice([" ", " ", " ", "  ", "\t", "\r\n ", "\r\n\t", " \r\n  "]) if number else chance.choice(["", " ", "  "])
        text += blank + piece
    return text + chance.choice(["", "", " ", "\t"])


def line(chance):
    kind = chance.random()
    if kind < 0.15:
        return chance.choice(["", "", " ", "\t ", "."])
    if kind < 0.2:
        return "x" * chance.randint(900, 990)
    blanks = [" ", " ", "  ", "\t", " \t "]
    return "".join(word(chance) + chance.choice(blanks) for _ in range(chance.randint(1, 12))) + chance.choice(["", " ", "z"])


def message(seed):
    """Folds, empty bodies, empty lines at the end, 8-bit, long lines, blanks everywhere, fields more than once."""
    chance = random.Random(seed)
    fields = [f"From:{folded(chance, ['Some', 'Body'])} <user@{DOMAIN}>", "Date: Mon, 23 Nov 2026 10:00:00 +0000"]
    names = ["Subject", "To", "Cc", "Reply-To", "Message-ID", "References", "List-Id", "X-Own", "Received", "MIME-Version", "Content-Type"]
    for name in chance.sample(names, chance.randint(1, len(names))):
        for _ in range(chance.choice([1, 1, 1, 2]) if name in ("X-Own", "Received", "List-Id") else 1):
            # A field with nothing in it, or a first line of blanks, is taken apart differently by each of the peers.
            value = [word(chance).encode("ascii", "ignore").decode() or "a" for _ in range(chance.randint(1, 9))]
            fields.append(chance.choice([name, name, name.upper(), name.lower()]) + ":" + chance.choice([" ", " ", ""]) +
                          folded(chance, value).lstrip())
    chance.shuffle(fields)
    kind = chance.random()
    body = [] if kind < 0.1 else [""] * chance.randint(1, 4) if kind < 0.15 else [line(chance) for _ in range(chance.randint(1, 40))]
    body += [""] * chance.choice([0, 0, 1, 3])
    return "".join(f"{row}\r\n" for row in [*fields, "", *body]).encode()


@pytest.fixture(name="keys", scope="module")
def all_keys(tmp_path_factory):
    """Private keys in PEM, their records as a zone and as lists for the peers."""
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder / "rsa.pem"],
                   capture_output=True, check=True)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", folder / "ed25519.pem"], capture_output=True, check=True)
    words = [word for kind in ("rsa", "ed25519") for word in ("--key", folder / f"{kind}.pem", "--selector", kind)]
    zone = subprocess.run([WIREPOST, "dkim", "record", *words, "--domain", DOMAIN], capture_output=True, encoding="utf-8", check=True).stdout
    (folder / "zone").write_text(zone)
    records = {row.split(". IN TXT ")[0]: "".join(re.findall('"([^"]*)"', row)) for row in zone.splitlines()}
    (folder / "list").write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    return folder, records


def write_messages(folder, count):
    paths = []
    for seed in range(count):
        paths.append(folder / f"{seed}.eml")
        paths[-1].write_bytes(message(seed))
    return paths


@pytest.fixture(name="ours", scope="module", params=COUNTS)
def signed_by_us(request, keys, tmp_path_factory):
    """Each with both keys, and one of the four ways."""
    folder, _ = keys
    signed = []
    for number, path in enumerate(write_messages(tmp_path_factory.mktemp("ours"), request.param)):
        out = path.with_suffix(".signed")
        with open(out, "wb") as file:
            subprocess.run([WIREPOST, "dkim", "sign", "--key", folder / "rsa.pem", "--selector", "rsa", "--key", folder / "ed25519.pem",
                            "--selector", "ed25519", "--domain", DOMAIN, "--canonicalization", CANONS[number % 4], "--expires", "100000",
                            *(["--identity", f"user@sub.{DOMAIN}"] if number % 3 == 0 else []), path], stdout=file, check=True)
        signed.append(out)
    return signed


def verified(paths, keys, reason="good"):
    done = subprocess.run([WIREPOST, "dkim", "verify", "--json", "--zone", keys[0] / "zone", *paths], capture_output=True, check=False)
    assert not done.stderr, done.stderr
    answers = [json.loads(row) for row in done.stdout.splitlines()]
    assert [answer["file"] for answer in answers] == [str(path) for path in paths]
    for answer in answers[:20]:
        schemas.check("dkim", answer)
    wrong = [(answer["file"], answer["signatures"]) for answer in answers
             if not answer["signatures"] or any(row["reason"] != reason for row in answer["signatures"])]
    assert not wrong, f"{len(wrong)} of {len(paths)}: {wrong[0]}"


def damage(path):
    """Another character in the body, or the header's where there is none."""
    bytes_ = path.read_bytes()
    head, _, body = bytes_.partition(b"\r\n\r\n")
    if body.strip():
        at = next(i for i, c in enumerate(body) if chr(c).isalnum())
        bytes_ = head + b"\r\n\r\n" + body[:at] + (b"q" if body[at:at + 1] != b"q" else b"r") + body[at + 1:]
    else:
        bytes_ = bytes_.replace(b"<user@", b"<used@", 1)
    out = path.with_suffix(".damaged")
    out.write_bytes(bytes_)
    return out


def test_we_verify_ours(ours, keys):
    verified(ours, keys)
    done = subprocess.run([WIREPOST, "dkim", "verify", "--json", "--zone", keys[0] / "zone", *map(damage, ours)], capture_output=True, check=False)
    assert {row["result"] for row in map(json.loads, done.stdout.splitlines())} == {"fail"} and done.returncode == 3


def test_python_verifies_ours(ours, keys):
    dkim = python_dkim()

    def lookup(name, timeout=5):
        return keys[1][name.decode().rstrip(".")].encode()
    for path in ours:
        signed = dkim.DKIM(path.read_bytes())
        assert signed.verify(idx=0, dnsfunc=lookup) and signed.verify(idx=1, dnsfunc=lookup), path


@needs_perl
def test_perl_verifies_ours(ours, keys):
    done = subprocess.run(["perl", HERE / "dkim_mail.pl", "verify", keys[0] / "list", *ours], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == [f"{path} pass" for path in ours]


@pytest.fixture(name="opendkim", scope="module")
def build_opendkim(tmp_path_factory):
    program = tmp_path_factory.mktemp("opendkim") / "dkim_opendkim"
    subprocess.run(["cc", "-o", program, HERE / "dkim_opendkim.c", "-lopendkim"], check=True)
    return program


@needs_opendkim
def test_opendkim_verifies_ours(ours, keys, opendkim):
    done = subprocess.run([opendkim, "verify", keys[0] / "list", *ours], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == [f"{path} 1good 2good" for path in ours]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_we_verify_pythons(kind, count, keys, tmp_path):
    dkim = python_dkim()
    pem = (keys[0] / f"{kind}.pem").read_bytes()
    if kind == "ed25519":  # the last 32 octets of the key's DER are the seed
        pem = base64.b64encode(base64.b64decode(b"".join(pem.splitlines()[1:-1]))[-32:])
    paths = write_messages(tmp_path, count)
    for number, path in enumerate(paths):
        canons = tuple(CANONS[number % 4].encode().split(b"/"))
        field = dkim.sign(path.read_bytes(), kind.encode(), DOMAIN.encode(), pem, canonicalize=canons,
                          signature_algorithm=f"{kind}-sha256".encode())
        path.write_bytes(field + path.read_bytes())
    verified(paths, keys)


@needs_perl
@pytest.mark.parametrize("count", COUNTS)
def test_we_verify_perls(count, keys, tmp_path):
    paths = write_messages(tmp_path, count)
    for number, canon in enumerate(CANONS):
        subprocess.run(["perl", HERE / "dkim_mail.pl", "sign", canon, keys[0] / "rsa.pem", "rsa", DOMAIN, *paths[number::4]], check=True)
    verified([path.with_name(path.name + ".signed") for path in paths], keys)


@needs_opendkim
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_we_verify_opendkims(kind, count, keys, opendkim, tmp_path):
    paths = write_messages(tmp_path, count)
    # With Ed25519 and a simple header it folds b= of what it signed anew, and refuses its own signature.
    canons = CANONS if kind == "rsa" else CANONS[2:]
    for number, canon in enumerate(canons):
        subprocess.run([opendkim, "sign", kind, canon, keys[0] / f"{kind}.pem", kind, DOMAIN, *paths[number::len(canons)]], check=True)
    verified([path.with_name(path.name + ".signed") for path in paths], keys)
