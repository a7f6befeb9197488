# SPDX-License-Identifier: BSD-3-Clause
"""Provisioning over HTTP: docs/api.md, and docs/openapi.yaml held against the server."""

import json
import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab import ROOT, api as lab_api
from lab.api import JSON, LINES, Api, token
from lab.certificates import Authority
from lab.commands import CommandFailed, run, wait_until
from lab.engine import PASSWORD, binary, crypt, merged, yaml_text
from lab.namespaces import inside
from lab.smtp import Session

SECURE = 8443
BEYOND = "198.18.99.1"  # an address of the machine's own that is not loopback
MERGE = "application/merge-patch+json"
SETTINGS = {
    "directory": {"backends": ["yaml", "store"], "time_to_live_absent": "30s"},
    "pop3": {"failure_delay": "1s", "failure_delay_max": "1s"},
    "limits": {"ban": {"failures": 3}, "networks": [{"network": "198.18.7.0/24", "trusted": True}]},
    "api": {"listeners": [{"address": "127.0.0.1", "port": 8025}, {"address": BEYOND, "port": 8026, "allow_cleartext": True}], "connections": 64, "connections_address": 48,
            "request_timeout": "2s", "idle_timeout": "4s", "body_size": "16KiB", "import_size": "2MiB"},
}
ROLES = ("admin", "domain", "reader", "password")
ANNA = "/v1/accounts/anna@api.test"


@pytest.fixture(scope="module")
def engine(shared_bench):
    engine = shared_bench(changes=SETTINGS, started=False, prepare=lambda namespaces: run(
        "ip", "-n", namespaces.engine, "address", "add", f"{BEYOND}/32", "dev", "lo"))
    authority = Authority(engine.directory / "certificates")
    files = authority.sign("api", "localhost")
    engine.settings["api"]["listeners"].append({"address": "127.0.0.1", "port": SECURE, **files})
    engine.authority = authority
    engine.write()
    return engine.start()


@pytest.fixture(scope="module")
def tokens(engine):
    own = {"domain": ["domain=api.test", "domain=more.test"]}
    return {role: token(engine, f"the-{role}", role, *own.get(role, [])) for role in ROLES}


@pytest.fixture(scope="module")
def api(engine, tokens):
    client = Api(engine.namespaces.engine)
    for domain in ("api.test", "more.test", "other.test", "empty.test"):
        assert client("PUT", f"/v1/domains/{domain}", tokens["admin"], {}).status == 201
    for address in ("anna@api.test", "omar@other.test"):
        assert client("PUT", f"/v1/accounts/{address}", tokens["admin"], {"password": PASSWORD}).status == 201
    assert client("PUT", "/v1/aliases/sales@api.test", tokens["admin"], {"members": ["anna@api.test"]}).status == 201
    return client


def rcpt(engine, address):
    with Session(engine.namespaces) as session:
        session.command("EHLO client.test")
        session.command("MAIL FROM:<sender@client.test>")
        return session.command(f"RCPT TO:<{address}>")[0]


# ---- what it is for ----

def test_an_account_lives(engine, api, tokens):
    admin, path = tokens["admin"], "/v1/accounts/Lena@api.test"
    assert rcpt(engine, "lena@api.test") == 550
    made = api("PUT", path, admin, {"password": PASSWORD, "quota": 1048576, "send_as": ["office@api.test", "@api.test"]})
    assert made.status == 201 and made.json == {
        "address": "lena@api.test", "login": True, "quota": 1048576, "send_as": ["office@api.test", "@api.test"],
        "forward": [], "keep_copy": True, "credentials": {"method": "$y$", "scram_sha_256": True}}
    assert rcpt(engine, "lena@api.test") == 250
    assert api("GET", path, admin).tag == made.tag
    forward = api("PATCH", path, admin, {"forward": ["lena@far.example"], "keep_copy": False}).json
    assert (forward["forward"], forward["keep_copy"]) == (["lena@far.example"], False)
    changed = api("PATCH", path, admin, {"quota": None, "login": False}, type=MERGE)
    assert changed.json["quota"] is None and not changed.json["login"] and changed.json["send_as"] and changed.tag != made.tag
    whole = api("PUT", path, admin, {"quota": 0})
    assert whole.status == 200 and whole.json["quota"] == 0 and whole.json["login"] and whole.json["send_as"] == [] == whole.json["forward"]
    assert whole.json["credentials"]["method"] == "$y$", "the password stays"
    put = api("PUT", path, admin, {"hash": crypt(PASSWORD)})
    assert put.json["credentials"] == {"method": "$6$", "scram_sha_256": False}
    new = api("PUT", path + "/password", tokens["password"], {"password": "another"})
    assert new.status == 204 and new.tag == api("GET", path, admin).tag != put.tag
    assert api("DELETE", path, admin).status == 204 and api("DELETE", path, admin).status == 404
    assert rcpt(engine, "lena@api.test") == 550


