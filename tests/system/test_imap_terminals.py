# SPDX-License-Identifier: BSD-3-Clause
"""Programs with a screen and keys (mutt, neomutt, alpine): what they show is there, what is done with them is done on the server."""

import pytest
from lab import accounts, messages
from lab.accounts import IMAP, IMAPS, Login
from lab.commands import wait_until
from lab.engine import DOMAIN, HOSTNAME
from lab.imap import mailboxes
from lab.smtp import Session
from lab.terminal import Terminal

pytestmark = [pytest.mark.long, pytest.mark.needs("tmux")]
NAMES = ("apple", "birch", "cedar", "daisy")


@pytest.fixture(scope="module")
def served(shared_bench):
    """The engine, and the file of who signed its certificate."""
    engine = shared_bench(started=False)
    trust = accounts.serve(engine)
    return engine.start(), trust


def mail_of(name):
    head = messages.header(f"{name}@client.test", f"about {name}", "a@client.test", "b@example.test")
    return head + f"\r\nwords about {name}, and no more\r\n".encode()


class Mutt:
    """mutt's names of folders begin with "=", searches with "=" in place of "~" are the server's."""

    program = "mutt"

    def __init__(self, namespaces, login, port, directory):
        rc = directory / "muttrc"
        settings = {
            "from": login.user, "hostname": "client.test", "ssl_ca_certificates_file": login.trust, "ssl_starttls": "yes", "ssl_force_tls": "yes",
            "certificate_file": directory / "certificates", "imap_user": login.user, "imap_pass": login.password, "imap_idle": "yes",
            "imap_condstore": "yes", "imap_qresync": "yes", "folder": f"{'imaps' if port == IMAPS else 'imap'}://{HOSTNAME}:{port}/",
            "spoolfile": "+INBOX", "record": "+Sent", "postponed": "+Drafts", "header_cache": directory / "cache", "sort": "mailbox-order",
            "timeout": 1, "mail_check": 600, "confirmappend": "no", "delete": "yes", "mark_old": "no", "beep": "no"}
        rc.write_text("".join(f'set {name}="{value}"\n' for name, value in settings.items()))
        self.terminal = Terminal(namespaces, self.program, "-n", "-F", rc)

    def line(self, text):
        self.terminal.press("C-u")
        self.terminal.type(text)
        self.terminal.press("Enter")

    def go(self, number):
        self.terminal.type(str(number))
        self.terminal.shows("Jump to message")
        self.terminal.press("Enter")

    def open(self):
        self.terminal.shows("about daisy")

    def read(self, number):
        self.go(number)
        self.terminal.press("Enter")
        self.terminal.shows(f"words about {NAMES[number - 1]}, and no more")
        self.terminal.type("i")
        self.terminal.shows("Msgs:4")

    def flag(self, number):
        self.go(number)
        self.terminal.type("F$")

    def move(self, number, box):
        self.go(number)
        self.terminal.type("s")
        self.terminal.shows("Save to mailbox")
        self.line(f"={box}")
        self.terminal.shows("Del:1")
        self.terminal.type("$")
        self.terminal.shows("Msgs:3")

    def find(self, text):
        """Only what was found is shown then, until all is asked for."""
        self.terminal.type("l")
        self.terminal.shows("Limit to")
        self.line(f"=b '{text}'")
        self.terminal.shows("Shown:1|Msgs:1/3")
        shown = self.terminal.last
        self.terminal.type("l")
        self.line("all")
        return shown

    def notice(self, subject):
        """Nobody presses a key: it idles."""
        self.terminal.shows(subject)

    def quit(self):
        self.terminal.type("q")


class Neomutt(Mutt):
    """Its own branch of the same."""

    program = "neomutt"


