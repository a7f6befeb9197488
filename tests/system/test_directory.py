# SPDX-License-Identifier: BSD-3-Clause
"""The directory: accounts, domains and aliases of the store, changed while the engine runs, found by who asks for them."""

import base64
import json
import poplib
import re
import smtplib
import time
from pathlib import Path

import pytest
from lab import messages, schemas
from lab.commands import run
from lab.engine import PASSWORD, binary, crypt
from lab.namespaces import ENGINE_IPV4, inside
from lab.smtp import Session

SUBMISSION = 587
SETTINGS = {
    "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"}, {"port": SUBMISSION, "protocol": "submission"}],
    "submission": {"allow_cleartext": True},
    "pop3": {"allow_cleartext": True, "failure_delay": "0s"},
    "directory": {"backends": ["yaml", "store"], "timeout": "500ms", "time_to_live_absent": "30s"},
}


@pytest.fixture(scope="module")
def engine(shared_bench):
    engine = shared_bench(changes=SETTINGS)
    engine.ask("domain", "add", "store.test", "detail_separator=+")
    return engine


def account(engine, what, address, *words, password="", check=True):
    """`ctl account add` or `password`: the password on standard input."""
    result = run(binary(), "ctl", "-s", engine.socket, "account", what, address, *words, "--json", data=password.encode() + b"\n",
                 check=check)
    if result.returncode == 0:
        schemas.check(f"ctl-account-{what}", json.loads(result.stdout)["result"])
    return result


def rcpt(engine, *addresses):
    with Session(engine.namespaces) as session:
        session.command("EHLO client.test")
        session.command("MAIL FROM:<sender@client.test>")
        return [session.command(f"RCPT TO:<{address}>")[0] for address in addresses]


def login(engine, address, password):
    token = base64.b64encode(f"\0{address}\0{password}".encode()).decode()
    with Session(engine.namespaces, port=SUBMISSION) as session:
        session.command("EHLO client.test")
        return session.command(f"AUTH PLAIN {token}")[0]


def deliver(engine, address, ident):
    with Session(engine.namespaces) as session:
        session.command("EHLO client.test")
        session.command("MAIL FROM:<sender@client.test>")
        code, _text = session.command(f"RCPT TO:<{address}>")
        if code == 250:
            session.command("DATA")
            session.send(messages.plain(ident).data + b".\r\n")
            code, _text = session.reply()
        return code


def counter(engine, name):
    return engine.ask("counters")[name]


def stored(engine, address, password=PASSWORD):
    with inside(engine.namespaces.client):
        client = poplib.POP3(ENGINE_IPV4, 110, timeout=10)
        client.user(address)
        client.pass_(password)
        bodies = [b"\n".join(client.retr(n + 1)[1]) for n in range(client.stat()[0])]
        client.quit()
    return bodies


def test_an_account_comes_and_goes_while_the_engine_runs(engine):
    assert rcpt(engine, "new@store.test") == [550]
    account(engine, "add", "New@store.test", "quota=1MiB", password=PASSWORD)
    assert deliver(engine, "new+detail@store.test", "first") == 250
    assert login(engine, "new@store.test", PASSWORD) == 235
    assert login(engine, "new@store.test", "wrong") == 535
    assert any(b"first" in body for body in stored(engine, "new@store.test"))
    account(engine, "password", "new@store.test", password="another one")
    assert login(engine, "new@store.test", PASSWORD) == 535
    assert login(engine, "new@store.test", "another one") == 235
    assert engine.ask("account", "list", "store.test") == [{
        "address": "new@store.test", "login": True, "quota": 1048576, "hash": "$y$", "scram_sha_256": True, "send_as": [],
        "forward": [], "keep_copy": True}]
    engine.ask("account", "set", "new@store.test", "login=off")
    assert login(engine, "new@store.test", "another one") == 535
    engine.ask("account", "delete", "new@store.test")
    assert rcpt(engine, "new@store.test", "new+x@store.test") == [550, 550]
    account(engine, "add", "new@store.test", password=PASSWORD)
    assert any(b"first" in body for body in stored(engine, "new@store.test"))