def test_a_domain_and_an_alias_live(engine, api, tokens):
    admin = tokens["admin"]
    body = {"class": "local", "tenant": "someone", "catch_all": "anna@api.test", "detail_separator": "+", "greylist": False,
            "quarantine_score": 7.5, "reject_score": None}
    made = api("PUT", "/v1/domains/B%C3%BCcher.test", admin, body)
    assert made.status == 201 and made.json == {"domain": "xn--bcher-kva.test", **body}
    assert api("PUT", "/v1/domains/xn--bcher-kva.test", admin, {}).json["tenant"] == "default"
    assert api("PATCH", "/v1/domains/xn--bcher-kva.test", admin, {"reject_score": 12}).json["reject_score"] == 12.0
    assert api("DELETE", "/v1/domains/xn--bcher-kva.test", admin).status == 204
    members = ["anna@api.test", "sales@api.test", "alice@example.test"]
    assert api("PUT", "/v1/aliases/all@api.test", admin, {"members": members, "forward": ["x@far.example"]}).json == {
        "alias": "all@api.test", "members": members, "forward": ["x@far.example"]}
    assert rcpt(engine, "all@api.test") == 250
    assert api("DELETE", "/v1/aliases/all@api.test", admin).status == 204
    assert rcpt(engine, "all@api.test") == 550


def test_what_was_lost_before(api, tokens):
    """Two who change one entry: the second is told (RFC 9110 section 13.1)."""
    admin = tokens["admin"]
    first = api("GET", ANNA, admin).tag
    assert api("GET", ANNA, admin, If_None_Match=first).status == 304
    second = api("PATCH", ANNA, admin, {"quota": 5}, If_Match=f'"no", {first}').tag
    assert api("PATCH", ANNA, admin, {"quota": 6}, If_Match=first).status == 412
    assert api("PATCH", ANNA, admin, {"quota": 6}, If_Match=f"W/{second}").status == 412, "compared strongly"
    assert api("DELETE", ANNA, admin, If_Match=first).status == 412
    assert api("PUT", ANNA, admin, {}, If_None_Match="*").status == 412
    assert api("PUT", "/v1/accounts/none@api.test", admin, {}, If_Match="*").status == 412
    assert api("PUT", ANNA, admin, {"quota": 7}, If_Match="*").status == 200
    bodies = [{"quota": n} for n in range(10, 18)]
    tag = api("GET", ANNA, admin).tag
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda body: api("PATCH", ANNA, admin, body, If_Match=tag).status, bodies))
    assert codes == [200] + [412] * 7, "one of eight at once"


def pages(api, path, key, **options):
    names, cursor = [], ""
    while cursor is not None:
        page = api("GET", f"{path}&cursor={cursor}" if cursor else path, **options).json
        names += [item[key] for item in page["items"]]
        cursor = page["next"]
    return names


def test_lists_come_in_pages(api, tokens):
    text = "".join(json.dumps({"address": f"user{n:03d}@more.test"}) + "\n" for n in range(250))
    assert api("POST", "/v1/accounts", tokens["admin"], text.encode(), type=LINES).lines == [
        {"accounts": 250, "refused": 0, "lines": 250, "stopped": False}]
    wanted = [f"user{n:03d}@more.test" for n in range(250)]
    for limit in (1000, 250, 249, 7):
        assert pages(api, f"/v1/accounts?domain=more.test&limit={limit}", "address", token=tokens["reader"]) == wanted
    seen = pages(api, "/v1/accounts?limit=100", "address", token=tokens["domain"])
    assert seen == sorted([*wanted, "anna@api.test"]), "of its own domains alone"
    assert pages(api, "/v1/domains?limit=1", "domain", token=tokens["domain"]) == ["api.test", "more.test"]
    assert pages(api, "/v1/aliases?limit=1", "alias", token=tokens["reader"]) == ["sales@api.test"]
    assert api("GET", "/v1/accounts?domain=other.test", tokens["domain"]).status == 403


