# SPDX-License-Identifier: BSD-3-Clause
"""Logins by token, against a provider that issues real ones: what is taken, what is refused, and what when it is away."""

import contextlib
import json
import time

import pytest
from lab.certificates import Authority
from lab.engine import HOSTNAME, PASSWORD, USERS, crypt
from lab.provider import CLIENT, SECRET, Key, Provider
from lab.sasl import Channel, bearer, say, scram_keys
from lab.smtp import Session

ALICE, BOB = "alice@example.test", "bob@example.test"
SUBMISSION, SUBMISSIONS, POP3S = 587, 465, 995
KEYS, ASKED = 8001, 8002  # ports of two providers
SCOPE = "mail.read"


class Scene:
    def __init__(self, shared_bench, directory):
        authority = Authority(directory)
        secret = directory / "secret"
        secret.write_text(SECRET + "\n")
        self.file = directory / "keys.json"
        self.filed = Key("ES256", "filed")
        self.file.write_text(json.dumps({"keys": [self.filed.jwk()]}))
        directory.chmod(0o755)
        common = {"audience": ["mail", "other"], "scope": [SCOPE]}
        self.engine = shared_bench(prepare=self._providers, changes={
            "listeners": [{"port": 25, "protocol": "smtp"},
                          {"port": SUBMISSION, "protocol": "submission", "tls": "starttls"},
                          {"port": SUBMISSIONS, "protocol": "submission", "tls": "implicit"},
                          {"port": POP3S, "protocol": "pop3", "tls": "implicit"}],
            "tls": {"certificates": [authority.sign("mx", HOSTNAME)]},
            "submission": {"allow_cleartext": True},
            "smtp": {"errors": 100},
            "pop3": {"failures": 100, "failure_delay": "0s"},
            "oauth": {"timeout": "400ms", "clock_skew": "30s", "key_refetch": "300ms", "key_lifetime": "1h", "cache_time": "1s",
                      "issuers": [{"issuer": f"http://127.0.0.1:{KEYS}/realm", **common},
                                  {"issuer": f"http://127.0.0.1:{ASKED}/realm", **common, "claim": "username", "domain": "example.test",
                                   "introspection": f"http://127.0.0.1:{ASKED}/realm/introspect", "client_id": CLIENT,
                                   "client_secret": str(secret)},
                                  {"issuer": "filed", **common, "keys": str(self.file), "algorithms": ["ES256"]}]},
            "accounts": [{"address": f"{user}@example.test", "password": crypt(PASSWORD),
                          "scram_sha_256": scram_keys("SCRAM-SHA-256", "sha256")} for user in USERS],
        })

    def _providers(self, namespaces):
        self.keys, self.asked = Provider(namespaces, KEYS), Provider(namespaces, ASKED)

    @contextlib.contextmanager
    def channel(self, port=SUBMISSIONS):
        with Channel(self.engine.namespaces, port) as channel:
            channel.mechanisms()
            yield channel

    def login(self, token, port=SUBMISSIONS, mechanism="OAUTHBEARER", **more):
        with self.channel(port) as channel:
            return bearer(channel, mechanism, token, **more)


@pytest.fixture(scope="module")
def scene(shared_bench, tmp_path_factory):
    made = Scene(shared_bench, tmp_path_factory.mktemp("oauth"))
    yield made
    made.keys.stop()
    made.asked.stop()


def is_in(said):
    return said.startswith(("235 ", "+OK"))


@pytest.mark.parametrize("port", [SUBMISSIONS, POP3S])
def test_tokens_are_logins(scene, port):
    """RFC 7628 section 3.1, RFC 7519; every algorithm, both mechanisms, with and without an identity."""
    with scene.channel(port) as channel:
        assert channel.mechanisms()[-4:] == ["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"]
    for key in scene.keys.keys:
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            assert is_in(scene.login(scene.keys.token(key), port, mechanism)[0]), (key.algorithm, mechanism)
    assert is_in(scene.login(scene.keys.token(aud=["x", "other"]), port, identity="alice@EXAMPLE.test")[0])
    assert is_in(scene.login(scene.keys.token(scope=None, scp=[SCOPE, "x"]), port)[0])
    assert is_in(scene.login(scene.keys.token(scope=None, scp=f"x {SCOPE}"), port)[0])
    assert is_in(scene.login(scene.keys.token(scene.filed, iss="filed"), port)[0])
    if port == SUBMISSIONS:
        assert is_in(scene.login(scene.keys.token(), port, initial=True)[0])


def test_a_message_is_submitted_by_token(scene):
    with scene.channel() as channel:
        assert is_in(bearer(channel, "OAUTHBEARER", scene.keys.token())[0])
        assert channel.command(f"MAIL FROM:<{BOB}>").startswith("553 ")
        assert channel.command(f"MAIL FROM:<{ALICE}>").startswith("250 ")


