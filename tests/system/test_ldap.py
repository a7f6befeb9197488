# SPDX-License-Identifier: BSD-3-Clause
"""Accounts in LDAP: Debian's slapd with trees like those of OpenLDAP and of Active Directory, and what becomes of mail and logins without it."""

import base64
import contextlib
import hashlib
import hmac
import poplib
import random
import time

import pytest
from lab import messages, slapd
from lab.certificates import Authority
from lab.commands import run, wait_until
from lab.engine import PASSWORD, binary, crypt, yaml_text
from lab.namespaces import ENGINE_IPV4, inside
from lab.slapd import READER, READER_PASSWORD, SUFFIX, entry, frame, ssha
from lab.smtp import Session, inbox

pytestmark = pytest.mark.skipif(not slapd.available(), reason="slapd is not there")

SUBMISSION = 587
SENDER = "sender@client.test"
UNITS = ("ldap", "ad", "compare", "read", "strange", "away", "pair")


def scram_keys(password):
    """Stored keys as RFC 5803 writes them."""
    salt = b"a salt for tests"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt, stored, server = (base64.b64encode(octets).decode() for octets in (salt, stored, server))
    return f"SCRAM-SHA-256$4096:{salt}${stored}:{server}"


def person(unit, uid, password=None, **more):
    """One with a mail account, as sites with OpenLDAP have it."""
    return entry(f"uid={uid},ou={unit},{SUFFIX}", objectClass=["inetOrgPerson", "mailAccount"], uid=uid, cn=uid, sn=uid,
                 **{"mail": f"{uid}@{unit}.test", "userPassword": password or ssha(PASSWORD), **more})


def user(name, control=512, **more):
    """One as Active Directory has it."""
    return entry(f"cn={name},ou=ad,{SUFFIX}", objectClass="user", cn=name, sn=name,
                 **{"sAMAccountName": f"{name}.sam", "userPrincipalName": f"{name}@ad.test", "userAccountControl": control,
                    "objectGUID": hashlib.md5(name.encode()).digest(), "userPassword": ssha(PASSWORD), **more})


def group(unit, name, *members, kind="groupOfNames", **more):
    return entry(f"cn={name},ou={unit},{SUFFIX}", objectClass=[kind, *(["mailAccount"] if kind == "groupOfNames" else [])], cn=name,
                 member=[f"{member},ou={unit},{SUFFIX}" for member in members], **more)


ENTRIES = [
    *frame(*UNITS),
    person("ldap", "erin", mailAlternateAddress="e.smith@ldap.test"),
    person("ldap", "frank", mailQuota="1G"),
    person("ldap", "gone", accountStatus="disabled"),
    group("ldap", "team", "uid=erin", "cn=inner", "uid=gone", "uid=nowhere", mail="team@ldap.test"),
    person("ldap", "leon", mailForwardingAddress=["Leon@Far.example", "l@other.example"]),
    person("ldap", "mona", mailForwardingAddress=["mona@far.example"], deliveryMode="nolocal"),
    person("ldap", "nils", mailForwardingAddress=["erin@ldap.test"]),
    group("ldap", "far", "uid=leon", "uid=mona", mail="far@ldap.test", rfc822MailMember=["Guest@far.example", "erin@ldap.test"]),
    group("ldap", "inner", "uid=frank", "cn=team", mail="inner@ldap.test"),
    user("grace", mail="grace@ad.test", proxyAddresses=["SMTP:grace@ad.test", "smtp:g.hopper@ad.test", "X500:/o=x/cn=grace"]),
    user("heidi", control=514, mail="heidi@ad.test", proxyAddresses=["SMTP:heidi@ad.test"]),
    user("odd", mail="odd@ad.test", sAMAccountName="odd*)(name"),
    user("thief", mail="alice@example.test", sAMAccountName="thief"),
    group("ad", "staff", "cn=grace", kind="group", proxyAddresses=["SMTP:staff@ad.test"]),
    person("compare", "ivan", password=PASSWORD),
    person("read", "judy", scramKeys=[scram_keys(PASSWORD), "{CRYPT}" + crypt(PASSWORD)],
           maySendAs=["office@read.test", "@read.test"]),
    person("read", "kim", scramKeys=["{CRYPT}" + crypt(PASSWORD)]),
    person("strange", "erin"),
    *(person("away", f"user{number}") for number in range(8)),
    *(person("pair", f"user{number}") for number in range(8)),
]