class Alpine:
    """It asks for the password, and for the server's new mail when a key is pressed or after minutes."""

    program = "alpine"

    def __init__(self, namespaces, login, port, directory):
        server = f"{{{HOSTNAME}:{port}/imap/{'ssl' if port == IMAPS else 'tls'}/user={login.user}}}"
        rc = directory / "pinerc"
        rc.write_text(f"personal-name=A\nuser-domain={DOMAIN}\ninbox-path={server}INBOX\nfolder-collections=all {server}[]\n"
                      "feature-list=enable-flag-cmd,quit-without-confirm,enable-aggregate-command-set,auto-zoom-after-select,expunge-without-confirm\n"
                      "initial-keystroke-list=\nsort-key=Arrival\nlast-version-used=9.99\n")
        self.terminal = Terminal(namespaces, self.program, "-p", rc, "-i", SSL_CERT_FILE=login.trust)
        self.password = login.password

    def open(self):
        self.terminal.shows("ENTER PASSWORD")
        self.terminal.type(self.password)
        self.terminal.press("Enter")
        self.terminal.shows("Preserve password|about daisy")
        if "Preserve" in self.terminal.last:
            self.terminal.type("n")
        self.terminal.shows("about daisy")

    def go(self, number):
        self.terminal.type("j")
        self.terminal.shows("Message number to jump to")
        self.terminal.type(str(number))
        self.terminal.press("Enter")
        self.terminal.shows(f"Message {number} of")

    def read(self, number):
        self.go(number)
        self.terminal.type("v")
        self.terminal.shows(f"words about {NAMES[number - 1]}, and no more")
        self.terminal.type("i")
        self.terminal.shows("MESSAGE INDEX")

    def flag(self, number):
        self.go(number)
        self.terminal.type("*")
        self.terminal.shows("Important")
        self.terminal.press("Enter")
        self.terminal.shows("Flagged message")

    def move(self, number, box):
        self.go(number)
        self.terminal.type("s")
        self.terminal.shows("SAVE")
        self.terminal.press("C-u")
        self.terminal.type(box)
        self.terminal.press("Enter")
        self.terminal.shows("of 4 DEL")
        self.terminal.type("x")
        self.terminal.shows("of 3")

    def find(self, text):
        self.terminal.type(";")
        self.terminal.shows("SELECT criteria")
        self.terminal.type("t")
        self.terminal.shows("Select based on")
        self.terminal.type("b")
        self.terminal.shows("BODYTEXT")
        self.terminal.type(text)
        self.terminal.press("Enter")
        self.terminal.shows("[Ss]elect matched 1 message")
        shown = self.terminal.last
        self.terminal.type("z")
        self.terminal.shows("about apple")
        return shown

    def notice(self, subject):
        self.terminal.press("C-l")
        self.terminal.shows(subject)

    def quit(self):
        self.terminal.type("q")


PROGRAMS = [(Mutt, IMAPS, "alice"), (Mutt, IMAP, "bob"), (Neomutt, IMAPS, "carol"), (Neomutt, IMAP, "dave"), (Alpine, IMAPS, "postmaster"),
            (Alpine, IMAP, "abuse")]


@pytest.mark.parametrize("program, port, user", [
    pytest.param(program, port, user, id=f"{program.program}-{port}", marks=pytest.mark.needs(program.program))
    for program, port, user in PROGRAMS])
def test_reads_flags_moves_finds(served, tmp_path, program, port, user):
    engine, trust = served
    login = Login(f"{user}@{DOMAIN}", trust)
    server = mailboxes.server_of(engine, login)
    mailboxes.append(server, "INBOX", [mail_of(name) for name in NAMES])

    def held(box):
        """{name: flags}"""
        found = mailboxes.contents(server)[box].values()
        return {messages.message_id_of(mail).partition("@")[0]: flags for mail, flags in found}

    def becomes(box, expected):
        def same():
            became.append(held(box))
            return became[-1] == expected
        became = []
        try:
            wait_until(same, 20, f"{expected} in {box}")
        except TimeoutError as error:
            raise AssertionError(f"{error}: {became[-1]}\n{reader.terminal.screen()}") from None
    reader = program(engine.namespaces, login, port, tmp_path)
    with reader.terminal:
        reader.open()
        reader.read(1)
        reader.flag(2)
        becomes("INBOX", {"apple": {"\\Seen"}, "birch": {"\\Flagged"}, "cedar": set(), "daisy": set()})
        reader.move(3, "Archive")
        becomes("INBOX", {"apple": {"\\Seen"}, "birch": {"\\Flagged"}, "daisy": set()})
        assert list(held("Archive")) == ["cedar"]
        shown = reader.find("about daisy")
        assert "about daisy" in shown and "about apple" not in shown
        with Session(engine.namespaces) as session:
            mail = messages.header("elder@client.test", "about elder", "a@client.test", login.user) + b"\r\nnew\r\n"
            assert session.transaction("a@client.test", [login.user], mail)[0] == 250
        reader.notice("about elder")
        reader.quit()
        reader.terminal.ends()