@pytest.mark.parametrize("port", [SUBMISSIONS, pytest.param(POP3S, marks=pytest.mark.long)])
def test_wrong_tokens_are_refused(scene, port):
    """RFC 7628 section 3.2.2: JSON, the client's octet, and then the refusal. RFC 7515 section 10, RFC 8725."""
    provider, now = scene.keys, int(time.time())
    forged, stranger = Key("RS256", "rs256"), Key("ES256", "es256")
    good = provider.token()
    flipped = good[:-6] + ("A" if good[-6] != "A" else "B") + good[-5:]
    tokens = {
        "expired": provider.token(exp=now - 60), "early": provider.token(nbf=now + 300), "endless": provider.token(exp=None),
        "date": provider.token(exp="soon"), "issuer": provider.token(iss="http://127.0.0.1:8001/other"), "nobody's": provider.token(iss=None),
        "audience": provider.token(aud="shop"), "no audience": provider.token(aud=None), "signature": flipped,
        "forged": provider.token(forged), "forged ec": provider.token(stranger), "none": provider.unsigned(), "confused": provider.confused(),
        "renamed": provider.token(provider.keys[0], header={"alg": "ES256"}), "borrowed": provider.token(provider.keys[1], header={"kid": "rs256"}),
        "critical": provider.token(header={"crit": ["exp"]}), "nobody": provider.token(email="nobody@example.test"),
        "unverified": provider.token(email_verified=False), "no claim": provider.token(email=None), "no address": provider.token(email="alice"),
        "twice": provider.token(raw='{"iss":"x","iss":"' + provider.issuer + '"}'), "algorithm": provider.token(Key("RS256", "filed"), iss="filed"),
        "opaque": "gibberish", "cut": good[:-20],
    }
    with scene.channel(port) as channel:
        for name, token in tokens.items():
            said, refusal = bearer(channel, "OAUTHBEARER" if len(name) % 2 else "XOAUTH2", token)
            assert said in ("535 5.7.8 authentication failed", "-ERR [AUTH] login failed"), (name, said)
            assert refusal == {"status": "invalid_token", "scope": SCOPE, "openid-configuration": f"{provider.issuer}/.well-known/openid-configuration"}
    for name, token, status in (("scope", provider.token(scope="openid"), "insufficient_scope"), ("other", good, "invalid_token")):
        said, refusal = scene.login(token, port, identity=BOB if name == "other" else ALICE)
        assert not is_in(said) and refusal["status"] == status, name


def test_what_is_no_message_is_bad(scene):
    """RFC 7628 section 3.1; an empty token asks what is wanted (section 4.3)."""
    with scene.channel() as channel:
        for text in ("", "\1", "n,,", "n,,\1", "n,,\1auth=Bearer x\1", "p=tls-exporter,,\1auth=Bearer x\1\1", "n,,\1auth=Basic x\1\1",
                     "n,,\1auth=Bearer x y\1\1", "n,,\1auth=Bearer x\1auth=Bearer x\1\1"):
            assert say(channel, "OAUTHBEARER", text).startswith("501 "), text
        assert say(channel, "XOAUTH2", "user=\1auth=Bearer x\1\1").startswith("501 ")
        said, refusal = bearer(channel, "OAUTHBEARER", "")
        assert said.startswith("535 ") and refusal["status"] == "invalid_token"
        assert channel.command("AUTH OAUTHBEARER").startswith("334")
        assert channel.command("*").startswith("501 ")


def test_no_token_is_taken_in_the_clear(scene):
    """RFC 7628 section 2, whatever submission.allow_cleartext says."""
    with Session(scene.engine.namespaces, port=SUBMISSION) as session:
        assert "OAUTHBEARER" not in session.command("EHLO client.test")[1]
        assert session.command("AUTH XOAUTH2")[0] == 504


def test_keys_are_rotated(scene):
    """A key that is not known is fetched at once, but seldom; until then nobody is refused."""
    old, new = scene.keys.keys[1], Key("ES256", "new")
    assert is_in(scene.login(scene.keys.token(old))[0])
    scene.keys.keys[1] = new
    time.sleep(0.4)
    before = scene.keys.asked.count("/realm/keys")
    assert is_in(scene.login(scene.keys.token(new))[0])
    # The next unknown one comes too soon: nobody can say.
    assert scene.login(scene.keys.token(Key("ES256", "newer")))[0].startswith("454 4.7.0 ")
    assert scene.keys.asked.count("/realm/keys") == before + 1
    time.sleep(0.4)
    assert scene.login(scene.keys.token(old))[0].startswith("535 ")
    scene.keys.keys[1] = old
    time.sleep(0.4)
    assert is_in(scene.login(scene.keys.token(old))[0])