@pytest.fixture(scope="module")
def servers(shared_bench, tmp_path_factory):
    """The engine, a server that stays, and one that is stopped and slowed down."""
    folder = tmp_path_factory.mktemp("ldap")
    authority, stranger = Authority(folder / "authority"), Authority(folder / "stranger")
    engine = shared_bench(started=False)
    password = folder / "password"
    password.write_text(READER_PASSWORD + "\n")
    with slapd.Slapd(engine.namespaces.engine, ENTRIES, authority=authority) as main, \
            slapd.Slapd(engine.namespaces.engine, main, port=1389, authority=authority) as second:
        configure(engine, directories(main, second, password, authority.file, stranger.file))
        engine.start()
        yield engine, main, second


def directory(unit, password, ca, *uris, **more):
    return {"domains": [f"{unit}.test"], "servers": list(uris), "base": f"ou={unit},{SUFFIX}", "bind_dn": READER,
            "bind_password": str(password), "ca": str(ca), "connections": 2, "connect_timeout": "400ms", "timeout": "400ms",
            "retry": "200ms", "login_step": "20ms", **more}


def directories(main, second, password, ca, other_ca):
    return [
        directory("ad", password, ca, main.secure, schema="active_directory"),
        directory("ldap", password, ca, main.uri, forward_only=["deliveryMode=nolocal"]),
        directory("compare", password, ca, main.local, authentication="compare", login_dn=f"uid=%u,ou=compare,{SUFFIX}"),
        directory("read", password, ca, main.local, authentication="read", passwords=["scramKeys"], send_as=["maySendAs"]),
        directory("strange", password, other_ca, main.secure, main.uri),
        directory("away", password, ca, second.uri),
        directory("pair", password, ca, second.secure, main.uri),
    ]


def configure(engine, ldap):
    domains = [f"{unit}.test" for unit in UNITS]
    engine.settings.update(
        listeners=[{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"}, {"port": SUBMISSION, "protocol": "submission"}],
        submission={"allow_cleartext": True},
        pop3={"allow_cleartext": True, "failure_delay": "10ms", "failure_delay_max": "20ms"},
        domains=[{"name": name} for name in ("example.test", *domains)],
        aliases=[{"address": f"{role}@{name}", "members": [f"{role}@example.test"]} for name in domains for role in ("postmaster", "abuse")],
        directory={"backends": ["yaml", "ldap"], "time_to_live_absent": "2s"}, rules={"files": []}, ldap=ldap)
    engine.write()


@pytest.fixture
def engine(servers, request):
    request.node.engines = [servers[0]]
    return servers[0]


def rcpt(session, recipient):
    """What is said to a recipient, in a transaction of its own."""
    assert session.command(f"MAIL FROM:<{SENDER}>")[0] == 250
    answer = session.command(f"RCPT TO:<{recipient}>")
    session.command("RSET")
    return answer


def asked(engine, recipient):
    with Session(engine.namespaces) as session:
        return rcpt(session, recipient)


def plain(user_name, password, identity=""):
    return base64.b64encode(f"{identity}\0{user_name}\0{password}".encode()).decode()


def login(engine, user_name, password):
    with Session(engine.namespaces, port=SUBMISSION) as session:
        return session.command("AUTH PLAIN " + plain(user_name, password))


def pop3(engine, user_name, password):
    """What PASS is answered."""
    with inside(engine.namespaces.client):
        session = poplib.POP3(ENGINE_IPV4, 110, timeout=30)
    try:
        session.user(user_name)
        return session.pass_(password).decode()
    except poplib.error_proto as refused:
        return refused.args[0].decode()
    finally:
        with contextlib.suppress(poplib.error_proto):
            session.quit()


# ---- who gets mail ----

@pytest.mark.parametrize("recipient, code", [
    ("erin@ldap.test", 250), ("Erin+detail@LDAP.test", 250), ("e.smith@ldap.test", 250), ("team@ldap.test", 250),
    ("nobody@ldap.test", 550), ("gone@ldap.test", 550), ('"*"@ldap.test', 550), ('"*)(uid=*"@ldap.test', 550), ('"a b@c"@ldap.test', 550),
    ("grace@ad.test", 250), ("g.hopper@ad.test", 250), ("staff@ad.test", 250), ("heidi@ad.test", 550), ("grace.sam@ad.test", 550),
    ("ivan@compare.test", 250), ("judy@read.test", 250), ("erin@ad.test", 550), ("postmaster@ldap.test", 250),
])
def test_recipients(engine, recipient, code):
    answer = asked(engine, recipient)
    assert answer[0] == code, answer
    assert code == 250 or "5.1.1" in answer[1]


def test_a_group_leads_to_its_members(engine):
    """Groups in each other, one of which has itself in it; who is switched off or not there is left out."""
    message = messages.plain("group@ldap.test")
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, ["team@ldap.test"], message.data)[0] == 250
    for name in ("erin@ldap.test", "frank@ldap.test"):
        stored, _uids = inbox(engine.namespaces, name)
        [data] = [data for data in stored.values() if b"group@ldap.test" in data]
        assert f"Delivered-To: {name}".encode() in data
    assert pop3(engine, "gone@ldap.test", PASSWORD).startswith("-ERR")


def test_entries_and_groups_lead_to_other_servers(engine):
    """With a copy, without one, by a group; a forward to a domain that is here is not lost, but deferred."""
    message = messages.plain("forward@ldap.test")
    before = len(engine.ask("queue", "list"))
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, ["far@ldap.test"], message.data)[0] == 250
        assert rcpt(session, "nils@ldap.test")[0] == 451
    assert sorted(row["rcpt_to"] for row in engine.ask("queue", "list")[before:]) == [
        "Guest@far.example", "Leon@far.example", "l@other.example", "mona@far.example"]
    for name, there in (("leon@ldap.test", True), ("erin@ldap.test", True), ("mona@ldap.test", False)):
        stored, _uids = inbox(engine.namespaces, name)
        assert any(b"forward@ldap.test" in data for data in stored.values()) == there, name


