# SPDX-License-Identifier: BSD-3-Clause
"""Mail as it really is, out of public suites: every program takes every message, octet by octet, and reads what is told of its parts."""

import json
import os
import re
from pathlib import Path

import pytest
from lab import ROOT, accounts
from lab.accounts import IMAPS, Login
from lab.engine import DOMAIN, HOSTNAME
from lab.imap import mailboxes
from lab.imap.wire import fetched, opened
from lab.imap.words import is_word
from lab.peers import FOLDER

SHARED = Path(os.environ.get("WIREPOST_SHARED", ROOT.parent / "shared"))
SUITE = SHARED / "suites/mime/apache_james-mime4j"
CORPUS = SHARED / "corpora/stdlib-js_datasets-spam-assassin"
EACH = 5        # of the corpus each fifth message
MODULES = FOLDER / "imapflow" / "node_modules"
pytestmark = [pytest.mark.long, pytest.mark.skipif(not SUITE.exists(), reason=f"{SUITE} is not there")]


def mails():
    """
    Whole messages with CRLF. NUL is in no literal (RFC 3501 section 9), and bytes above 127 in a header are refused where UTF8=ACCEPT is
    not enabled (RFC 6855 section 4).
    """
    files = sorted(SUITE.rglob("*.msg")) + sorted(file for file in CORPUS.rglob("*") if file.is_file() and file.suffix == ".txt")[::EACH]
    texts = (re.sub(rb"\r?\n", b"\r\n", file.read_bytes()) for file in files)
    return sorted({text for text in texts if text.strip() and b"\0" not in text and text.partition(b"\r\n\r\n")[0].isascii()})


@pytest.fixture(scope="module")
def filled(shared_bench):
    """(engine, login, what is in the INBOX)"""
    engine = shared_bench(started=False, changes={"store": {"quota": "1GiB"}})
    trust = accounts.serve(engine)
    engine.start()
    login = Login(f"alice@{DOMAIN}", trust)
    held = mails()
    assert len(held) > 100
    mailboxes.append(mailboxes.server_of(engine, login), "INBOX", held)
    return engine, login, held


def parts(structure):
    """How many parts a BODYSTRUCTURE has; fails where it is none (RFC 3501 section 7.4.2)."""
    if isinstance(structure[0], list):
        inner = [part for part in structure if isinstance(part, list)]
        count = next(number for number, part in enumerate(structure) if not isinstance(part, list))
        assert is_word(structure[count]), structure
        return sum(parts(part) for part in inner[:count])
    kind, subtype, _parameters, _id, _description, encoding, size = structure[:7]
    assert is_word(kind) and is_word(subtype) and is_word(encoding) and str(size).isdigit(), structure
    return 1


def test_structures_and_octets(filled):
    engine, login, held = filled
    with opened(mailboxes.server_of(engine, login)) as connection:
        connection.command("EXAMINE INBOX")
        rows = [fetched(row) for row in connection.command("FETCH 1:* (BODYSTRUCTURE ENVELOPE RFC822.SIZE BODY.PEEK[] BODY.PEEK[1])")[0] if row.kind == "FETCH"]
    assert [str(row["BODY[]"]).encode("latin-1") for row in rows] == held
    assert [int(row["RFC822.SIZE"]) for row in rows] == list(map(len, held))
    for row in rows:
        assert parts(row["BODYSTRUCTURE"]) >= 1 and len(row["ENVELOPE"]) == 10


@pytest.mark.needs("mbsync")
def test_mbsync(filled, tmp_path):
    """A copy of all of them, without the CRs of any kind, which it leaves out."""
    engine, login, held = filled
    (tmp_path / "rc").write_text(f"IMAPStore far\nHost {HOSTNAME}\nPort {IMAPS}\nUser {login.user}\nPass \"{login.password}\"\nSSLType IMAPS\n"
                                 f"CertificateFile {login.trust}\n\nMaildirStore near\nPath {tmp_path}/mail/\nInbox {tmp_path}/mail/INBOX\n\n"
                                 "Channel all\nFar :far:\nNear :near:\nCreate Near\nSync Pull\nSyncState *\n")
    (tmp_path / "mail").mkdir()
    engine.namespaces.run("mbsync", "--config", tmp_path / "rc", "all", timeout=300)
    copies = [file.read_bytes() for part in ("cur", "new") for file in (tmp_path / "mail/INBOX" / part).iterdir()]
    assert sorted(re.sub(rb"^X-TUID: \S{12}\n", b"", copy, count=1, flags=re.MULTILINE) for copy in copies) == sorted(
        mail.replace(b"\r", b"") for mail in held)


IMAPFLOW = """
const [host, trust, user, pass] = process.argv.slice(1);
const {ImapFlow} = require('imapflow');
(async () => {
    const client = new ImapFlow({host, port: 993, secure: true, auth: {user, pass}, tls: {ca: require('fs').readFileSync(trust)}, logger: false});
    await client.connect();
    await client.mailboxOpen('INBOX', {readOnly: true});
    const told = [];
    for await (const one of client.fetch('1:*', {envelope: true, bodyStructure: true, size: true, source: true}))
        told.push([one.size, one.source.length, one.bodyStructure.type, one.envelope.subject ?? null]);
    console.log(JSON.stringify(told));
    await client.logout();
})().catch(error => { console.error(error); process.exit(1); });
"""


@pytest.mark.needs("node")
@pytest.mark.skipif(not MODULES.exists(), reason="imapflow is not there: its packages could not be had")
def test_imapflow(filled):
    engine, login, held = filled
    told = json.loads(engine.namespaces.run("env", f"NODE_PATH={MODULES}", "node", "-e", IMAPFLOW, HOSTNAME, login.trust, login.user, login.password,
                                            timeout=300).stdout)
    assert [row[:2] for row in told] == [[len(mail)] * 2 for mail in held]
    assert all("/" in row[2] for row in told)
