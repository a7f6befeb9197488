# SPDX-License-Identifier: BSD-3-Clause
"""Programs and libraries that take and change mail over IMAP under TLS: s-nail, curl, getmail6, fetchmail, imapflow."""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from lab import accounts, messages
from lab.accounts import IMAP, IMAPS, Login
from lab.commands import end, start, wait_until
from lab.engine import DOMAIN, HOSTNAME
from lab.imap import mailboxes
from lab.peers import FOLDER
from lab.smtp import Session

pytestmark = pytest.mark.long
NAMES = ("apple", "birch", "cedar")
PATIENCE = 60
BOTH = pytest.mark.parametrize("port", [IMAPS, IMAP])
GIBIBYTE = 1 << 30


@pytest.fixture(scope="module")
def served(shared_bench):
    """The engine, and the file of who signed its certificate."""
    engine = shared_bench(started=False, changes={"store": {"quota": "1GiB"}})
    trust = accounts.serve(engine)
    return engine.start(), trust


def mail_of(name):
    head = messages.header(f"{name}@client.test", f"about {name}", "a@client.test", "b@example.test", (b"Content-Type: text/plain; charset=utf-8",))
    return head + f"\r\nwords about {name}, grüße\r\n.\r\n".encode()


class Account:
    """An account whose mailboxes are emptied: INBOX has three messages then."""

    def __init__(self, served, user):
        self.engine, trust = served
        self.login = Login(f"{user}@{DOMAIN}", trust)
        self.server = mailboxes.server_of(self.engine, self.login)
        with mailboxes.opened(self.server) as connection:
            for box in mailboxes.names(connection):
                connection.command(f"SELECT {mailboxes.quoted(box)}")
                connection.command("STORE 1:* +FLAGS.SILENT (\\Deleted)", None)
                connection.command("EXPUNGE")
        mailboxes.append(self.server, "INBOX", [mail_of(name) for name in NAMES])

    def held(self, box="INBOX"):
        """{name: flags}; the messages are as they were put there."""
        found = {}
        for mail, flags in mailboxes.contents(self.server)[box].values():
            name = messages.message_id_of(mail).partition("@")[0]
            assert name not in NAMES or mail == mail_of(name)
            found[name] = set(flags)
        return found

    def deliver(self, name):
        with Session(self.engine.namespaces) as session:
            assert session.transaction("a@client.test", [self.login.user], mail_of(name))[0] == 250

    def run(self, *words, data=None):
        return self.engine.namespaces.run(*words, data=data, timeout=PATIENCE)

    def start(self, log, *words):
        return start(*self.engine.namespaces.command(*words), log=log)


@pytest.fixture
def account(served):
    return Account(served, "alice")


# ---- s-nail ----

@BOTH
@pytest.mark.needs("s-nail")
def test_snail(account, port):
    """It counts messages that it has moved away as gone; folders are listed in its order."""
    login, scheme = account.login, "imaps" if port == IMAPS else "imap"
    url = f"{scheme}://{quote(login.user, safe='')}:{quote(login.password)}@{HOSTNAME}:{port}"
    settings = {"v15-compat": "yes", "tls-ca-file": login.trust, "tls-ca-no-defaults": "", "tls-verify": "strict", "imap-use-starttls": "",
                "folder": f"{scheme}://{quote(login.user, safe='')}@{HOSTNAME}:{port}/", "ttycharset": "utf-8"}
    options = [word for name, value in settings.items() for word in ("-S", f"{name}={value}" if value else name)]
    commands = "from '(body \"birch\")'\nprint 1\nflag 2\nmove 3 +Archive\nfolders\nquit\n"
    said = account.run("env", "LC_ALL=C.UTF-8", "s-nail", "-:/", *options, "-f", f"{url}/INBOX", data=commands.encode()).stdout.decode()
    assert "words about apple, grüße" in said and "words about birch" not in said
    assert {"Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"} <= set(said.split())
    assert account.held() == {"apple": {"\\Seen"}, "birch": {"\\Flagged"}}
    assert list(account.held("Archive")) == ["cedar"]


# ---- curl ----