def test_known_recipients_cost_no_question(engine, servers):
    """Who is known is asked about once; who is not, again when that is forgotten."""
    _engine, main, _second = servers
    assert asked(engine, "frank@ldap.test")[0] == 250
    known = main.searches("frank@ldap.test")
    with Session(engine.namespaces) as session:
        for _ in range(2):
            assert rcpt(session, "newcomer@ldap.test")[0] == 550
        assert main.searches("newcomer@ldap.test") == 1
        for _ in range(20):
            assert rcpt(session, "frank@ldap.test")[0] == 250
    assert main.searches("frank@ldap.test") == known
    main.add(person("ldap", "newcomer"))
    wait_until(lambda: asked(engine, "newcomer@ldap.test")[0] == 250, 5, "the newcomer to be found")


def deliver(engine, recipient, ident):
    with Session(engine.namespaces) as session:
        assert session.transaction(SENDER, [recipient], messages.plain(ident).data)[0] == 250


def idents(engine, name):
    """The messages in somebody's inbox, by what `deliver` called them."""
    stored, _uids = inbox(engine.namespaces, name)
    return sorted(line.split(b"<")[1].split(b"@")[0].decode() for data in stored.values() for line in data.splitlines()
                  if line.lower().startswith(b"message-id:"))


def changed(unit, name, change, *lines):
    return "\n".join([f"dn: {name},ou={unit},{SUFFIX}", f"changetype: {change}", *lines]) + "\n"


def test_an_account_keeps_its_mailbox(engine, servers):
    """When address and name of its entry change; who gets the address then, or had it before, has another mailbox."""
    _engine, main, _second = servers
    main.add(person("ldap", "mover"), person("ldap", "leaver"), person("ldap", "heir"), user("switcher", mail="switcher@ad.test"))
    for name in ("mover@ldap.test", "leaver@ldap.test", "heir@ldap.test", "switcher@ad.test"):
        deliver(engine, name, f"{name.split('@')[0]}@mailbox.test")
    main.change(changed("ldap", "uid=mover", "modify", "replace: mail", "mail: moved@ldap.test"),
                changed("ldap", "uid=mover", "modrdn", "newrdn: uid=moved", "deleteoldrdn: 1"),
                changed("ad", "cn=switcher", "modify", "replace: mail", "mail: switched@ad.test"),
                changed("ad", "cn=switcher", "modrdn", "newrdn: cn=switched", "deleteoldrdn: 1"))
    deliver(engine, "moved@ldap.test", "later@mailbox.test")
    assert idents(engine, "moved@ldap.test") == ["later", "mover"]
    assert idents(engine, "switched@ad.test") == ["switcher"]
    main.add(person("ldap", "mover"))
    assert idents(engine, "mover@ldap.test") == []
    # The heir, who has a mailbox, gets the leaver's address: not what lies there.
    main.change(changed("ldap", "uid=leaver", "delete"),
                changed("ldap", "uid=heir", "modify", "replace: mail", "mail: leaver@ldap.test"))
    assert idents(engine, "leaver@ldap.test") == ["heir"]
    [line] = [line for line in engine.log_lines() if "leaver@ldap.test is somebody else's address now" in line]
    [left] = engine.ask("mailbox", "list", line.split(" is ")[-1].strip())
    assert left["size"] > 0