def test_an_import_tells_each_line_that_it_refuses(api, tokens):
    rows = [b'{"address": "i1@api.test", "hash": "%s", "quota": 5}' % crypt(PASSWORD).encode(), b"", b"not JSON",
            b'{"address": "i2@api.test", "unknown": 1}', b'{"address": "i3@api.test", "quota": 1, "quota": 2}',
            b'{"address": "i4@nowhere.test"}', b'{"address": "i5@other.test"}', b'{"address": "alice@example.test"}',
            b'{"address": "i6@api.test", "send_as": ["boss@other.test"]}', b'{"address": "i7@api.test", "quota": 99999999999999999999}',
            b'{"address": "i8@api.test", "password": "%s"}' % (b"x" * 70000), b'{"address": "i9@api.test", "hash": "!!"}',
            b'{"address": "\xff@api.test"}', b"[" * 30000, b'{"address": "last@api.test", "password": "secret"}']
    answer = api("POST", "/v1/accounts", tokens["domain"], b"\n".join(rows), type=LINES)
    *told, total = answer.lines
    assert [row["line"] for row in told] == list(range(3, 15))
    assert total == {"accounts": 2, "refused": 12, "lines": 15, "stopped": False}
    assert told[4]["address"] == "i5@other.test" and "may not be named" in told[4]["error"]
    assert api("GET", "/v1/accounts/last@api.test", tokens["domain"]).json["credentials"]["method"] == "$y$"
    assert api("GET", "/v1/accounts/i1@api.test", tokens["domain"]).json["quota"] == 5
    endless = b"[]\n" * 12000
    assert api("POST", "/v1/accounts", tokens["admin"], endless, type=LINES, checked=False).lines[-1] == {
        "accounts": 0, "refused": 10000, "lines": 10240, "stopped": True}


def test_the_audit_log_says_who(engine, api, tokens):
    last = (engine.ask("audit") or [{"sequence": 0}])[-1]["sequence"]
    admin, path = tokens["admin"], "/v1/accounts/seen@api.test"
    api("PUT", path, admin, {"password": PASSWORD})
    api("PATCH", path, admin, {"login": False, "quota": 1})
    api("PUT", path + "/password", tokens["password"], {"password": "p"})
    api("PATCH", path, admin, {"quota": 1}, If_Match='"x"')
    api("DELETE", path, tokens["domain"])
    api("PUT", "/v1/domains/audit.test", admin, {})
    api("PUT", "/v1/aliases/one@audit.test", admin, {"members": ["anna@api.test"]})
    api("PUT", "/v1/aliases/one@audit.test", admin, {"members": ["anna@api.test"]})
    api("DELETE", "/v1/aliases/one@audit.test", admin)
    api("PATCH", "/v1/domains/audit.test", admin, {"tenant": "t"})
    api("DELETE", "/v1/domains/audit.test", admin)
    api("POST", "/v1/accounts", admin, b'{"address": "seen@api.test"}\n', type=LINES)
    token(engine, "short", "reader", "expires=1s")
    engine.ask("token", "delete", "short")
    rows = engine.ask("audit", str(last))
    assert [(row["action"], row["who"], row["address"]) for row in rows] == [
        ("account add", "the-admin", "seen@api.test"), ("account set", "the-admin", "seen@api.test"),
        ("account password", "the-password", "seen@api.test"), ("account delete", "the-domain", "seen@api.test"),
        ("domain add", "the-admin", "audit.test"), ("alias add", "the-admin", "one@audit.test"),
        ("alias set", "the-admin", "one@audit.test"), ("alias delete", "the-admin", "one@audit.test"),
        ("domain set", "the-admin", "audit.test"), ("domain delete", "the-admin", "audit.test"),
        ("account import", "the-admin", ""), ("token add", "operator", "short"), ("token delete", "operator", "short")]
    assert rows[1]["why"] == "PATCH over HTTP from 127.0.0.1: quota, login"
    for method, path in (("PUT", "/192.0.2.7"), ("DELETE", "/192.0.2.7"), ("DELETE", "")):
        assert api(method, f"/v1/bans{path}", admin, {} if method == "PUT" else None).status in (200, 204)
    assert [(row["action"], row["who"]) for row in engine.ask("audit", str(rows[-1]["sequence"]))] == [
        (action, "the-admin") for action in ("ban", "unban", "unban-all")]