@BOTH
@pytest.mark.needs("curl")
def test_curl(account, port, tmp_path):
    login = account.login

    def curl(path, *options):
        return account.run("curl", "-sS", "--max-time", PATIENCE, "--ssl-reqd", "--cacert", login.trust, "--user", f"{login.user}:{login.password}",
                           f"{'imaps' if port == IMAPS else 'imap'}://{HOSTNAME}:{port}/{path}", *options).stdout
    assert b'* LIST (\\HasNoChildren \\Sent) "/" Sent\r\n' in curl("")
    (tmp_path / "mail").write_bytes(mail_of("daisy"))
    curl("INBOX", "--upload-file", tmp_path / "mail")
    assert curl("INBOX?BODY%20birch") == b"* SEARCH 2\r\n"
    assert curl("INBOX;MAILINDEX=4") == mail_of("daisy")
    assert curl("INBOX;MAILINDEX=1;SECTION=1") == "words about apple, grüße\r\n.\r\n".encode()
    curl("INBOX", "--request", "STORE 2 +FLAGS (\\Flagged)")
    curl("INBOX", "--request", "MOVE 3 Archive")
    assert account.held() == {"apple": {"\\Seen"}, "birch": {"\\Flagged"}, "daisy": {"\\Seen"}}
    assert list(account.held("Archive")) == ["cedar"]


def delivered_until_taken(account, directory):
    """
    A message each second until one was taken: that what is there is taken does not say that it idles already, and neither program
    looks again at what came between.
    """
    for number in range(PATIENCE):
        account.deliver(f"late{number}")
        with suppress(TimeoutError):
            wait_until(lambda: any(name.startswith("late") for name in taken(directory)), 1, "one of them")
            return
    pytest.fail("nothing of what came was taken")


# ---- getmail6: IMAPS is what it has ----

def taker(directory):
    """A program that makes a file of a message, once that is whole."""
    (directory / "mail").mkdir(exist_ok=True)
    program = directory / "taker"
    program.write_text(f'#!/bin/sh\nname=$(mktemp {directory}/XXXXXXXX)\ncat > "$name" && mv "$name" {directory}/mail\n')
    program.chmod(0o755)
    return program


def getmail(account, directory, *options, delete=False):
    """Its words."""
    login, rc = account.login, directory / "getmailrc"
    rc.write_text(f"[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = {HOSTNAME}\nport = {IMAPS}\nusername = {login.user}\n"
                  f"password = {login.password}\nca_certs = {login.trust}\nmailboxes = (\"INBOX\",)\nrecord_mailbox = false\nmove_on_delete = {'Trash' if delete else ''}\n"
                  f"[destination]\ntype = MDA_external\npath = {taker(directory)}\nallow_root_commands = true\n"
                  f"[options]\ndelete = {'true' if delete else 'false'}\nread_all = false\ndelivered_to = false\nreceived = false\n")
    return ("getmail", "--getmaildir", directory, "--rcfile", rc, *options)


def taken(directory):
    """{name} of what was taken; the octets are those that were sent."""
    found = set()
    for one in (directory / "mail").iterdir():
        mail = one.read_bytes().replace(b"\n", b"\r\n")
        name = messages.message_id_of(mail).partition("@")[0]
        assert mail.endswith(mail_of(name))
        found.add(name)
    return found


@pytest.mark.needs("getmail")
def test_getmail(account, tmp_path):
    """Twice, of which the second finds nothing new; then it moves what it has to the Trash."""
    for _ in range(2):
        account.run(*getmail(account, tmp_path))
        assert taken(tmp_path) == set(NAMES) and len(list((tmp_path / "mail").iterdir())) == 3
    account.deliver("daisy")
    account.run(*getmail(account, tmp_path, delete=True))
    assert taken(tmp_path) == {*NAMES, "daisy"}
    assert account.held() == {} and set(account.held("Trash")) == {*NAMES, "daisy"}


@pytest.mark.needs("getmail")
def test_getmail_idles(account, tmp_path):
    """What comes is taken at once, though it never asks again."""
    with open(tmp_path / "log", "wb") as log:
        process = account.start(log, *getmail(account, tmp_path, "--idle=INBOX"))
    try:
        wait_until(lambda: taken(tmp_path) == set(NAMES), PATIENCE, "what is there")
        delivered_until_taken(account, tmp_path)
    finally:
        end(process)


# ---- fetchmail ----