# ---- who logs in ----

LOGINS = [("erin@ldap.test", None), ("grace@ad.test", "grace.sam"), ("ivan@compare.test", None), ("judy@read.test", None),
          ("Erin@LDAP.Test", None)]


@pytest.mark.parametrize("name, short", LOGINS)
def test_logins(engine, name, short):
    """By bind, by comparison, by a hash that is read; in submission and POP3."""
    assert login(engine, name, PASSWORD) == (235, "235 2.7.0 authenticated")
    assert login(engine, name, "wrong") == (535, "535 5.7.8 authentication failed")
    assert pop3(engine, name, PASSWORD).startswith("+OK")
    assert pop3(engine, name, "wrong").startswith("-ERR [AUTH]")
    if short:
        assert login(engine, short, PASSWORD)[0] == 235


@pytest.mark.parametrize("name", ["nobody@ldap.test", "nobody", "gone@ldap.test", "heidi@ad.test", "nobody@compare.test",
                                  "nobody@read.test", "*", "erin)(uid=*", "erin", "alice@example.test", "erin@nowhere.test"])
def test_who_may_not_log_in_hears_the_same(engine, name):
    """Unknown, switched off, with an address that is another directory's; and what would be a filter."""
    assert login(engine, name, PASSWORD if name != "alice@example.test" else "wrong") == (535, "535 5.7.8 authentication failed")


@pytest.mark.parametrize("name", ["erin@ldap.test", "grace@ad.test", "ivan@compare.test", "judy@read.test"])
def test_an_empty_password_is_none(engine, name):
    """RFC 4513 section 5.1.2: to the server such a bind would be a success."""
    assert login(engine, name, "")[0] in (501, 535)
    with Session(engine.namespaces, port=SUBMISSION) as session:
        assert session.command("AUTH LOGIN")[0] == 334
        assert session.command(base64.b64encode(name.encode()).decode())[0] == 334
        assert session.command("")[0] in (501, 535)
    assert pop3(engine, name, "").startswith("-ERR")


def test_a_name_with_the_signs_of_a_filter(engine):
    assert login(engine, "odd*)(name", PASSWORD)[0] == 235
    assert login(engine, "odd*", PASSWORD)[0] == 535


def test_a_directory_has_no_say_about_the_domains_of_others(engine):
    """An entry that says that it is alice@example.test: its user does not get her mailbox."""
    assert login(engine, "thief", PASSWORD)[1].startswith("454 4.7.0 ")
    assert any("a domain that is not the directory's: cn=thief" in line for line in engine.log_lines())


@pytest.mark.needs("gsasl")
def test_scram_by_keys_of_the_directory(engine):
    for password in (PASSWORD, "wrong"):
        result = engine.namespaces.run("gsasl", "--smtp", "--no-starttls", "-m", "SCRAM-SHA-256", "-a", "judy@read.test", "-p", password,
                                       ENGINE_IPV4, str(SUBMISSION), data=b"", check=False)
        assert (b"\n235 " in b"\n" + result.stdout.replace(b"\r", b"")) == (password == PASSWORD), result.stdout


def test_what_an_account_may_send_as(engine):
    with Session(engine.namespaces, port=SUBMISSION) as session:
        assert session.command("AUTH PLAIN " + plain("erin@ldap.test", PASSWORD))[0] == 235
        for sender, code in (("erin@ldap.test", 250), ("e.smith@ldap.test", 250), ("team@ldap.test", 250), ("frank@ldap.test", 553),
                             ("grace@ad.test", 553), ("alice@example.test", 553), ("nobody@ldap.test", 553)):
            assert session.command(f"MAIL FROM:<{sender}>")[0] == code, sender
            session.command("RSET")
    with Session(engine.namespaces, port=SUBMISSION) as session:
        assert session.command("AUTH PLAIN " + plain("judy@read.test", PASSWORD))[0] == 235
        for sender, code in (("judy@read.test", 250), ("office@read.test", 250), ("anything@read.test", 250), ("x@ldap.test", 553)):
            assert session.command(f"MAIL FROM:<{sender}>")[0] == code, sender
            session.command("RSET")