def test_a_message_under_way_to_who_is_deleted_is_not_taken(engine):
    account(engine, "add", "late@store.test")
    with Session(engine.namespaces) as session:
        session.command("EHLO client.test")
        session.command("MAIL FROM:<sender@client.test>")
        assert session.command("RCPT TO:<late@store.test>")[0] == 250
        session.command("DATA")
        engine.ask("account", "delete", "late@store.test")
        session.send(messages.plain("late").data + b".\r\n")
        assert session.reply()[0] == 451


def test_who_is_known_costs_no_question(engine):
    account(engine, "add", "known@store.test")
    assert rcpt(engine, "known@store.test", "nobody@store.test", "x@elsewhere.test") == [250, 550, 550]
    asked = counter(engine, "directory_asked")
    assert rcpt(engine, "KNOWN@store.test", "nobody@store.test", "y@elsewhere.test") == [250, 550, 550]
    assert counter(engine, "directory_asked") == asked
    assert rcpt(engine, "alice@example.test") == [250]
    assert counter(engine, "directory_asked") == asked


def test_aliases_catch_alls_and_duties(engine):
    for user in ("one", "two"):
        account(engine, "add", f"{user}@store.test", password=PASSWORD)
    engine.ask("domain", "add", "more.test", "catch_all=one@store.test")
    engine.ask("alias", "add", "both@more.test", "one@store.test", "two@store.test", "alice@example.test")
    assert deliver(engine, "both@more.test", "for-both") == 250
    assert deliver(engine, "whoever@more.test", "caught") == 250
    assert deliver(engine, "postmaster@more.test", "duty") == 250
    one, two, alice = (stored(engine, user) for user in ("one@store.test", "two@store.test", "alice@example.test"))
    assert all(any(b"for-both" in body for body in bodies) for bodies in (one, two, alice))
    assert any(b"caught" in body for body in one) and not any(b"caught" in body for body in two)
    engine.ask("alias", "set", "both@more.test", "two@store.test")
    assert deliver(engine, "both@more.test", "for-two") == 250
    assert not any(b"for-two" in body for body in stored(engine, "one@store.test"))
    engine.ask("alias", "delete", "both@more.test")
    engine.ask("domain", "set", "more.test", "catch_all=")
    assert rcpt(engine, "both@more.test", "whoever@more.test", "postmaster@more.test", "abuse@store.test") == [550, 550, 250, 250]
    assert engine.ask("alias", "list") == []
    engine.ask("domain", "set", "more.test", "class=refused")
    assert rcpt(engine, "postmaster@more.test") == [550]
    engine.ask("domain", "delete", "more.test")
    assert [row["domain"] for row in engine.ask("domain", "list")] == ["store.test"]


def test_refusals_have_a_reason(engine):
    for words in (("account", "add", "x@nowhere.test"), ("account", "add", "alice@example.test"), ("account", "delete", "nobody@store.test"),
                  ("account", "set", "new@store.test", "password=x"), ("domain", "add", "example.test"), ("domain", "add", "store.test"),
                  ("domain", "delete", "store.test"), ("alias", "add", "a@store.test", "nobody@store.test"),
                  ("account", "erase", "new@store.test", "--by", "me", "--why", "test"), ("account", "add", "y@store.test", "quota=1TB"),
                  ("domain", "set", "store.test", "tenant=")):
        assert engine.ctl(*words, check=False).returncode == 1, words


def submit(engine, user, sender, header=None):
    with inside(engine.namespaces.client), smtplib.SMTP(ENGINE_IPV4, SUBMISSION, timeout=10) as client:
        client.ehlo("client.test")
        client.login(user, PASSWORD)
        data = messages.plain("sent").data.replace(b"From: sender@client.test", f"From: {header or sender}".encode())
        client.sendmail(sender, ["alice@example.test"], data)


def refused(call, *arguments):
    with pytest.raises(smtplib.SMTPException) as caught:
        call(*arguments)
    return caught.value.smtp_code


def test_what_an_account_may_send_as(engine):
    account(engine, "add", "sender@store.test", "send_as=@granted.test", password=PASSWORD)
    account(engine, "add", "other@store.test", password=PASSWORD)
    engine.ask("alias", "add", "team@store.test", "sender@store.test", "other@store.test")
    submit(engine, "sender@store.test", "sender+x@store.test")
    submit(engine, "sender@store.test", "sender@store.test", "team@store.test")
    submit(engine, "sender@store.test", "any@granted.test")
    assert refused(submit, engine, "sender@store.test", "other@store.test") == 553
    assert refused(submit, engine, "sender@store.test", "sender@store.test", "other@store.test") == 550
    assert refused(submit, engine, "other@store.test", "any@granted.test") == 553
    engine.ask("account", "set", "sender@store.test", "send_as=")
    assert refused(submit, engine, "sender@store.test", "any@granted.test") == 553