def test_tokens_come_and_go(engine, api):
    secret = token(engine, "fleeting", "reader")
    assert api("GET", "/v1/domains", secret).status == 200
    assert secret not in json.dumps(engine.ask("token", "list")) and b"fleeting" in engine.ctl("token", "list").stdout
    with pytest.raises(CommandFailed):
        token(engine, "fleeting", "admin")
    engine.ask("token", "delete", "fleeting")
    assert api("GET", "/v1/domains", secret).status == 401
    for words in (("role=chief",), ("role=domain",), ("role=admin", "domain=a.test"), ("role=reader", "x=y")):
        assert engine.ctl("token", "add", "wrong", *words, check=False).returncode != 0
    engine.ask("token", "add", "brief", "role=reader", "expires=1s")
    files = b"".join(path.read_bytes() for path in (engine.directory / "store").glob("*.log"))
    assert b"fleeting" in files and secret.partition(".")[2].encode() not in files


# ---- roles ----

def subjects(operation):
    """Its path for what belongs to the domain of the token of role `domain`, and for what does not."""
    return [operation.path.format(domain=domain, address=f"nobody@{domain}", network="203.0.113.9")
            for domain in ("api.test", "other.test")]


@pytest.mark.parametrize("operation", lab_api.operations(), ids=lambda operation: operation.name)
def test_each_role_may_what_the_table_says(api, tokens, operation):
    own, others = subjects(operation)
    for role in ROLES:
        # Judged before the body is looked at, which is of a type that no operation takes.
        def status(path):
            return api(operation.method, path, tokens[role], b"", type="text/plain", checked=False, If_Match='"none"').status
        allowed = role in operation.roles or not operation.roles
        if operation.name in ("BAN_CLEAR", "BAN_LIST", "STATUS", "HEALTH"):
            assert (status(own) == 200) == allowed, role
        else:
            assert (status(own) != 403) == allowed, role
        if allowed and role == "domain" and "{" in operation.path:
            body = {"password": "x"} if "password" in operation.path else {"members": ["anna@api.test"]} if "alias" in operation.path else {}
            assert api(operation.method, others, tokens[role], None if operation.method in ("GET", "DELETE") else body).status == 403
    if operation.roles:
        assert api(operation.method, own).status == 401


def test_who_has_a_domain_names_no_other(api, tokens):
    mine = tokens["domain"]
    assert api("PATCH", ANNA, mine, {"send_as": ["omar@other.test"]}).status == 403
    assert api("PATCH", ANNA, mine, {"send_as": ["@other.test"]}).status == 403
    assert api("PUT", "/v1/aliases/a@api.test", mine, {"members": ["omar@other.test"]}).status == 403
    assert api("GET", ANNA, mine).json["send_as"] == []
    assert api("GET", "/v1/domains/other.test", mine).status == 403


def test_the_table_in_the_code_is_the_one_in_the_specification():
    letters = {"A": "admin", "D": "domain", "R": "reader", "P": "password"}
    rows = re.findall(r'^API_ROUTE\((\w+), (\w+), "([^"]+)", ([^)]+)\)', (ROOT / "control/api/api_route.def").read_text(), re.M)
    code = {(name, method, path, tuple(letters[each] for each in roles.split(" | ") if each in letters)) for name, method, path, roles in rows}
    assert code == {(o.name, o.method, o.path, o.roles) for o in lab_api.operations()}


# ---- what is refused ----

