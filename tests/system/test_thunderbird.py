# SPDX-License-Identifier: BSD-3-Clause
"""Thunderbird sets up an account by what `wirepost client-config` writes, reads, flags, moves, finds, sends, and hears of new mail."""

from contextlib import suppress

import pytest
from lab import accounts, messages
from lab.accounts import Login
from lab.commands import run, wait_until
from lab.engine import DOMAIN, binary
from lab.imap import mailboxes
from lab.imap.wire import fetched, opened
from lab.smtp import Session
from lab.thunderbird import SetUp, Thunderbird

pytestmark = [pytest.mark.long, pytest.mark.needs("thunderbird"), pytest.mark.needs("Xvfb")]
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
NAMES = ("apple", "birch", "cedar", "daisy")
PATIENCE = 60


def mail_of(name):
    head = messages.header(f"{name}@client.test", f"about {name}", "a@client.test", ALICE, (b"Content-Type: text/plain; charset=utf-8",))
    return head + f"\r\nwords about {name}, grüße\r\n".encode()


@pytest.fixture(scope="module")
def served(shared_bench):
    """The engine, and the file of who signed its certificate."""
    engine = shared_bench(started=False)
    trust = accounts.serve(engine)
    return engine.start(), trust


@pytest.fixture(scope="module")
def server(served):
    """Alice's mailboxes, with four messages."""
    engine, trust = served
    server = mailboxes.server_of(engine, Login(ALICE, trust))
    mailboxes.append(server, "INBOX", [mail_of(name) for name in NAMES])
    return server


@pytest.fixture(scope="module")
def thunderbird(served, server, tmp_path_factory):
    """With an account that it has set up by itself."""
    engine, trust = served
    folder = tmp_path_factory.mktemp("set-up")
    run(binary(), "client-config", "-c", engine.file, "--output", folder, DOMAIN)
    with SetUp(engine.namespaces, folder) as web, Thunderbird(engine.namespaces, [trust, web.trust]) as program:
        program.add_account(Login(ALICE, trust))
        assert any(path.startswith("/mail/config-v1.1.xml") for path in web.asked)
        program.open("Inbox")
        yield program


def becomes(server, box, expected):
    """Waits until the mailbox has these: {name: flags of those that matter}"""
    def held():
        found.clear()
        for mail, flags in mailboxes.contents(server)[box].values():
            found[messages.message_id_of(mail).partition("@")[0]] = flags & {"\\Seen", "\\Flagged", "\\Answered", "\\Deleted"}
        return found == expected
    found = {}
    try:
        wait_until(held, PATIENCE, expected)
    except TimeoutError:
        raise AssertionError(f"{box} has {found}, not {expected}") from None


def test_sets_up_an_account(thunderbird):
    """By autoconfig; the folders are those that the server has, each for its use."""
    assert thunderbird.call("return [root.server.type, root.server.port, root.server.socketType == Ci.nsMsgSocketType.SSL, root.server.username]") == [
        "imap", accounts.IMAPS, True, ALICE]
    assert thunderbird.call("return MailServices.outgoingServer.servers.map(one => one.serverURI.port)") == [accounts.SUBMISSIONS]
    wait_until(lambda: len(thunderbird.folders()) >= 6, PATIENCE, "all folders")
    assert thunderbird.folders() == {
        "INBOX": "Inbox", "Drafts": "Drafts", "Sent": "SentMail", "Trash": "Trash", "Junk": "Junk", "Archive": "Archive"}


def test_reads_flags_moves(thunderbird, server):
    """Reading marks as read; what is done in its window is done on the server."""
    wait_until(lambda: len(thunderbird.subjects()) == len(NAMES), PATIENCE, "all messages")
    for name in NAMES[:2]:
        thunderbird.select(f"about {name}")
        wait_until(lambda: f"words about {name}, grüße" in thunderbird.shown(), PATIENCE, name)  # noqa: B023
    becomes(server, "INBOX", {"apple": {"\\Seen"}, "birch": {"\\Seen"}, "cedar": set(), "daisy": set()})
    thunderbird.command("cmd_markAsFlagged")
    becomes(server, "INBOX", {"apple": {"\\Seen"}, "birch": {"\\Seen", "\\Flagged"}, "cedar": set(), "daisy": set()})
    thunderbird.move("Archive")
    becomes(server, "Archive", {"birch": {"\\Seen", "\\Flagged"}})
    thunderbird.select("about apple")
    thunderbird.command("cmd_delete")
    becomes(server, "Trash", {"apple": {"\\Seen"}})
    wait_until(lambda: thunderbird.subjects() == ["about cedar", "about daisy"], PATIENCE, "what was moved to be gone from its list")


def test_finds(thunderbird):
    """By the server's SEARCH."""
    assert thunderbird.find("daisy, grüße") == ["about daisy"]
    assert thunderbird.find("nothing of the kind") == []


def test_sends(thunderbird, served, server):
    """Through submission; the copy goes to the folder for what was sent."""
    engine, trust = served
    thunderbird.send(BOB, "Schöne Grüße", "words of a body\n.a dot in front\n")
    bob = mailboxes.server_of(engine, Login(BOB, trust))
    wait_until(lambda: mailboxes.contents(bob)["INBOX"], PATIENCE, "the message")
    [(mail, _)] = mailboxes.contents(bob)["INBOX"].values()
    assert b"\r\n.a dot in front\r\n" in mail and b"with ESMTPSA" in mail
    wait_until(lambda: mailboxes.contents(server)["Sent"], PATIENCE, "the copy")
    [(copy, flags)] = mailboxes.contents(server)["Sent"].values()
    assert messages.message_id_of(copy) == messages.message_id_of(mail) and "\\Seen" in flags


def test_hears_of_changes(thunderbird, served, server):
    """Its list shows what comes, and what another program has changed and removed, without being asked to look: it idles."""
    engine, _trust = served
    mail = mail_of("elder")
    with Session(engine.namespaces) as session:
        assert session.transaction("a@client.test", [ALICE], mail)[0] == 250
    wait_until(lambda: "about elder" in thunderbird.subjects(), PATIENCE, "the new message in its list")
    # It does not act upon a removal that is told while it fetches, and it is not known when it idles again.
    names = [f"filler{number}" for number in range(20)]
    mailboxes.append(server, "INBOX", [mail_of(name) for name in names])
    wait_until(lambda: f"about {names[-1]}" in thunderbird.subjects(), PATIENCE, "the last of them in its list")
    with opened(server) as other:
        other.command("SELECT INBOX")
        for number, name in enumerate(names):
            *_, before, last = (fetched(row)["UID"] for row in other.command("FETCH 1:* UID")[0] if row.kind == "FETCH")
            other.command(f"UID STORE {before} +FLAGS (\\Flagged)")
            other.command(f"UID STORE {last} +FLAGS (\\Deleted)")
            other.command("EXPUNGE")
            with suppress(TimeoutError):
                wait_until(lambda: set(names[-number - 1:]) - {row.removeprefix("about ") for row in thunderbird.subjects()}, 3, name)  # noqa: B023
                break
        else:
            pytest.fail("nothing of what was removed is gone from its list")
    thunderbird.until("pane.gDBView.getMsgHdrAt(pane.gDBView.rowCount - 1).isFlagged", "the flag in its list")