def test_import_and_hashes_that_grow_younger(engine, tmp_path):
    old = crypt(PASSWORD)
    rows = [{"address": f"user{n}@store.test", "hash": old} for n in range(1500)]
    rows.append({"address": "made@store.test", "password": PASSWORD, "quota": 0, "send_as": ["office@store.test"], "login": True})
    file = tmp_path / "accounts"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert json.loads(engine.ctl("account", "import", str(file), "--json").stdout) == {"accounts": 1501}
    assert rcpt(engine, "user0@store.test", "user1499@store.test", "made@store.test", "user1500@store.test") == [250, 250, 250, 550]
    assert login(engine, "user7@store.test", PASSWORD) == 235
    assert [row["hash"] for row in engine.ask("account", "list", "store.test", "user7@store.test")][:1] == ["$6$"]
    upgraded = {row["address"]: row for row in engine.ask("account", "list", "store.test")}["user7@store.test"]
    assert upgraded["hash"] == "$y$" and upgraded["scram_sha_256"]
    assert login(engine, "user7@store.test", PASSWORD) == 235 and login(engine, "user7@store.test", "wrong") == 535
    file.write_text(json.dumps(rows[0]) + "\nno json\n")
    assert engine.ctl("account", "import", str(file), check=False).returncode == 1


def test_it_survives_kill_and_reload_and_can_be_left_out(engine):
    account(engine, "add", "stays@store.test", password=PASSWORD)
    engine.kill()
    engine.start()
    assert rcpt(engine, "stays@store.test", "nobody@store.test") == [250, 550]
    assert login(engine, "stays@store.test", PASSWORD) == 235
    engine.ask("reload")
    assert deliver(engine, "stays@store.test", "after") == 250
    engine.settings["directory"]["backends"] = ["yaml"]
    engine.write()
    engine.ask("reload")
    asked = counter(engine, "directory_asked")
    assert rcpt(engine, "stays@store.test", "alice@example.test") == [550, 250]
    assert engine.ctl("account", "list", check=False).returncode == 1
    assert counter(engine, "directory_asked") == asked


def resident(engine):
    """MiB of memory of the engine."""
    text = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) // 1024


def timed(call):
    began = time.monotonic()
    result = call()
    return time.monotonic() - began, result


@pytest.mark.long
def test_a_million_accounts(make_engine, tmp_path):
    """docs/directory.md has what this prints (pytest -s)."""
    engine = make_engine(changes=SETTINGS)
    engine.ask("domain", "add", "many.test")
    before, file = resident(engine), tmp_path / "accounts"
    old = crypt(PASSWORD)
    with file.open("w") as rows:
        rows.writelines(json.dumps({"address": f"user{n}@many.test", "hash": old}) + "\n" for n in range(1_000_000))
    seconds, _ = timed(lambda: engine.ctl("account", "import", str(file), timeout=600))
    file.unlink()
    print(f"\nimport: {seconds:.1f} s, {1_000_000 / seconds:.0f} accounts/s; memory {before} MiB before, {resident(engine)} MiB after")
    for name in ("imported", "restarted"):
        first, codes = timed(lambda name=name: rcpt(engine, "user999999@many.test" if name == "imported" else "user500000@many.test"))
        again, _ = timed(lambda name=name: rcpt(engine, "user999999@many.test" if name == "imported" else "user500000@many.test"))
        assert codes == [250]
        print(f"{name}: a session with the first RCPT {first * 1000:.1f} ms, with one that is known {again * 1000:.1f} ms")
        assert rcpt(engine, "user1000000@many.test") == [550] and login(engine, "user77@many.test", PASSWORD) == 235
        if name == "imported":
            engine.kill()
            seconds, _ = timed(engine.start)
            print(f"start after kill -9: {seconds:.1f} s; memory {resident(engine)} MiB")