# ---- servers that are not there ----

def others_go_on(engine, seconds=0.5):
    """Sessions of the configuration's own accounts take as long as ever."""
    began = time.monotonic()
    assert asked(engine, "alice@example.test")[0] == 250
    assert login(engine, "alice@example.test", PASSWORD)[0] == 235
    assert time.monotonic() - began < seconds


def test_a_certificate_of_somebody_else(engine):
    """Neither ldaps nor StartTLS goes on; and that says nothing about who is there."""
    assert asked(engine, "erin@strange.test")[1].startswith("451 4.4.3 ")
    assert login(engine, "erin@strange.test", PASSWORD)[1].startswith("454 4.7.0 ")
    assert any("is away" in line and "ldaps://" in line for line in engine.log_lines())


def test_a_server_that_is_stopped(engine, servers):
    _engine, main, second = servers
    assert asked(engine, "user0@away.test")[0] == 250
    second.stop()
    try:
        assert asked(engine, "user1@away.test")[1].startswith("451 4.4.3 ")
        assert asked(engine, "nobody1@away.test")[1].startswith("451 4.4.3 ")
        assert asked(engine, "user0@away.test")[0] == 250, "it was known before"
        for name in ("user1@away.test", "nobody1@away.test"):
            assert login(engine, name, PASSWORD)[1].startswith("454 4.7.0 ")
            assert pop3(engine, name, PASSWORD).startswith("-ERR [SYS/TEMP]")
        others_go_on(engine)
        # The other server of a pair takes over.
        assert asked(engine, "user1@pair.test")[0] == 250
        assert login(engine, "user1@pair.test", PASSWORD)[0] == 235
        assert asked(engine, "nobody1@pair.test")[0] == 550
        assert main.searches("user1@pair.test")
    finally:
        second.start()
    wait_until(lambda: asked(engine, "user1@away.test")[0] == 250, 5, "the server to be used again")
    assert asked(engine, "nobody1@away.test")[0] == 550
    assert login(engine, "user1@away.test", PASSWORD)[0] == 235
    # And the first of the pair is asked again.
    wait_until(lambda: login(engine, "user2@pair.test", PASSWORD)[0] == 235 and second.searches("user2@pair.test"), 5, "the first server")


def test_a_server_that_says_nothing(engine, servers):
    """It takes connections and does not answer: each question waits once, nobody else does."""
    _engine, _main, second = servers
    assert asked(engine, "user3@away.test")[0] == 250
    assert login(engine, "user3@away.test", PASSWORD)[0] == 235
    second.pause()
    try:
        with Session(engine.namespaces) as waiting:
            waiting.command(f"MAIL FROM:<{SENDER}>")
            waiting.send(b"RCPT TO:<user4@away.test>\r\n")
            others_go_on(engine)
            assert waiting.reply()[1].startswith("451 4.4.3 ")
        began = time.monotonic()
        assert asked(engine, "nobody4@away.test")[1].startswith("451 4.4.3 ")
        assert login(engine, "user4@away.test", PASSWORD)[1].startswith("454 4.7.0 ")
        assert time.monotonic() - began < 1.0, "it counts as away, so nobody waits for it"
        assert asked(engine, "user4@pair.test")[0] == 250
    finally:
        second.go_on()
    wait_until(lambda: asked(engine, "user4@away.test")[0] == 250, 5, "the server to be used again")
    assert asked(engine, "nobody4@away.test")[0] == 550
    assert login(engine, "user4@away.test", PASSWORD)[0] == 235


# ---- mistakes ----

def checked(engine, file, **changes):
    """What `wirepost check` says of a configuration with these changes in its first directory."""
    file.write_text(yaml_text({**engine.settings, "ldap": [{**engine.settings["ldap"][0], **changes}]}) + "\n")
    result = run(binary(), "check", "-c", file, check=False)
    assert result.returncode != 0
    return result.stderr.decode()


