# SPDX-License-Identifier: BSD-3-Clause
"""Limits of accounts, and addresses that are banned for wrong passwords: over workers, services and reloads."""

import base64
import poplib
from contextlib import ExitStack

import pytest
from lab import messages
from lab.engine import PASSWORD, USERS, crypt
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session

ALICE, BOB = "alice@example.test", "bob@example.test"
SUBMISSION = 587


def settings(limits):
    return {
        "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"},
                      {"port": SUBMISSION, "protocol": "submission"}],
        "submission": {"allow_cleartext": True},
        "pop3": {"allow_cleartext": True, "failure_delay": "0s"},
        "accounts": [{"address": f"{user}@example.test", "password": crypt(PASSWORD)} for user in USERS],
        "limits": limits,
    }


@pytest.fixture(scope="module")
def engine(shared_bench):
    return shared_bench(workers=2, changes=settings({
        "account": {"sessions": 2, "messages": 3, "bytes": "64KiB"}, "ban": {"failures": 3, "time": "5m"}}))


def login(user, password=PASSWORD):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def submitted(engine, ident, user=ALICE):
    """What a message by an account comes to, in a connection of its own."""
    with Session(engine.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        assert session.command(login(user))[0] == 235
        data = messages.plain(ident).data.replace(b"From: sender@client.test", f"From: {user}".encode())
        return session.transaction(user, [BOB], data)


def greeting(engine, port=25):
    with Session(engine.namespaces, port=port, greet=False) as session:
        return session.reply()


def pop3_greeting(engine):
    with inside(engine.namespaces.client):
        try:
            poplib.POP3(ENGINE_IPV4, timeout=5).quit()
            return "+OK"
        except poplib.error_proto as refused:
            return refused.args[0].decode()


def reload(engine, **limits):
    engine.settings["limits"] |= limits
    engine.write()
    engine.ctl("reload")


def test_accounts_are_limited_over_workers_and_services(engine):
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(engine.namespaces, port=SUBMISSION)) for _ in range(3)]
        for session in sessions:
            session.command("EHLO client.test")
        assert [session.command(login(ALICE))[0] for session in sessions] == [235, 235, 454]
        with inside(engine.namespaces.client):
            mailbox = poplib.POP3(ENGINE_IPV4, timeout=5)
            mailbox.user(ALICE)
            with pytest.raises(poplib.error_proto, match=r"\[IN-USE\] too many sessions"):
                mailbox.pass_(PASSWORD)
            mailbox.user(BOB)
            mailbox.pass_(PASSWORD)
            mailbox.quit()
        sessions[0].quit()
        assert sessions[2].command(login(ALICE))[0] == 235
    assert [submitted(engine, f"m{n}@limits.test")[0] for n in range(4)] == [250, 250, 250, 450]
    assert submitted(engine, "other@limits.test", BOB)[0] == 250
    with Session(engine.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        session.command(login(BOB))
        code, text = session.command(f"MAIL FROM:<{BOB}> SIZE=65536")
        assert code == 450 and "octets of your account" in text
    counters = engine.ask("counters")
    assert counters["smtp_reply_account_sessions"] == 1 and counters["pop3_reply_account_sessions"] == 1
    assert counters["smtp_reply_account_messages"] == 1 and counters["smtp_reply_account_bytes"] == 1


def test_wrong_passwords_ban_an_address(engine):
    assert engine.ask("ban", "list") == []
    with Session(engine.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        for user in (ALICE, "nobody@example.test"):
            assert session.command(login(user, "wrong")) == (535, "535 5.7.8 authentication failed")
        # Whoever comes first, the answer or the word of the ban, the session ends.
        code = session.command(login(ALICE, "wrong"))[0]
        assert code == 421 or (code == 535 and session.reply()[0] == 421)
        assert session.ended()
    assert greeting(engine) == (421, "421 4.7.0 your address is banned for a while")
    assert pop3_greeting(engine) == "-ERR [SYS/TEMP] your address is banned for a while"
    (ban,) = engine.ask("ban", "list")
    assert ban["network"] == "198.18.0.1/32" and ban["reason"] == "failures" and ban["times"] == 1
    assert ban["until_ms"] - ban["since_ms"] == 300000
    # The list is nobody's configuration: it outlives a reload, and a network that is trusted then is let in.
    reload(engine, networks=[{"network": "198.18.0.0/24", "trusted": True}])
    assert greeting(engine)[0] == 220
    assert engine.ctl("ban", "add", "198.18.0.1", check=False).returncode != 0
    reload(engine, networks=[])
    assert greeting(engine)[0] == 421
    assert engine.ask("ban", "delete", "198.18.0.1") == {"network": "198.18.0.1/32"}
    assert greeting(engine)[0] == 220
    # By hand, and told nothing. Sessions that are open end.
    with Session(engine.namespaces) as session:
        session.command("EHLO client.test")
        assert engine.ask("ban", "add", "198.18.0.77/24", "1h", "--by", "anna", "--why", "a flood") == {
            "network": "198.18.0.0/24"}
        assert session.reply()[0] == 421 and session.ended()
    assert engine.ask("counters")["sessions_ended_banned"] >= 1
    assert engine.ask("ban", "add", "2001:2::5") == {"network": "2001:2::/64"}
    assert {(row["network"], row["reason"], "until_ms" in row) for row in engine.ask("ban", "list")} == {
        ("198.18.0.0/24", "operator", True), ("2001:2::/64", "operator", False)}
    reload(engine, ban=engine.settings["limits"]["ban"] | {"answer": "reset"})
    with pytest.raises(ConnectionResetError):
        greeting(engine)
    counters = engine.ask("counters")
    assert counters["bans"] == 2 and counters["bans_made"] == 3 and counters["sessions_refused_banned"] == 1
    assert counters["bans_unkept"] == 0
    # Bans outlive the engine, however it ends (the helper that starts it wants a banner).
    engine.ask("ban", "delete", "198.18.0.0/24")
    engine.ask("ban", "add", "198.18.9.0/24", "1h")
    listed = engine.ask("ban", "list")
    engine.kill()
    engine.start()
    again = engine.ask("ban", "list")
    assert len(again) == 2
    for row in listed:
        kept = next(other for other in again if other["network"] == row["network"])
        assert kept.pop("since_ms") == pytest.approx(row.pop("since_ms"), abs=50)
        assert kept.pop("until_ms", 0) == pytest.approx(row.pop("until_ms", 0), abs=50)
        assert kept == row
    assert engine.ask("ban", "clear", "--why", "it is over") == {"removed": 2}
    assert greeting(engine)[0] == 220 and engine.ask("ban", "list") == []
    assert [(row["action"], row["address"], row["who"], row["why"], row["messages"]) for row in engine.ask("audit")] == [
        ("unban", "198.18.0.1/32", "ctl", "not told", 0), ("ban", "198.18.0.0/24", "anna", "a flood", 0),
        ("ban", "2001:2::/64", "ctl", "not told", 0), ("unban", "198.18.0.0/24", "ctl", "not told", 0),
        ("ban", "198.18.9.0/24", "ctl", "not told", 0), ("unban-all", "", "ctl", "it is over", 2)]