@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/", None, 404), ("GET", "/v1", None, 404), ("GET", "/v1/accounts/", None, 404), ("GET", "//v1/accounts", None, 404),
    ("GET", "/v1/../etc/passwd", None, 404), ("GET", "/v1/accounts/../domains", None, 404), ("GET", "/v1/domains/..", None, 400),
    ("GET", "/v1/accounts/..%2F..%2Fetc@api.test", None, 400), ("GET", "/v1/accounts/a%2Fb@api.test", None, 404),
    ("GET", "/v1/accounts/anna%40api.test", None, 200), ("GET", "/v1/accounts/anna%2540api.test", None, 400),
    ("GET", "/v1/accounts/anna@api.test%00", None, 400), ("GET", "/v1/accounts/anna@api.test%0d%0aX:%20y", None, 400),
    ("GET", "/v1/accounts/%C0%AFanna@api.test", None, 400), ("GET", "/v1/accounts/anna@api.test%2", None, 400),
    ("GET", "/v1/accounts/" + "a" * 400 + "@api.test", None, 400), ("GET", "/v1/%61ccounts/anna@api.test", None, 404),
    ("GET", "/v1/accounts?limit=0", None, 400), ("GET", "/v1/accounts?limit=1001", None, 400), ("GET", "/v1/accounts?limit=1&limit=2", None, 400),
    ("GET", "/v1/accounts?cursor=zz", None, 400), ("GET", "/v1/accounts?cursor=" + "61" * 400, None, 400), ("GET", "/v1/accounts?x=1", None, 400),
    ("GET", ANNA + "?limit=1", None, 400), ("POST", ANNA, {}, 405), ("TRACE", ANNA, None, 405), ("OPTIONS", "/v1/accounts", None, 405),
    ("PATCH", ANNA, b"", 400), ("PATCH", ANNA, b"[]", 400), ("PATCH", ANNA, b'{"quota": 1} x', 400), ("PATCH", ANNA, b'{"quota": 1, "quota": 2}', 400),
    ("PATCH", ANNA, b"[" * 9000, 400), ("PATCH", ANNA, b'{"quota":' * 1500, 400), ("PATCH", ANNA, b'{"quota": "\xff"}', 400),
    ("PATCH", ANNA, b'{"send_as": ["a\\u0000b@api.test"]}', 400), ("PATCH", ANNA, b'{"quota": 99999999999999999999999}', 400),
    ("PATCH", ANNA, {"quota": -1}, 422), ("PATCH", ANNA, {"quota": 1.5}, 422), ("PATCH", ANNA, {"quota": 1 << 62}, 422),
    ("PATCH", ANNA, {"quota": "5"}, 422), ("PATCH", ANNA, {"login": 1}, 422), ("PATCH", ANNA, {"address": "b@api.test"}, 422),
    ("PATCH", ANNA, {"send_as": ["x"]}, 422), ("PATCH", ANNA, {"send_as": "a@b"}, 422), ("PATCH", ANNA, {"send_as": ["a@api.test"] * 101}, 422),
    ("PATCH", ANNA, {"send_as": ["@api.test\r\nX: y"]}, 422), ("PATCH", ANNA, {"password": ""}, 422), ("PATCH", ANNA, {"password": "x" * 513}, 422),
    ("PATCH", ANNA, {"password": "x", "hash": "$6$x$y"}, 422), ("PATCH", ANNA, {"scram_sha_256": "x"}, 422), ("PATCH", ANNA, {"hash": "!!"}, 422),
    ("PUT", ANNA + "/password", {}, 422), ("PUT", ANNA + "/password", {"password": ""}, 422), ("PUT", ANNA + "/password", {"password": "x", "quota": 1}, 422),
    ("PATCH", "/v1/domains/api.test", b'{"reject_score": 1e999}', 400), ("PATCH", "/v1/domains/api.test", {"reject_score": 1e300}, 422),
    ("PATCH", "/v1/domains/api.test", {"detail_separator": "@"}, 422), ("PATCH", "/v1/domains/api.test", {"tenant": ""}, 422),
    ("PATCH", "/v1/domains/api.test", {"class": "relay"}, 422), ("PUT", "/v1/aliases/x@api.test", {"members": []}, 422),
    ("PUT", "/v1/aliases/x@api.test", {"members": ["nobody@api.test"]}, 422), ("PUT", "/v1/aliases/x@api.test", {"members": ["x@api.test"]}, 422),
    ("PUT", "/v1/bans/203.0.113.0%2F24", {"for": "never"}, 422), ("PUT", "/v1/bans/nowhere", {}, 422), ("PUT", "/v1/bans/203.0.113.0/24", {}, 404),
])
def test_refused(api, tokens, method, path, body, status):
    before = api("GET", ANNA, tokens["admin"]).data
    answer = api(method, path, tokens["admin"], body, checked=False)
    assert answer.status == status, answer.data
    if status >= 400:
        lab_api.check(answer.json, lab_api.specification()["components"]["schemas"]["Problem"])
        assert answer.headers["content-type"] == "application/problem+json" and "x" not in answer.headers
    if status == 405:
        assert set(answer.headers["allow"].split(", ")) == {o.method for o in lab_api.operations() if o.matches(o.method, path)}
    assert api("GET", ANNA, tokens["admin"]).data == before


def announced(api, secret, length):
    """An import of that length, refused before any of it is sent."""
    connection = api.connect()
    connection.putrequest("POST", "/v1/accounts")
    for name, value in (("Authorization", f"Bearer {secret}"), ("Content-Type", LINES), ("Content-Length", str(length))):
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    answer = lab_api.Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    connection.close()
    api.hold("POST", "/v1/accounts", answer)
    return answer