def test_check_names_mistakes(engine, tmp_path):
    file, empty, none = tmp_path / "wirepost.yaml", tmp_path / "empty", tmp_path / "none"
    empty.write_text("")
    said = checked(engine, file, servers=["http://x"], address_filter="(mail=%s", bind_dn="", disabled=["locked"])
    for option in ("servers", "address_filter", "bind_dn", "disabled"):
        assert f"ldap[].{option}" in said
    for missing in (none, empty):
        said = checked(engine, file, ca=str(missing), bind_password=str(missing))
        assert "ldap[].ca" in said and "ldap[].bind_password" in said
    assert "ldap[].authentication" in checked(engine, file, authentication="guess")


def test_a_reload_asks_other_servers(engine, servers):
    """The configuration is changed while sessions are open; what is wrong leaves the old one in force."""
    _engine, main, _second = servers
    before = engine.settings["ldap"]
    try:
        engine.settings["ldap"] = [{**item, "ca": "/nonexistent"} for item in before]
        engine.write()
        assert engine.ctl("reload", check=False).returncode != 0
        assert login(engine, "erin@ldap.test", PASSWORD)[0] == 235
        engine.settings["ldap"] = [{**item, "servers": [main.local]} for item in before]
        engine.write()
        engine.ctl("reload")
        assert login(engine, "erin@ldap.test", PASSWORD)[0] == 235
        assert asked(engine, "erin@strange.test")[0] == 250
    finally:
        engine.settings["ldap"] = before
        engine.write()
        engine.ctl("reload")
    assert login(engine, "erin@ldap.test", PASSWORD)[0] == 235


# ---- whether time tells who exists ----

def apart(known, unknown):
    """How far two samples are from being of one distribution: z of Mann and Whitney, ties share their rank."""
    values = sorted([(value, True) for value in known] + [(value, False) for value in unknown])
    ranks = ties = start = 0
    while start < len(values):
        end = start
        while end < len(values) and values[end][0] == values[start][0]:
            end += 1
        ranks += sum(is_known for _value, is_known in values[start:end]) * (start + 1 + end) / 2
        ties += (end - start) ** 3 - (end - start)
        start = end
    total, pairs = len(values), len(known) * len(unknown)
    variance = pairs / 12 * (total + 1 - ties / (total * (total - 1)))
    return (ranks - len(known) * (total + 1) / 2) / variance ** 0.5


def try_wrongly(session, mechanism, name):
    """A login that is wrong. What is said, without what is the client's own or its salt."""
    def octets(text):
        return base64.b64encode(text.encode()).decode()

    if mechanism == "PLAIN":
        return [session.command("AUTH PLAIN " + plain(name, "wrong"))]
    if mechanism == "LOGIN":
        return [session.command("AUTH LOGIN " + octets(name)), session.command(octets("wrong"))]
    code, text = session.command("AUTH SCRAM-SHA-256 " + octets(f"n,,n={name},r=abc"))
    first = base64.b64decode(text.split()[-1]).decode()
    nonce, salt, iterations = (part[2:] for part in first.split(","))
    last = session.command(octets(f"c=biws,r={nonce},p=" + octets("0" * 32)))
    return [(code, len(nonce), len(salt), iterations), last]


@pytest.mark.parametrize("tries", [12, pytest.param(10000, marks=pytest.mark.long)])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_neither_words_nor_time_tell_who_exists(engine, mechanism, tries):
    """So many tries with a name that an entry has and with names that none has, in turns of a random order, over the wire."""
    engine.settings.update(limits={"ban": {"failures": "none"}, "address": {"errors": "none"}, "network": {"errors": "none"}},
                           pop3={**engine.settings["pop3"], "failure_delay": "0s"})
    engine.write()
    engine.ctl("reload")
    times, said = {True: [], False: []}, {True: set(), False: set()}
    turns = [known for _ in range(tries) for known in random.sample((True, False), 2)]
    for start in range(0, len(turns), 8):
        with Session(engine.namespaces, port=SUBMISSION) as session:
            session.command("EHLO client.test")
            for known in turns[start:start + 8]:
                name = "frank@ldap.test" if known else f"fran{random.choice('abcdefg')}@ldap.test"
                began = time.perf_counter()
                said[known].update(try_wrongly(session, mechanism, name))
                times[known].append(time.perf_counter() - began)
    assert said[True] == said[False] and any("535" in str(answer) for answer in said[True])
    z = apart(times[True], times[False])
    print(f"{mechanism}: {tries} tries each, medians {sorted(times[True])[tries // 2] * 1e3:.3f} and "
          f"{sorted(times[False])[tries // 2] * 1e3:.3f} ms, z {z:.2f}")
    assert abs(z) < 4
