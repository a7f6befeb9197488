# SPDX-License-Identifier: BSD-3-Clause
"""Programs that read and keep mail by IMAP, with the tap beside them: each message that they got or sent is told with its hash."""

import hashlib
import imaplib
import ssl
import subprocess
import zlib

import pytest

from lab import messages
from lab.certificates import Authority
from lab.commands import end, start, wait_until
from lab.engine import DOMAIN, HOSTNAME, PASSWORD, Engine, binary
from lab.imap import dovecot
from lab.namespaces import ENGINE_IPV4, inside
from lab.records import rows
from lab.tap import Hub, Tap

MAILS = [messages.plain("tap-imap-1@client.test", size=3000).data, messages.plain("tap-imap-2@client.test", size=60_000).data,
         messages.with_text("tap-imap-3@client.test", b"text\r\n* 1 FETCH (BODY[] {9}\r\na OK\r\n").data]
STEP = 20_000
imaplib.Commands.setdefault("COMPRESS", ("AUTH", "SELECTED"))


class Compressed(imaplib.IMAP4):
    """Speaks COMPRESS=DEFLATE from compress() on."""

    out = into = None
    heard = b""

    def compress(self):
        assert self._simple_command("COMPRESS", "DEFLATE")[0] == "OK"
        self.out, self.into = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def _more(self):
        data = self.sock.recv(65536)
        assert data, "the server has ended the connection"
        self.heard += self.into.decompress(data)

    def read(self, size):
        if not self.into:
            return super().read(size)
        while len(self.heard) < size:
            self._more()
        data, self.heard = self.heard[:size], self.heard[size:]
        return data

    def readline(self):
        if not self.into:
            return super().readline()
        while b"\n" not in self.heard:
            self._more()
        return self.read(self.heard.index(b"\n") + 1)

    def send(self, data):
        super().send(self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH) if self.out else data)


def octets(answer):
    """The message's octets of a FETCH."""
    assert answer[0] == "OK", answer
    return answer[1][0][1]


def work(client, user, password):
    """Keeps all, and gets the first whole, the second in pieces, the last by header and text."""
    client.login(user, password)
    if hasattr(client, "compress"):
        client.compress()
    for mail in MAILS:
        assert client.append("INBOX", "", None, mail)[0] == "OK"
    client.select("INBOX")
    uids = client.uid("SEARCH", "ALL")[1][0].split()[-len(MAILS):]
    assert octets(client.uid("FETCH", uids[0], "(FLAGS BODY.PEEK[])")) == MAILS[0]
    parts = [octets(client.uid("FETCH", uids[1], f"(BODY.PEEK[]<{at}.{STEP}>)")) for at in range(0, len(MAILS[1]), STEP)]
    assert b"".join(parts) == MAILS[1]
    assert octets(client.uid("FETCH", uids[2], "(BODY[HEADER])")) + octets(client.uid("FETCH", uids[2], "(BODY[TEXT])")) == MAILS[2]
    client.uid("FETCH", b",".join(uids), "(UID FLAGS BODYSTRUCTURE ENVELOPE)")
    assert octets(client.uid("FETCH", uids[0], "(BODY[])")) == MAILS[0]
    client.logout()
    return [int(uid) for uid in uids]


def of(events, kind):
    return [event for event in events if event["kind"] == kind]


def check(events, kept, user, port, connections):
    """Of each connection of the user: three messages came, three went, one of them twice; all are kept as they were."""
    told = [event for event in of(events, "message")
            if event["context"]["server"]["port"] == port and event["context"]["imap"]["user"] == user]
    flows = {event["context"]["connection"] for event in told}
    assert len(flows) == connections
    for flow in flows:
        places = [(m["message"]["size"], m["context"]["imap"]) for m in told if m["context"]["connection"] == flow]
        for direction in ("appended", "fetched"):
            assert [size for size, place in places if place["direction"] == direction] == [len(mail) for mail in MAILS]
        assert all(place["whole"] and place["mailbox"] == "INBOX" and place["uidvalidity"] for _, place in places)
        uids = [[place["uid"] for _, place in places if place["direction"] == direction] for direction in ("appended", "fetched")]
        assert uids[0] == uids[1] and len(set(uids[0])) == len(MAILS)
    assert {path.stem for path in kept.glob("*.eml")} >= {hashlib.sha256(mail).hexdigest() for mail in MAILS}


def changes_of(item):
    return {"rules": {"files": []}, "tls": {"certificates": [item]}, "imap": {"allow_cleartext": True},
            "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 143, "protocol": "imap", "tls": "starttls"},
                          {"port": 993, "protocol": "imap", "tls": "implicit"}]}


def curl(hub, path, *words):
    return hub.run("curl", "--silent", "--show-error", "--max-time", 60, "--user", f"bob@{DOMAIN}:{PASSWORD}",
                   f"imap://{ENGINE_IPV4}/{path}", *words, timeout=90).stdout