def provoke(api, tokens, operation, status):
    """A request to the operation that is to have this status."""
    name, (path, _) = operation.name, subjects(operation)
    subject = {"DOMAIN": "/v1/domains/api.test", "ACCOUNT": ANNA, "ALIAS": "/v1/aliases/sales@api.test", "BAN": path}.get(name.split("_")[0])
    body = {"PASSWORD": {"password": PASSWORD}, "ALIAS": {"members": ["anna@api.test"]}}.get(
        "PASSWORD" if name == "ACCOUNT_PASSWORD" else name.split("_")[0], {}) if operation.method in ("PUT", "PATCH") else None
    there = subject + ("/password" if name == "ACCOUNT_PASSWORD" else "") if "{" in operation.path else path
    kind, headers, secret = JSON, {}, tokens["admin"]
    if name == "ACCOUNT_IMPORT":
        body, kind = b"", LINES
    if status == 400:
        path = re.sub(r"\{\w+\}", "%zz", operation.path) if "{" in operation.path else path + "?limit=x"
    elif status in (401, 429):
        secret = None if status == 401 else "wrong.token"
    elif status == 403:
        secret = tokens["reader" if name == "ACCOUNT_PASSWORD" else "password"]
    elif status == 409:
        path = {"DOMAIN_PUT": "/v1/domains/example.test", "DOMAIN_PATCH": "/v1/domains/example.test", "DOMAIN_DELETE": there,
                "ALIAS_PUT": "/v1/aliases/anna@api.test", "BAN_PUT": "/v1/bans/198.18.7.7"}.get(name, path.replace("nobody@api.test", "alice@example.test"))
    elif status == 412:
        path, headers = "/v1/domains/empty.test" if name == "DOMAIN_DELETE" else there, {"If_Match": '"0"'}
    elif status == 413:
        if name == "ACCOUNT_IMPORT":
            return announced(api, secret, 3 << 20)
        body = b" " * 20000
    elif status == 415:
        kind, body = "text/plain", b"x"
    elif status == 422:
        path, body = path.replace("203.0.113.9", "nowhere"), None if body is None else {"unknown": 1}
    elif status == 304:
        path, headers = there, {"If_None_Match": "*"}
    elif status == 201:
        path = path.replace("api.test", "fresh.test") if name == "DOMAIN_PUT" else path.replace("nobody", "fresh" if name == "ACCOUNT_PUT" else "new")
    elif status in (200, 204):
        path = {"DOMAIN_DELETE": "/v1/domains/fresh.test", "ACCOUNT_DELETE": "/v1/accounts/fresh@api.test",
                "ALIAS_DELETE": "/v1/aliases/new@api.test"}.get(name, there)
    if status == 404 and name.startswith("DOMAIN"):
        path = "/v1/domains/nowhere.test"
    return api(operation.method, path, secret, body, type=kind, checked=status != 413, **headers)


def test_every_status_of_the_specification_is_met(engine, api, tokens):
    wanted = {(operation, status) for operation in lab_api.operations() for status in operation.statuses()}
    order = [201, 200, 204, 304, 400, 401, 403, 404, 409, 412, 413, 415, 422]
    for status in order:
        # What others need is deleted last, and bans are put before they are let in.
        for operation in sorted((o for o, s in wanted if s == status), key=lambda o: ("DELETE" in o.name or "CLEAR" in o.name, o.name)):
            if (operation.name, status) == ("ACCOUNT_IMPORT", 409):
                continue
            if (operation.name, status) == ("BAN_DELETE", 204):
                api("PUT", subjects(operation)[0], tokens["admin"], {})
            answer = provoke(api, tokens, operation, status)
            assert answer.status == status, f"{operation.name}: {answer.status} {answer.data!r}, not {status}"
            api.met.add((operation.name, status))
    met_conflict_of_imports(engine, api, tokens)
    met_throttling(api, tokens, [operation for operation, status in wanted if status == 429])
    assert {(operation.name, status) for operation, status in wanted} - api.met == {("HEALTH", 503)}, "which drains: the last test here"


def met_conflict_of_imports(engine, api, tokens):
    engine.settings["directory"]["backends"] = ["yaml"]
    engine.write()
    engine.ctl("reload")
    assert api("POST", "/v1/accounts", tokens["admin"], b'{"address": "x@api.test"}\n', type=LINES).json["accounts"] == 0
    assert api("PUT", ANNA, tokens["admin"], {}).status == 409
    engine.settings["directory"]["backends"] = ["yaml", "store"]
    engine.write()
    engine.ctl("reload")


def met_throttling(api, tokens, throttled):
    """Wrong tokens of an address wait for each other; with more than it may owe they are not judged. Right ones are."""
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(api, "GET", "/v1/domains", "the-admin.0") for _ in range(3)]
        time.sleep(0.3)
        for operation in throttled:
            assert provoke(api, tokens, operation, 429).status == 429, operation.name
        assert api("GET", "/v1/domains", tokens["reader"]).status == 200
        assert sorted(each.result().status for each in slow) in ([401, 401, 429], [401, 429, 429], [401, 401, 401])
    assert time.monotonic() - began >= 1
    names = api("GET", "/v1/status", tokens["reader"])
    assert names.status == 200


