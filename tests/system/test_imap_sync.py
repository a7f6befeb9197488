# SPDX-License-Identifier: BSD-3-Clause
"""Programs that keep a copy of the mail (mbsync, offlineimap): both sides change, again and again, and are the same afterwards."""

import itertools
import random
import re
import threading
from contextlib import suppress

import pytest
from lab import accounts, messages
from lab.accounts import IMAP, IMAPS, Login
from lab.commands import end, start, wait_until
from lab.engine import DOMAIN, HOSTNAME
from lab.imap import mailboxes
from lab.imap.wire import opened, quoted
from lab.smtp import Session

MAILDIR_FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
OURS = frozenset(MAILDIR_FLAGS.values())
SET = ("\\Answered", "\\Flagged", "\\Seen")
CRLF, LF = b"\r\n", b"\n"


@pytest.fixture(scope="module")
def served(shared_bench):
    """The engine, and the file of who signed its certificate."""
    engine = shared_bench(started=False, changes={"store": {"quota": "4GiB"}})
    trust = accounts.serve(engine)
    return engine.start(), trust


def mail_of(rng, ident):
    """A message that no other is like, some of them odd: no body, bytes above 127, long lines, dots, no line end at the end, 100 KB."""
    head = messages.header(ident, f"subject of {ident}", "a@client.test", "b@example.test")
    kind = rng.randrange(10)
    if kind == 0:
        return head + CRLF
    if kind == 1:
        return head + CRLF + "Grüße, ünï\r\n".encode() + bytes(range(0xA0, 0x100)) + CRLF
    if kind == 2:
        return head + CRLF + b"x" * rng.randrange(900, 5000) + b"\r\n.\r\n..\r\n"
    if kind == 3:
        return head + CRLF + b"no end"
    if kind == 4 and rng.random() < 0.1:
        return messages.large(ident, 100_000).data
    return head + CRLF + messages.text_lines(rng, rng.randrange(2000))


class Copy:
    """A tree of Maildirs, read and changed as a program does that shows it: by names of files."""

    def __init__(self, path):
        self.path = path
        self.count = itertools.count()

    def folder(self, box):
        return self.path / box

    def files(self, box):
        return [file for part in ("cur", "new") for file in sorted((self.folder(box) / part).iterdir())]

    def boxes(self):
        return sorted(str(file.parent.relative_to(self.path)) for file in self.path.rglob("cur"))

    def contents(self):
        """{mailbox: sorted [(octets with line ends of Unix, flags)]}"""
        return {box: sorted((plain(file.read_bytes()), sorted(flags_of(file))) for file in self.files(box)) for box in self.boxes()}

    def create(self, box):
        for part in ("cur", "new", "tmp"):
            (self.folder(box) / part).mkdir(parents=True)

    def add(self, box, mail):
        name = f"1700000000.{next(self.count)}_near.client.test"
        (self.folder(box) / "tmp" / name).write_bytes(mail.replace(CRLF, LF))
        (self.folder(box) / "tmp" / name).rename(self.folder(box) / "new" / name)

    def mark(self, file, letters):
        """Exactly these flags."""
        stem = file.name.partition(":2,")[0]
        file.rename(file.parent.parent / "cur" / f"{stem}:2,{''.join(sorted(letters))}")


def plain(mail):
    """With line ends of Unix, and without the field by which mbsync finds what it has stored."""
    return re.sub(rb"^X-TUID: \S{12}\n", b"", mail.replace(CRLF, LF), count=1, flags=re.MULTILINE)


def flags_of(file):
    return {MAILDIR_FLAGS.get(letter, letter) for letter in file.name.partition(":2,")[2]}


