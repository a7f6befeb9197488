# SPDX-License-Identifier: BSD-3-Clause
"""Maildir and mbox in and out, against Python's mailbox module; the last test through a running engine."""

import mailbox
import os
import poplib
import random
import re
import time

import pytest
from lab.commands import run
from lab.engine import binary, configuration, merged, yaml_text
from lab.smtp import inbox

DOMAIN = "example.test"
FLAGS = "DFPRST"
WORDS = (b"From ", b">From ", b">>From me", b"From x Thu Jan  1 00:01:00 1970", b"", b">", b"text", "ümläut".encode(), b".",
         b"Status: R", b"x" * 3000, b"From", b" From ")
OWN_FIELDS = re.compile(rb"Status: R?O\nX-Status: A?F?T?D?\nX-Keywords: (\$Forwarded)?\n(\n|\Z)")


def random_message(rng, number):
    """With LF, as files have it; every one is different, but for those that are there twice."""
    fields = [b"Subject: number %d" % number, b"Message-ID: <%d@client.test>" % number]
    fields += rng.sample([b"Status: RO", b"X-Status: A", b"X-Keywords: k", b"Content-Length: 7", b"X-Folded: a\n b"],
                         rng.randint(0, 3))
    body = [rng.choice(WORDS) for _ in range(rng.randint(0, 12))]
    if number % 17 == 0:
        body += [rng.randbytes(40000).hex().encode()] * 3
    return b"\n".join([*fields, b"", *body, b""])