# ---- the way ----

def test_tls(engine, api, tokens):
    secure = Api(engine.namespaces.engine, SECURE, trust=engine.authority.file)
    assert secure("GET", ANNA, tokens["reader"]).data == api("GET", ANNA, tokens["reader"]).data
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert _offer(engine, version) == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    with pytest.raises(OSError):
        _offer(engine, ssl.TLSVersion.TLSv1_1)
    curl = run("ip", "netns", "exec", engine.namespaces.engine, "curl", "-sS", "--cacert", engine.authority.file, "--resolve",
               f"localhost:{SECURE}:127.0.0.1", "-H", f"Authorization: Bearer {tokens['reader']}", f"https://localhost:{SECURE}{ANNA}")
    assert json.loads(curl.stdout)["address"] == "anna@api.test"


def _offer(engine, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with inside(engine.namespaces.engine):
        plain = socket.create_connection(("127.0.0.1", SECURE), timeout=5)
    with plain, context.wrap_socket(plain) as connection:
        return connection.version()


def _serial(engine):
    context = ssl.create_default_context(cafile=engine.authority.file)
    context.check_hostname = False
    with inside(engine.namespaces.engine):
        plain = socket.create_connection(("127.0.0.1", SECURE), timeout=5)
    with plain, context.wrap_socket(plain) as connection:
        return connection.getpeercert()["serialNumber"]


def test_a_reload_takes_another_certificate(engine, tokens):
    """And lets a request under way end over the one before."""
    secure = Api(engine.namespaces.engine, SECURE, trust=engine.authority.file)
    before, kept = _serial(engine), secure.connect()
    assert secure("GET", ANNA, tokens["reader"], connection=kept).status == 200
    engine.authority.sign("api", "localhost")
    engine.ctl("reload")
    assert _serial(engine) != before
    assert secure("GET", ANNA, tokens["reader"], connection=kept).status == 200
    key = engine.directory / "certificates" / "api.key"
    text = key.read_text()
    key.write_text("no key\n")
    refused = engine.ctl("reload", check=False)
    assert refused.returncode != 0 and b"api.key" in refused.stderr
    key.write_text(text)
    assert secure("GET", ANNA, tokens["reader"]).status == 200
    engine.ctl("reload")


@pytest.mark.parametrize("listener, said", [
    ({"address": "0.0.0.0"}, "since the address is not loopback"),
    ({"address": "198.18.0.9", "certificate": "x.pem"}, "both a certificate and a key"),
    ({"certificate": "none.pem", "key": "none.key"}, "none.pem"),
    ({"port": 0}, "api.listeners[].port"), ({"tls": True}, "unknown option"),
    ({"address": "somewhere"}, "api.listeners[].address"),
])
def test_a_wrong_configuration_is_named(engine, tmp_path, listener, said):
    file = tmp_path / "wrong.yaml"
    settings = merged(engine.settings, {})
    settings["api"]["listeners"] = [listener]
    file.write_text(yaml_text(settings) + "\n")
    result = run(binary(), "check", "-c", file, check=False)
    assert result.returncode != 0 and said in (result.stdout + result.stderr).decode()


def _raw(engine, data, patience=10):
    """What comes for these bytes until the server closes, or is silent."""
    with inside(engine.namespaces.engine):
        connection = socket.create_connection(("127.0.0.1", 8025), timeout=patience)
    with connection:
        connection.sendall(data)
        answer = b""
        try:
            while more := connection.recv(65536):
                answer += more
        except OSError:
            pass
    return answer


@pytest.mark.long
def test_slow_and_many_clients(engine, api, tokens):
    """Those that dribble are ended, those that are too many refused, and one who is neither is served meanwhile."""
    dribbling = []
    with inside(engine.namespaces.engine):
        for n in range(30):
            dribbling.append(socket.create_connection(("127.0.0.1", 8025 if n % 2 else SECURE), timeout=10))
    began = time.monotonic()

    def dribble(connection):
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" if connection.getpeername()[1] == SECURE else \
            b"GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nX-Long: "
        try:
            for byte in hello + b"x" * 200:
                connection.sendall(bytes((byte,)))
                time.sleep(0.1)
            return False
        except OSError:
            return True
    with ThreadPoolExecutor(30) as pool:
        ended = [pool.submit(dribble, connection) for connection in dribbling]
        while not all(each.done() for each in ended):
            assert api("GET", ANNA, tokens["reader"]).status == 200
            time.sleep(0.05)
    assert all(each.result() for each in ended) and time.monotonic() - began < 6
    many = []
    with inside(engine.namespaces.engine):
        for _ in range(1000):
            many.append(socket.create_connection(("127.0.0.1", 8025), timeout=10))
    for connection in many:
        connection.close()
    wait_until(lambda: _serves(api, tokens), 10, "room for a connection")
    assert engine.ask("counters")["api_connections_late"] >= 30


def _serves(api, tokens):
    try:
        return api("GET", ANNA, tokens["reader"]).status == 200
    except OSError:
        return False


def test_odd_requests(engine, api, tokens):
    head = f"Host: localhost\r\nAuthorization: Bearer {tokens['admin']}\r\n".encode()
    body = b'{"quota": 3}'
    for request, status in [
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", (431, 413, 400)),
        (b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n", (414, 431, 400)),
        (b"PATCH %s HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n" % (ANNA.encode(), head), (400, 413)),
        (b"PATCH %s HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: -1\r\n\r\n" % (ANNA.encode(), head), (400, 413)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), (400,)),
        (b"GET %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (ANNA.encode(), head), (200,)),
        (b"PATCH %s HTTP/1.1\r\n%sConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
         % (ANNA.encode(), head, len(body), body), (200,)),
    ]:
        answer = _raw(engine, request, patience=5)
        assert not answer or int(answer.split()[1]) in status, answer[:200]
        assert answer or status[0] != 200
    assert api("GET", ANNA, tokens["admin"]).json["quota"] == 3
    assert announced(api, tokens["admin"], 1 << 40).status == 413
    assert api("GET", "/v1/health").status == 200


def test_an_address_that_tries_is_banned(engine, tokens):
    """Beyond loopback wrong tokens count as wrong passwords do."""
    beyond = Api(engine.namespaces.engine, port=8026, address=BEYOND)
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(lambda _: beyond("GET", "/v1/domains", "the-admin.0").status, range(3))) <= {401, 429}
    with pytest.raises(OSError):
        beyond("GET", "/v1/domains", tokens["admin"])
    assert [ban["network"] for ban in engine.ask("ban", "list")] == [f"{BEYOND}/32"]
    assert engine.ask("counters")["api_connections_banned"] >= 1
    engine.ask("ban", "clear")
    assert beyond("GET", "/v1/domains", tokens["admin"]).status == 200


@pytest.mark.long
def test_a_million_accounts(make_engine):
    """docs/api.md has what this prints (pytest -s)."""
    engine = make_engine(changes=merged(SETTINGS, {"api": {"import_size": "1GiB"}}))
    api, admin = Api(engine.namespaces.engine), token(engine, "bulk", "admin")
    api("PUT", "/v1/domains/many.test", admin, {})
    old = crypt(PASSWORD)
    text = b"".join(b'{"address":"user%d@many.test","hash":"%s"}\n' % (n, old.encode()) for n in range(1_000_000))
    began = time.monotonic()
    connection = api.connect(timeout=900)
    [total] = api("POST", "/v1/accounts", admin, text, type=LINES, connection=connection).lines
    seconds = time.monotonic() - began
    assert total == {"accounts": 1_000_000, "refused": 0, "lines": 1_000_000, "stopped": False}
    resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{engine.process.pid}/status").read())[1]) // 1024
    print(f"\nimport: {seconds:.1f} s, {1_000_000 / seconds:.0f} accounts/s; memory {resident} MiB")
    began, names = time.monotonic(), 0
    path = "/v1/accounts?limit=1000"
    connection = api.connect(timeout=900)
    cursor = ""
    while cursor is not None:
        page = api("GET", path + (f"&cursor={cursor}" if cursor else ""), admin, connection=connection, checked=False).json
        names, cursor = names + len(page["items"]), page["next"]
    assert names == 1_000_000
    print(f"listing all in pages of 1000: {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    for n in range(1000):
        assert api("PATCH", f"/v1/accounts/user{n}@many.test", admin, {"quota": n}, connection=connection, checked=False).status == 200
    print(f"1000 changes, one after the other: {(time.monotonic() - began):.2f} s")


def test_health_while_draining(engine, api, tokens):
    """The last one here: nobody is served after it."""
    engine.ask("drain", "1")
    assert api("GET", "/v1/health").status == 503
    assert api("GET", "/v1/status", tokens["reader"]).json["draining"]
