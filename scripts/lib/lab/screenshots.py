# SPDX-License-Identifier: BSD-3-Clause
"""The pictures in the documentation: Thunderbird, set up by autoconfig, before an engine that serves IMAP."""

import argparse
import tempfile
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone
from pathlib import Path

from lab import ROOT, accounts
from lab.accounts import Login
from lab.commands import run, signals_raise, wait_until
from lab.engine import DOMAIN, Engine, binary
from lab.imap import mailboxes
from lab.namespaces import Namespaces
from lab.thunderbird import PATIENCE, SetUp, Thunderbird

ALICE = f"alice@{DOMAIN}"
FIRST = datetime(2026, 11, 23, 7, 12, tzinfo=timezone.utc)
WIDTH, HEIGHT = 1120, 580
OPENED = "What the new mail server does"
MAILS = (
    ("Bob Miller", "Minutes of Monday's meeting", "\\Seen", "The minutes are below. Please tell me by Wednesday what is missing.\n"),
    ("Carol Weiß", "Grüße aus Köln", "\\Seen \\Answered", "Die Bilder von gestern kommen heute Abend.\n\nGrüße, Carol\n"),
    ("Dave", "Invoice 2026-1184", "\\Seen \\Flagged", "The invoice for October is attached.\n"),
    ("Postmaster", OPENED, "",
     "Dear all,\n\nsince this morning our mail is read from the new server. There is\nnothing to set up: "
     "enter your name, your address and your password,\nand your program finds the rest.\n\n"
     "* The folders for drafts, sent mail, spam, the archive and the bin\n  are there already.\n"
     "* What you read, flag and move on one device is read, flagged and\n  moved on all others.\n"
     "* New mail is shown when it comes; nobody asks every few minutes.\n\n"
     "Your postmaster\n"),
    ("Bob Miller", "Re: Minutes of Monday's meeting", "", "Thank you, that is all.\n"),
)


def mail_of(number, name, subject, text):
    mail = EmailMessage()
    mail["From"] = f"{name} <{name.split()[0].lower()}@{DOMAIN}>"
    mail["To"] = f"Alice <{ALICE}>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(FIRST + timedelta(minutes=37 * number))
    mail["Message-ID"] = f"<picture{number}@{DOMAIN}>"
    mail.set_content(text)
    if "attached" in text:
        mail.add_attachment(b"%PDF-1.4\n", maintype="application", subtype="pdf", filename="invoice.pdf")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def thunderbird(engine, trust):
    """The INBOX, one of its messages open: PNG."""
    login = Login(ALICE, trust)
    server = mailboxes.server_of(engine, login)
    for number, (name, subject, flags, text) in enumerate(MAILS):
        mailboxes.append(server, "INBOX", [mail_of(number, name, subject, text)], flags)
    with tempfile.TemporaryDirectory() as folder:
        run(binary(), "client-config", "-c", engine.file, "--output", folder, DOMAIN)
        with SetUp(engine.namespaces, folder) as web, Thunderbird(engine.namespaces, [trust, web.trust]) as program:
            program.add_account(login)
            program.marionette.command("WebDriver:SetWindowRect", width=WIDTH, height=HEIGHT)
            program.open("Inbox")
            program.select(OPENED)
            wait_until(lambda: "Your postmaster" in program.shown(), PATIENCE, "the message")
            wait_until(lambda: len(program.folders()) >= 6, PATIENCE, "all folders")
            # The dialogue is gone, and nothing is fetched any more.
            program.until("!window.document.querySelector('account-hub-container')?.modal?.open", "the dialogue to be closed")
            program.until("!window.document.getElementById('statusText').value", "Thunderbird to be at rest")
            return program.marionette.screenshot()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", metavar="DIR", type=Path, default=ROOT / "docs" / "images", help="default: docs/images")
    parser.add_argument("--no-install", action="store_true", help="do not ask apt")
    options = parser.parse_args()
    signals_raise()
    options.output.mkdir(parents=True, exist_ok=True)
    with Namespaces() as namespaces, Engine(namespaces) as engine:
        trust = accounts.serve(engine)
        engine.start()
        (options.output / "thunderbird.png").write_bytes(thunderbird(engine, trust))


if __name__ == "__main__":
    main()
