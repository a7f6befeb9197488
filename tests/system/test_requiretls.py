# SPDX-License-Identifier: BSD-3-Clause
"""REQUIRETLS and TLS-Required (RFC 8689), as far as who receives mail has to do with them."""

import base64

from lab.certificates import Authority
from lab.engine import HOSTNAME, PASSWORD, crypt
from lab.smtp import SecureSession, Session


def test_what_was_said_is_kept(make_engine, tmp_path):
    """RFC 8689: offered and taken under TLS alone; the queue, forwards and the store keep what was said, over kill -9 too."""
    aliases = [{"address": f"{role}@example.test", "members": ["alice@example.test"]} for role in ("postmaster", "abuse")]
    aliases.append({"address": "away@example.test", "forward": ["away@far.example"]})
    accounts = [{"address": f"{user}@example.test", "password": crypt(PASSWORD)} for user in ("alice", "bob")]
    authority = Authority(tmp_path)
    changes = {"listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"},
                             {"port": 587, "protocol": "submission", "tls": "starttls"}],
               "pop3": {"allow_cleartext": False}, "tls": {"certificates": [authority.sign("mx", HOSTNAME)]},
               "accounts": accounts, "aliases": aliases}

    def send(session, ident, parameters="", header=""):
        assert session.command(f"MAIL FROM:<a@client.test>{parameters}")[0] == 250
        for name in ("away", "bob"):
            assert session.command(f"RCPT TO:<{name}@example.test>")[0] == 250
        session.command("DATA")
        session.send(f"From: a@client.test\r\nX-Ident: {ident}\r\n{header}\r\ntext\r\n.\r\n".encode())
        code, text = session.reply()
        assert code == 250
        return text.split()[-1]

    with make_engine(changes=changes) as engine:
        with Session(engine.namespaces) as session:
            assert "REQUIRETLS" not in session.command("EHLO client.test")[1]
            assert session.command("MAIL FROM:<a@client.test> REQUIRETLS")[1].startswith("530 5.7.10 ")
        with SecureSession(engine.namespaces) as session:
            assert "REQUIRETLS" in session.command("EHLO client.test")[1]
            ids = [send(session, "must", " REQUIRETLS", "TLS-Required: No\r\n"), send(session, "need not", "", "TLS-Required: no\r\n"),
                   send(session, "as ever")]
        with SecureSession(engine.namespaces, port=587) as session:
            assert "REQUIRETLS" in session.command("EHLO client.test")[1]
            token = base64.b64encode(f"\0bob@example.test\0{PASSWORD}".encode()).decode()
            assert session.command(f"AUTH PLAIN {token}")[0] == 235
            assert session.command("MAIL FROM:<bob@example.test> REQUIRETLS")[0] == 250
            assert session.command("RCPT TO:<x@far.example>")[0] == 250
            session.command("DATA")
            session.send(b"From: bob@example.test\r\n\r\n.\r\n")
            code, text = session.reply()
            assert code == 250
            ids.append(text.split()[-1])
        engine.kill()
        engine.start()
        assert [(row["id"], row["rcpt_to"], row["tls"]) for row in engine.ask("queue", "list")] == [
            (ident, recipient, tls) for ident, recipient, tls in zip(
                ids, (*["away@far.example"] * 3, "x@far.example"), ("required", "optional", "default", "required"))]
        assert engine.ask("message", "show", ids[0])["tls"] == "required"
        # Who may read mail in the clear cannot keep what the extension asks of him (section 4.4).
        engine.settings["pop3"] = {"allow_cleartext": True}
        engine.write()
        engine.ask("reload")
        with SecureSession(engine.namespaces) as session:
            assert "REQUIRETLS" not in session.command("EHLO client.test")[1]
            assert session.command("MAIL FROM:<a@client.test> REQUIRETLS")[0] == 530