def make_maildir(path, seed, count):
    """Written by Python's mailbox; every third is in `new`, some are alike."""
    rng = random.Random(seed)
    box = mailbox.Maildir(path, create=True)
    for number in range(count):
        key = box.add(b"x")
        name = os.path.join(path, box._lookup(key))  # noqa: SLF001: add() would rewrite the line ends
        with open(name, "wb") as out:
            out.write(random_message(random.Random(f"{seed}{number // 10 * 10 if number % 10 == 1 else number}"), number // 10 * 10 if number % 10 == 1 else number))
        if number % 3:
            flags = "".join(f for f in FLAGS if rng.random() < 0.4)
            cur = os.path.join(path, "cur", f"{os.path.basename(name)}:2,{flags}")
            os.rename(name, cur)
            name = cur
        when = rng.randrange(1_000_000_000_000, 1_700_000_000_000)
        os.utime(name, ns=(when * 1_000_000, when * 1_000_000))
    return box


def content(path):
    """Bytes, time in milliseconds and flags of what is in a Maildir."""
    found = []
    for folder in ("cur", "new"):
        for name in os.listdir(os.path.join(path, folder)):
            file = os.path.join(path, folder, name)
            with open(file, "rb") as data:
                found.append((data.read(), os.stat(file).st_mtime_ns // 1_000_000,
                              name.partition(":2,")[2]))
    return sorted(found)


def whole_seconds(found):
    return sorted((data, when // 1000, flags) for data, when, flags in found)


def mbox_content(path):
    """The same from an mboxrd that we wrote, as Python's mailbox reads it."""
    found = []
    box = mailbox.mbox(path)
    for key in box.keys():
        message = box.get_message(key)
        data = re.sub(rb"^>(>*From )", rb"\1", box.get_bytes(key), flags=re.M)
        fields = list(OWN_FIELDS.finditer(data))
        own = next(f for f in fields if b"\n\n" not in data[:f.start()])
        flags = {f for f in "DFPRST"
                 if (f == "S" and b"R" in own[0].split(b"\n")[0][7:]) or
                 (f == "R" and b"A" in own[0].split(b"\n")[1][9:]) or (f == "F" and b"F" in own[0].split(b"\n")[1][9:]) or
                 (f == "D" and b"T" in own[0].split(b"\n")[1][9:]) or (f == "T" and b"D" in own[0].split(b"\n")[1][9:]) or
                 (f == "P" and own[1])}
        found.append((data[:own.start()] + own[2] + data[own.end():],
                      int(time.mktime(time.strptime(message.get_from()[-24:]))) - time.timezone, "".join(sorted(flags))))
    return sorted(found)


@pytest.fixture
def offline(tmp_path):
    """transfer(word, user, path, *options): a store that no engine has open."""
    file = tmp_path / "wirepost.yaml"
    settings = configuration(tmp_path, "lo", "af_packet", 1)
    file.write_text(yaml_text(merged(settings, {"smtp": {"message_size": "1MiB"}, "store": {"sync": False}})) + "\n")

    def transfer(word, user, path, *options, check=True):
        return run(binary(), word, "-c", file, *options, f"{user}@{DOMAIN}", path, check=check)
    return transfer


def test_all_comes_back_from_both_formats(offline, tmp_path):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    there = tmp_path / "there"
    make_maildir(str(there), seed, 100)
    expected = content(there)
    assert b"imported 100, there already 0, refused 0" in offline("import", "alice", there).stdout
    offline("export", "alice", tmp_path / "maildir")
    assert content(tmp_path / "maildir") == expected
    offline("export", "alice", tmp_path / "mbox", "--format", "mboxrd")
    assert mbox_content(tmp_path / "mbox") == whole_seconds(expected)
    assert b"imported 100" in offline("import", "bob", tmp_path / "mbox").stdout
    offline("export", "bob", tmp_path / "again")
    assert whole_seconds(content(tmp_path / "again")) == whole_seconds(expected)
    # Again, and with more: nothing twice, and what was alike from the beginning is there as often.
    assert b"imported 0, there already 100" in offline("import", "alice", there).stdout
    assert b"imported 0, there already 100" in offline("import", "bob", tmp_path / "mbox").stdout
    with open(tmp_path / "mbox", "ab") as more:
        more.write(b"From - Thu Jan  1 00:01:00 1970\nSubject: one more\n\nbody\n")
    assert b"imported 1, there already 100" in offline("import", "bob", tmp_path / "mbox").stdout
    # Nothing is overwritten.
    assert offline("export", "alice", tmp_path / "maildir", check=False).returncode == 1
    assert offline("export", "alice", tmp_path / "mbox", "--format", "mboxrd", check=False).returncode == 1


def test_what_python_writes_is_read(offline, tmp_path):
    box = mailbox.mbox(tmp_path / "mbox", create=True)
    for number in range(30):
        message = mailbox.mboxMessage(random_message(random.Random(number), number).replace(b"Status:", b"X-Other:"))
        message.set_from("sender@client.test", time.gmtime(1_500_000_000 + number))
        message.set_flags("".join(f for k, f in enumerate("RODFA") if number >> k & 1))
        box.add(message)
    box.flush()
    offline("import", "carol", tmp_path / "mbox", "--format", "mboxo")
    offline("export", "carol", tmp_path / "maildir")
    got = whole_seconds(content(tmp_path / "maildir"))
    expected = []
    for number, key in enumerate(box.keys()):
        data = re.sub(rb"\A((?:.+\n)*?)(?:Status: .*\n)?(?:X-Status: .*\n)?\n", rb"\1\n", box.get_bytes(key))
        flags = "".join(m for m, f in zip("FRST", "FARD", strict=True) if f in box[key].get_flags())
        expected.append((data, 1_500_000_000 + number, flags))
    assert got == sorted(expected)


def test_each_fault_is_named(offline, tmp_path):
    there = tmp_path / "there"
    make_maildir(str(there), 1, 4)
    for folder in (".Sent", ".Trash.Old"):
        (there / folder / "cur").mkdir(parents=True)
        (there / folder / "cur" / "1500000000.sent:2,S").write_bytes(b"Subject: sent\n\nbody\n")
    (there / "cur" / "1500000000.large").write_bytes(b"Subject: large\n\n" + b"line\n" * 300_000)
    (there / "cur" / "1500000000.key:2,Sa").write_bytes(b"Subject: with a keyword\n\nbody\n")
    (there / "cur" / ".hidden").write_bytes(b"Subject: hidden\n\n")
    (there / "tmp" / "1500000000.tmp").write_bytes(b"Subject: half\n")
    answer = offline("import", "dave", there, check=False)
    assert answer.returncode == 1
    assert b"imported 5, there already 0, refused 1, folders left out 2, messages with keywords left out 1" in answer.stdout
    assert b"/cur/1500000000.large: larger than smtp.message_size" in answer.stderr
    assert b"/.Sent: left out" in answer.stderr and b"/.Trash.Old: left out" in answer.stderr
    assert b"imported 2, there already 5" in offline("import", "dave", there, "--subfolders", check=False).stdout
    no_mbox = tmp_path / "no-mbox"
    no_mbox.write_bytes(b"Subject: x\n\nbody\n")
    assert b"is no mbox" in offline("import", "dave", no_mbox, check=False).stderr
    assert b"no such account" in offline("import", "nobody", there, check=False).stderr
    assert b"expected maildir" in offline("import", "dave", there, "--format", "mbx", check=False).stderr


def test_the_date_that_a_copy_lost(offline, tmp_path):
    (tmp_path / "there" / "cur").mkdir(parents=True)
    (tmp_path / "there" / "cur" / "1500000000.M1P1.host:2,").write_bytes(b"Subject: copied\n\nbody\n")
    offline("import", "alice", tmp_path / "there")
    offline("export", "alice", tmp_path / "maildir")
    assert [when for _, when, _ in content(tmp_path / "maildir")] == [1_500_000_000_000]


def test_through_a_running_engine(make_engine, tmp_path):
    engine = make_engine(changes={"store": {"quota": "2MiB"}, "smtp": {"message_size": "1MiB"}})
    there = tmp_path / "there"
    make_maildir(str(there), 7, 40)
    expected = content(there)
    closed = run(binary(), "import", "-c", engine.file, f"alice@{DOMAIN}", there, check=False)
    assert closed.returncode == 1 and b"ctl import" in closed.stderr
    assert b"imported 40, there already 0, refused 0" in engine.ctl("import", f"alice@{DOMAIN}", there).stdout
    assert b"there already 40" in engine.ctl("import", f"alice@{DOMAIN}", there).stdout
    engine.ctl("export", f"alice@{DOMAIN}", tmp_path / "maildir")
    assert content(tmp_path / "maildir") == expected
    engine.ctl("export", f"alice@{DOMAIN}", tmp_path / "mbox", "--format", "mboxrd")
    assert mbox_content(tmp_path / "mbox") == whole_seconds(expected)
    poplib._MAXLINE = 1 << 20  # noqa: SLF001: some lines are long
    stored, _ = inbox(engine.namespaces, f"alice@{DOMAIN}")
    assert sorted({data.replace(b"\r\n", b"\n") for data in stored.values()}) == sorted({data for data, _, _ in expected})
    # Messages of 900 KB: two are too many for the quota that is left, and one is larger than may be.
    large = tmp_path / "large"
    (large / "cur").mkdir(parents=True)
    for number, size in enumerate((900_000, 900_001, 900_002, 1_100_000)):
        (large / "cur" / f"150000000{number}.x").write_bytes(b"Subject: large\n\n" + b"y" * (size - 1) + b"\n")
    answer = engine.ctl("import", f"bob@{DOMAIN}", large, check=False)
    assert answer.returncode == 1 and b"imported 2, there already 0, refused 2" in answer.stdout
    assert b"1500000002.x: over quota" in answer.stderr and b"1500000003.x: larger than" in answer.stderr
    assert b"no such account" in engine.ctl("import", f"nobody@{DOMAIN}", there, check=False).stderr