def mbsync(hub, folder):
    """The INBOX of bob as a Maildir."""
    (folder / "maildir").mkdir()
    (folder / "mbsyncrc").write_text(f"IMAPAccount there\nHost {ENGINE_IPV4}\nUser bob@{DOMAIN}\nPass \"{PASSWORD}\"\nSSLType None\n"
                                     f"AuthMechs LOGIN\n\nIMAPStore far\nAccount there\n\nMaildirStore near\nPath {folder}/maildir/\n"
                                     f"Inbox {folder}/maildir/INBOX\n\nChannel both\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\n"
                                     "SyncState *\n")
    hub.run("mbsync", "--config", folder / "mbsyncrc", "both", timeout=60)


@pytest.mark.needs("curl")
@pytest.mark.needs("mbsync")
def test_what_clients_get_is_what_is_told(tmp_path):
    """imaplib in the clear, compressed, behind STARTTLS and under TLS; curl and mbsync; live, and of a capture of the same."""
    authority = Authority(tmp_path / "ca")
    context = ssl.create_default_context(cafile=str(authority.file))
    context.check_hostname, context.keylog_filename = False, str(tmp_path / "keys.log")
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    kept, capture = tmp_path / "kept", tmp_path / "imap.pcap"
    kept.mkdir(mode=0o777)
    kept.chmod(0o777)
    user = f"alice@{DOMAIN}"
    with Hub("wpt") as hub, Engine(hub, changes=changes_of(authority.sign("mx", HOSTNAME, ENGINE_IPV4))).start(), \
            Tap(hub, [hub.mirror_port], where=hub.mirror, changes={"tap": {"keylog": context.keylog_filename, "extract": str(kept)}}) as tap:
        with hub.capturing(capture):
            with inside(hub.client):
                clients = [imaplib.IMAP4(ENGINE_IPV4, timeout=30), Compressed(ENGINE_IPV4, timeout=30), imaplib.IMAP4(ENGINE_IPV4, timeout=30),
                           imaplib.IMAP4_SSL(ENGINE_IPV4, timeout=30, ssl_context=context)]
            clients[2].starttls(context)
            for client in clients:
                work(client, user, PASSWORD)
            (tmp_path / "mail").write_bytes(MAILS[0])
            curl(hub, "INBOX", "--upload-file", tmp_path / "mail")
            assert curl(hub, "INBOX;UID=1") == MAILS[0]
            mbsync(hub, tmp_path)
            # The first flow is that which finds out that the engine is there.
            wait_until(lambda: len(tap.events("session")) == 7, 20, "the ends of the conversations")
        live = tap.finish()
    done = subprocess.run([binary(), "tap", "--keylog", context.keylog_filename, "--pcap", capture, "--json", tmp_path / "told"],
                          capture_output=True, check=True)
    assert not done.stderr
    for events in (live, rows(tmp_path / "told")):
        check(events, kept, user, 143, 3)
        check(events, kept, user, 993, 1)
        others = [m["context"]["imap"]["direction"] for m in of(events, "message") if m["context"]["imap"]["user"] != user]
        assert others == ["appended", "fetched", "fetched"]
        counted = of(events, "statistics")[-1]["imap"]
        # mbsync compresses, too.
        assert counted["fetched_again"] == len(clients) and counted["compressed"] == 2
        assert not of(events, "anomaly"), of(events, "anomaly")[0]
        assert PASSWORD not in str(events)


@pytest.mark.long
@pytest.mark.skipif(not dovecot.available(), reason="Dovecot's IMAP is not there")
def test_beside_dovecot(tmp_path):
    """The same of a server that is not ours (whose COMPRESS is a plugin that is not configured)."""
    capture = tmp_path / "dovecot.pcap"
    with dovecot.Dovecot() as peer:
        peer.start()
        port = peer.port
        with open(tmp_path / "tcpdump", "wb") as log:
            tool = start("tcpdump", "-i", "lo", "-s", "0", "-U", "-w", capture, f"tcp port {port}", log=log)
        wait_until(lambda: b"listening" in (tmp_path / "tcpdump").read_bytes(), 10, "the capture")
        for _ in range(2):
            work(imaplib.IMAP4("127.0.0.1", port, timeout=30), dovecot.USER, dovecot.PASSWORD)
        wait_until(lambda: not subprocess.run([binary(), "tap", "--pcap", capture, "--json", tmp_path / "told", "--extract", tmp_path / "kept"],
                                              capture_output=True, check=False).returncode
                   and len(of(rows(tmp_path / "told"), "session")) == 2, 20, "both conversations in the capture")
        end(tool)
    check(rows(tmp_path / "told"), tmp_path / "kept", dovecot.USER, port, 2)
