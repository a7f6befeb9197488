# SPDX-License-Identifier: BSD-3-Clause
"""Mail that is delivered into folders: user+detail and junk, watched by a session, over kill -9."""

import random
import threading

import pytest
from lab.imap import served
from lab.imap.wire import fetched, opened
from lab.smtp import Session

pytestmark = pytest.mark.skipif(not served.offered(), reason="this binary has no IMAP")
RULES = """rules:
  - id: offer
    scope: subject
    patterns:
      - literal: "offer"
    action: quarantine
"""
WHAT = "(UID INTERNALDATE SAVEDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"


@pytest.fixture
def engine(make_engine, tmp_path):
    rules = tmp_path / "junk.yaml"
    rules.write_text(RULES)
    return make_engine(workers=2, changes={
        **served.CHANGES, "imap": {"allow_cleartext": True, "detail_folders": "create"},
        "rules": {"files": [str(rules)], "cache": ""}, "quarantine": {"place": "junk"}})


def deliver(session, recipients, subject):
    data = f"Subject: {subject}\r\n\r\ntext of {subject}\r\n".encode()
    return session.transaction("sender@client.test", recipients, data)[0]


def inside(connection, mailbox):
    """Subject to what else is known of each message of a mailbox."""
    connection.command(f'EXAMINE "{mailbox}"')
    found, _ = connection.command(f"FETCH 1:* {WHAT}", expect=None)
    rows = {}
    for response in found:
        if response.kind == "FETCH":
            items = {name: str(value) for name, value in fetched(response).items()}
            subject = next(value for name, value in items.items() if name.startswith("BODY["))
            rows[subject.partition("Subject: ")[2].split("\\r")[0].split("\r")[0].strip()] = tuple(
                items[name] for name in ("UID", "INTERNALDATE", "SAVEDATE", "RFC822.SIZE"))
    connection.command("UNSELECT")
    return rows


def names(connection):
    found, _ = connection.command('LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED)')
    return " ".join(str(one.words) for one in found)


def test_mail_goes_into_folders(engine):
    server = served.server_of(engine)
    with Session(engine.namespaces) as session:
        assert deliver(session, ["alice+Lists/dev@example.test"], "first") == 250
        with opened(server) as watching, opened(server, name="B") as connection:
            watching.command('SELECT "Lists/dev"')
            tag = watching.send("IDLE")
            assert deliver(session, ["alice+lists/DEV@example.test", "bob@example.test"], "second") == 250
            assert deliver(session, ["alice+inbox@example.test"], "third") == 250
            assert deliver(session, ["alice+a*b@example.test"], "fourth") == 250
            assert deliver(session, ["alice@example.test", "bob+Lists@example.test"], "an offer") == 250
            while watching.response().kind != "EXISTS":
                pass
            watching.raw("DONE\r\n")
            watching.tagged(tag)
            assert set(inside(connection, "Lists/dev")) == {"first", "second"}
            assert set(inside(connection, "INBOX")) == {"third", "fourth"}
            assert set(inside(connection, "Junk")) == {"an offer"}
            assert "\\\\Junk" in names(connection) or "\\Junk" in names(connection)
    # An account that nobody has logged in to yet: its mailbox for junk came with the mail.
    with opened(served.server_of(engine, "bob")) as connection:
        assert set(inside(connection, "Junk")) == {"an offer"}
        assert set(inside(connection, "INBOX")) == {"second"}
    places = [row["place"] for row in engine.ask("mailbox", "list", "alice@example.test")]
    assert places.count("folder") >= 2


@pytest.mark.long
def test_folders_survive_kill(engine, request):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, kept, before = random.Random(seed), {}, {}
    server = served.server_of(engine)
    for round_ in range(20 if request.config.getoption("--long") else 1):
        enough = threading.Event()

        def send(of=round_, enough=enough, limit=rng.randint(10, 40)):
            with Session(engine.namespaces) as session:
                for number in range(1000):
                    subject = f"{'offer ' if number % 3 == 0 else ''}{of} {number}"
                    folder = "Junk" if number % 3 == 0 else f"f{number % 4}"
                    try:
                        if deliver(session, [f"alice+f{number % 4}@example.test"], subject) == 250:
                            kept[subject] = folder
                    except (OSError, EOFError, AssertionError, ValueError, IndexError):
                        return
                    if number == limit:
                        enough.set()
        sender = threading.Thread(target=send)
        sender.start()
        assert enough.wait(60)
        engine.kill()
        sender.join()
        engine.start()
        with opened(server) as connection:
            there = {name: inside(connection, name) for name in ("f0", "f1", "f2", "f3", "Junk")}
        for subject, folder in kept.items():
            assert subject in there[folder], f"{subject} was answered 250 and is not in {folder}"
        for name, rows in before.items():
            for subject, row in rows.items():
                assert there[name][subject] == row, "a message is not what it was"
            highest = max((int(row[0]) for row in rows.values()), default=0)
            assert all(int(row[0]) > highest for subject, row in there[name].items() if subject not in rows)
        before = there
    assert engine.ask("fsck")["sound"]