def fetchmail(account, directory, port, *options):
    """Its words; `sslproto` is how it says that STARTTLS is a must."""
    login, rc = account.login, directory / "fetchmailrc"
    rc.write_text(f"set no bouncemail\npoll {HOSTNAME} protocol imap port {port} no dns\n"
                  f'  user "{login.user}" password "{login.password}" is "root" here {"ssl" if port == IMAPS else ""} sslproto "TLS1.2+"\n'
                  f'  sslcertck sslcertfile "{login.trust}" {" ".join(options)} no rewrite pass8bits\n'
                  f'  mda "{taker(directory)}"\n')
    rc.chmod(0o600)
    return ("env", f"HOME={directory}", f"FETCHMAILHOME={directory}", "fetchmail", "--nodetach", "--nosyslog", "-f", rc,
            "--pidfile", directory / "pid")


@BOTH
@pytest.mark.needs("fetchmail")
def test_fetchmail(account, tmp_path, port):
    """It marks as read what it keeps, and takes that no more; then it takes all and deletes."""
    account.run(*fetchmail(account, tmp_path, port, "keep"))
    assert taken(tmp_path) == set(NAMES)
    assert account.held() == {name: {"\\Seen"} for name in NAMES}
    assert account.engine.namespaces.run(*fetchmail(account, tmp_path, port, "keep"), check=False).returncode == 1      # no new mail
    account.run(*fetchmail(account, tmp_path, port, "fetchall"))
    assert account.held() == {}


@BOTH
@pytest.mark.needs("fetchmail")
def test_fetchmail_idles(account, tmp_path, port):
    with open(tmp_path / "log", "wb") as log:
        process = account.start(log, *fetchmail(account, tmp_path, port, "keep", "idle"))
    try:
        wait_until(lambda: taken(tmp_path) == set(NAMES), PATIENCE, "what is there")
        delivered_until_taken(account, tmp_path)
        assert process.poll() is None
    finally:
        end(process)


# ---- imapflow ----

MODULES = FOLDER / "imapflow" / "node_modules"


@pytest.mark.needs("node")
@pytest.mark.skipif(not MODULES.exists(), reason="imapflow is not there: its packages could not be had")
@pytest.mark.parametrize("port, compress", [(IMAPS, "compress"), (IMAP, "clear")])
def test_imapflow(account, port, compress):
    login = account.login
    scene = Path(__file__).with_name("imapflow_scene.js")
    process = subprocess.Popen([str(word) for word in account.engine.namespaces.command(
        "node", scene, HOSTNAME, port, login.trust, login.user, login.password, compress)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "NODE_PATH": str(MODULES)})
    try:
        assert process.stdout.readline() == "idle\n"
        account.deliver("daisy")
        told = json.loads(process.communicate(timeout=PATIENCE)[0])
    finally:
        process.kill()
    assert process.returncode == 0
    assert told["secure"] and told["enabled"] == ["CONDSTORE", "QRESYNC"]
    assert {box: use for box, use in told["folders"].items() if use} == {
        "INBOX": "\\Inbox", "Drafts": "\\Drafts", "Sent": "\\Sent", "Trash": "\\Trash", "Junk": "\\Junk", "Archive": "\\Archive"}
    assert [row["source"].encode("latin-1") for row in told["messages"]] == [mail_of(name) for name in NAMES]
    for row, name in zip(told["messages"], NAMES):
        assert (row["subject"], row["from"], row["type"], row["size"]) == (f"about {name}", "a@client.test", "text/plain", len(mail_of(name)))
    assert len({row["emailId"] for row in told["messages"]}) == len(NAMES)
    assert told["part"].encode("latin-1") == "words about birch, grüße\r\n.\r\n".encode() and told["charset"] == "utf-8"
    assert len(told["found"]) == 1 and {"\\Flagged", "work"} <= set(told["flags"])
    assert told["created"]["path"] == "Work/Größe & mehr" and told["copied"] == told["moved"] == 1
    assert told["appended"] == 3 and told["date"] == "2001-09-09T01:46:40.000Z"
    assert (told["status"]["messages"], told["status"]["unseen"], told["quota"]) == (1, 1, GIBIBYTE)
    assert told["heard"] == 1 and told["left"] == 0
    assert told["after"] == ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]
    assert list(account.held("Archive")) == ["apple"]