@pytest.mark.parametrize("port", [SUBMISSIONS, pytest.param(POP3S, marks=pytest.mark.long)])
def test_a_provider_is_asked(scene, port):
    """RFC 7662: whatever the token is; what was said is remembered, not longer than it is true."""
    provider = scene.asked
    claims = {"active": True, "username": "alice", "aud": "mail", "scope": f"{SCOPE} x"}
    provider.known = {"opaque/+=": claims, "ends": {**claims, "exp": int(time.time()) + 1}, "over": {**claims, "exp": 1},
                      "shop": {**claims, "aud": "shop"}, "narrow": {**claims, "scope": "x"}, "bob": {**claims, "username": BOB}}
    assert is_in(scene.login("opaque/+=", port)[0])
    asked = len(provider.asked)
    assert is_in(scene.login("opaque/+=", port, "XOAUTH2")[0]) and len(provider.asked) == asked
    del provider.known["opaque/+="]
    for name in ("over", "shop", "unheard-of"):
        assert scene.login(name, port)[1]["status"] == "invalid_token", name
    assert scene.login("narrow", port)[1]["status"] == "insufficient_scope"
    assert is_in(scene.login("bob", port, identity=BOB)[0])
    token = provider.token()
    provider.known[token] = {**claims, "iss": provider.issuer}
    assert is_in(scene.login(token, port)[0])
    time.sleep(1.1)
    assert not is_in(scene.login("opaque/+=", port)[0])


@pytest.mark.parametrize("port", [POP3S, pytest.param(SUBMISSIONS, marks=pytest.mark.long)])
def test_a_provider_that_is_away_refuses_nobody(scene, port):
    """454 4.7.0 and [SYS/TEMP], not 535; others log in meanwhile."""
    later = ("454 4.7.0 temporary authentication failure", "-ERR [SYS/TEMP] temporary failure, try again later")
    assert is_in(scene.login(scene.keys.token(), port)[0])
    provider = scene.asked
    for trouble in ("stopped", "slow", "broken"):
        if trouble == "stopped":
            provider.stop()
        provider.delay, provider.broken = 2 if trouble == "slow" else 0, trouble == "broken"
        began = time.monotonic()
        assert scene.login(f"any-{port}", port)[0] in later, trouble
        assert time.monotonic() - began < 1.5
        assert is_in(scene.login(scene.keys.token(), port)[0])
        if trouble == "stopped":
            provider.start()
    provider.broken = False
    provider.known = {f"any-{port}": {"active": True, "username": "alice", "aud": "mail", "scope": SCOPE}}
    assert is_in(scene.login(f"any-{port}", port)[0])


def test_keys_that_cannot_be_fetched_refuse_nobody(scene):
    """A new key while the provider is away, and after it has come back."""
    new = Key("EdDSA", "later")
    time.sleep(0.4)
    scene.keys.stop()
    assert scene.login(scene.keys.token(new))[0].startswith("454 4.7.0 ")
    assert is_in(scene.login(scene.keys.token())[0])
    scene.keys.keys.append(new)
    scene.keys.start()
    time.sleep(0.5)
    assert is_in(scene.login(scene.keys.token(new))[0])
    counters = scene.engine.ask("counters")
    assert counters["oauth_tokens_good"] and counters["oauth_tokens_unknown"] and counters["oauth_tokens_wrong"]


def test_a_reload_changes_issuers(scene):
    scene.engine.settings["oauth"]["issuers"][2]["audience"] = ["news"]
    scene.engine.write()
    scene.engine.ctl("reload")
    assert not is_in(scene.login(scene.keys.token(scene.filed, iss="filed"))[0])
    assert is_in(scene.login(scene.keys.token(scene.filed, iss="filed", aud="news"))[0])


def test_https_to_a_provider(scene, tmp_path):
    """`ca` verifies its certificate, and its name: one of another authority, one that has expired, and one for another name are refused."""
    authority, stranger = Authority(tmp_path / "authority"), Authority(tmp_path / "stranger")
    tmp_path.chmod(0o755)
    cases = {  # port: certificate, what verifies it, what the log says of it
        8443: (authority.sign("good", "localhost"), authority, None),
        8444: (authority.sign("other", "localhost"), stranger, "certificate"),
        8445: (authority.sign("expired", "localhost", days=0), authority, "expired"),
        8446: (authority.sign("named", "id.example.test"), authority, "localhost"),
        8447: (authority.sign("system", "localhost"), None, "certificate"),
    }
    with contextlib.ExitStack() as stack:
        providers = {}
        for port, (item, _verifier, _word) in cases.items():
            providers[port] = Provider(scene.engine.namespaces, port, tls=item)
            stack.callback(providers[port].stop)
        scene.engine.settings["oauth"]["issuers"] = [
            {"issuer": providers[port].issuer, "audience": ["mail"], **({"ca": str(verifier.file)} if verifier else {})}
            for port, (_item, verifier, _word) in cases.items()]
        scene.engine.write()
        scene.engine.ctl("reload")
        for port, (_item, _verifier, word) in cases.items():
            before = len(scene.engine.log_lines())
            said = scene.login(providers[port].token())[0]
            if not word:
                assert is_in(said), said
                continue
            assert said.startswith("454 4.7.0 "), (port, said)
            assert any(word in line and f":{port}/" in line for line in scene.engine.log_lines()[before:]), scene.engine.log_lines()[before:]
            assert not providers[port].asked