class Mbsync:
    """isync's program; it removes what was deleted on either side, and makes folders on both."""

    def __init__(self, namespaces, login, port, directory):
        self.namespaces, self.directory, self.copy = namespaces, directory, Copy(directory / "mail")
        (directory / "mail").mkdir()
        (directory / "mbsyncrc").write_text(f"""
IMAPAccount there
Host {HOSTNAME}
Port {port}
User {login.user}
Pass "{login.password}"
SSLType {'IMAPS' if port == IMAPS else 'STARTTLS'}
CertificateFile {login.trust}

IMAPStore far
Account there

MaildirStore near
Path {directory}/mail/
Inbox {directory}/mail/INBOX
SubFolders Verbatim

Channel both
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")

    def words(self):
        return ("mbsync", "--config", self.directory / "mbsyncrc", "both")

    def sync(self):
        self.namespaces.run(*self.words(), timeout=600)


class OfflineImap:
    """The same by offlineimap3, which has its own names for the state that it keeps."""

    def __init__(self, namespaces, login, port, directory, more=""):
        self.namespaces, self.directory, self.copy = namespaces, directory, Copy(directory / "mail")
        (directory / "rc").write_text(f"""
[general]
accounts = one
metadata = {directory}/state
fsync = no

[Account one]
localrepository = near
remoterepository = far
{more}

[Repository near]
type = Maildir
localfolders = {directory}/mail
sep = /

[Repository far]
type = IMAP
remotehost = {HOSTNAME}
remoteport = {port}
ssl = {'yes' if port == IMAPS else 'no'}
starttls = {'no' if port == IMAPS else 'yes'}
sslcacertfile = {login.trust}
remoteuser = {login.user}
remotepass = {login.password}
idlefolders = ['INBOX']
""")

    def words(self, *more):
        return ("env", f"HOME={self.directory}", "offlineimap", "-c", self.directory / "rc", "-u", "basic", *more)

    def sync(self):
        self.namespaces.run(*self.words("-o"), timeout=600)


def far_contents(server):
    """As `Copy.contents` has it."""
    return {box: sorted((plain(mail), sorted(flags & OURS)) for mail, flags in found.values())
            for box, found in mailboxes.contents(server).items()}


def same(far, near):
    """Both sides hold the same; else what only one of them holds is named."""
    assert far.keys() == near.keys()
    for box, held in far.items():
        there, here = subtracted(held, near[box]), subtracted(near[box], held)
        assert not there + here, f"{box}: {shown(there)} is at the server, {shown(here)} is the copy"


def shown(rows):
    return [(messages.message_id_of(mail), mail if len(mail) < 300 else len(mail), flags) for mail, flags in rows[:3]]


def subtracted(rows, others):
    rest = list(others)
    return [row for row in rows if row not in rest or rest.remove(row)]


def change_near(copy, rng, mails):
    """A folder, messages, flags, messages marked as deleted and removed."""
    if rng.random() < 0.4:
        copy.create(f"near{next(copy.count)}")
    for box in rng.sample(copy.boxes(), 2):
        files = copy.files(box)
        for file in rng.sample(files, min(len(files), len(mails))):
            what = rng.randrange(6)
            if what == 0:
                file.unlink()
            elif what == 1:
                copy.mark(file, {*file.name.partition(":2,")[2], "T"})
            else:
                copy.mark(file, rng.sample("FRS", rng.randint(0, 3)))
    for mail in mails:
        copy.add(rng.choice(copy.boxes()), mail)


def change_far(server, rng, mails, number):
    with opened(server) as connection:
        if rng.random() < 0.4:
            connection.command(f"CREATE far{number}/below")
        boxes = sorted(mailboxes.names(connection))
        for box in rng.sample(boxes, 2):
            uids = sorted(mailboxes.messages(connection, box))
            connection.command(f"SELECT {quoted(box)}")
            for uid in rng.sample(uids, min(len(uids), len(mails))):
                what = rng.randrange(6)
                if what == 0:
                    connection.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
                    connection.command(f"UID EXPUNGE {uid}")
                elif what == 1:
                    connection.command(f"UID MOVE {uid} {quoted(rng.choice(boxes))}")
                else:
                    connection.command(f"UID STORE {uid} {rng.choice('+-')}FLAGS.SILENT ({rng.choice(SET)})")
    for mail in mails:
        mailboxes.append(server, rng.choice(boxes), [mail], rng.choice(["", "\\Seen"]))


class Deliveries:
    """Mail that comes by SMTP as long as this lasts."""

    def __init__(self, engine, user):
        self.engine, self.user = engine, user
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._deliver)
        self.count = 0

    def _deliver(self):
        while not self.over.wait(0.02):
            with Session(self.engine.namespaces) as session:
                mail = messages.plain(f"delivered{self.count}@client.test", 500)
                assert session.transaction("a@client.test", [self.user], mail.data)[0] == 250
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.over.set()
        self.thread.join()


def keep_in_step(served, program, port, user, directory, first, rounds, changes):
    engine, trust = served
    login = Login(f"{user}@{DOMAIN}", trust)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, server, idents = random.Random(seed), mailboxes.server_of(engine, login), itertools.count()

    def mails(count):
        return [mail_of(rng, f"{user}{next(idents)}@client.test") for _ in range(count)]
    mailboxes.append(server, "INBOX", mails(first))
    keeper = program(engine.namespaces, login, port, directory)
    keeper.sync()
    same(far_contents(server), keeper.copy.contents())
    for number in range(rounds):
        change_near(keeper.copy, rng, mails(changes))
        change_far(server, rng, mails(changes), number)
        with Deliveries(engine, login.user) as deliveries:
            wait_until(lambda: deliveries.count or not deliveries.thread.is_alive(), 10, "the first delivery")
            keeper.sync()
        # What was changed by one side while the other did is there after the second time.
        keeper.sync()
        keeper.sync()
        same(far_contents(server), keeper.copy.contents())


LONG = pytest.mark.long


@pytest.mark.parametrize("program, port, user", [
    pytest.param(Mbsync, IMAPS, "alice", id="mbsync-993", marks=pytest.mark.needs("mbsync")),
    pytest.param(OfflineImap, IMAP, "bob", id="offlineimap-143", marks=[LONG, pytest.mark.needs("offlineimap")])])
def test_two_ways(served, tmp_path, program, port, user):
    """A few messages."""
    keep_in_step(served, program, port, user, tmp_path, 12, 1, 4)


@pytest.mark.long
@pytest.mark.parametrize("program, port, user, first, rounds", [
    pytest.param(Mbsync, IMAP, "carol", 5000, 20, id="mbsync-143", marks=pytest.mark.needs("mbsync")),
    pytest.param(OfflineImap, IMAPS, "dave", 2000, 8, id="offlineimap-993", marks=pytest.mark.needs("offlineimap"))])
def test_thousands_two_ways(served, tmp_path, program, port, user, first, rounds):
    """Thousands of messages, again and again."""
    keep_in_step(served, program, port, user, tmp_path, first, rounds, 40)


@pytest.mark.long
@pytest.mark.needs("offlineimap")
def test_offlineimap_idles(served, tmp_path):
    """What comes is fetched at once, not when it looks the next time, in ten minutes."""
    engine, trust = served
    login = Login(f"postmaster@{DOMAIN}", trust)
    keeper = OfflineImap(engine.namespaces, login, IMAPS, tmp_path, "autorefresh = 10")
    keeper.sync()
    before = len(keeper.copy.files("INBOX"))
    with open(tmp_path / "log", "wb") as log:
        process = start(*engine.namespaces.command(*keeper.words()), log=log)
    try:
        # It looks at what there is before it idles, and does not say when it does.
        wait_until(lambda: b"Finished account" in (tmp_path / "log").read_bytes(), 60, "offlineimap to be idle")
        for number in range(60):
            with Session(engine.namespaces) as session:
                assert session.transaction("a@client.test", [login.user], messages.plain(f"idle{number}@client.test").data)[0] == 250
            with suppress(TimeoutError):
                wait_until(lambda: len(keeper.copy.files("INBOX")) > before, 1, "one of them")
                return
        pytest.fail("nothing of what came is in the copy")
    finally:
        end(process)
