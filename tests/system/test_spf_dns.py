# SPDX-License-Identifier: BSD-3-Clause
"""What a DNS server may do, and what SPF makes of it: a table, through the command. docs/authentication.md has it in words."""

import email
import email.policy
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import dns, schemas
from lab.engine import binary

WIREPOST = binary()

LONG, LONGER = "v=spf1 -all".ljust(9000), "v=spf1 -all".ljust(60000)
RECORD = ("TXT", "v=spf1 -all")

# What the server does with questions for a name; how the question ends, and what becomes of a check of the domain itself, of
# `a:NAME -all`, of `ptr -all` with NAME as the client's name, and of `include:NAME ?all`.
TABLE = {
    "answer": ([RECORD, ("A", "192.0.2.9")], "answer", "fail", "fail", "fail", "neutral"),
    "nxdomain": (None, "nxdomain", "none", "fail", "fail", "permerror"),
    "no_data": ([("AAAA", "2001:db8::1")], "no_data", "none", "fail", "fail", "permerror"),
    "servfail": ([dns.SERVFAIL], "servfail", "temperror", "temperror", "fail", "temperror"),
    "notimp": ([dns.NOTIMP], "servfail", "temperror", "temperror", "fail", "temperror"),
    "refused": ([dns.REFUSED], "servfail", "temperror", "temperror", "fail", "temperror"),
    "garbage": ([dns.GARBAGE], "servfail", "temperror", "temperror", "fail", "temperror"),
    "timeout": ([dns.TIMEOUT], None, "temperror", "temperror", "fail", "temperror"),
    "wrong_id": ([dns.WRONG_ID, RECORD, ("A", "192.0.2.1")], None, "temperror", "temperror", "fail", "temperror"),
    "truncated": ([dns.TRUNCATE, RECORD, ("A", "192.0.2.1")], "answer", "fail", "pass", "fail", "neutral"),
    "no_tcp": ([dns.TRUNCATE, dns.NO_TCP, RECORD, ("A", "192.0.2.1")], "servfail", "temperror", "temperror", "fail", "temperror"),
    "large": ([("TXT", LONG)], "answer", "fail", "fail", "fail", "neutral"),
    "too_large": ([("TXT", LONGER)], "too_large", "permerror", "fail", "fail", "permerror"),
    "loop": ([("CNAME", "loop.dns.test")], "servfail", "temperror", "temperror", "fail", "temperror"),
    "chain": ([("CNAME", "chain1.dns.test")], "answer", "fail", "fail", "fail", "neutral"),
    "long_chain": ([("CNAME", "long1.dns.test")], "servfail", "temperror", "temperror", "fail", "temperror"),
    "dangling": ([("CNAME", "nobody.dns.test")], "nxdomain", "none", "fail", "fail", "permerror"),
    "bogus": ([RECORD, ("A", "192.0.2.1")], "bogus", "temperror", "temperror", "fail", "temperror"),
}
WAYS = ("record", "a", "ptr", "include")
SLOW = {"timeout", "wrong_id"}  # nobody answers: the check is over when its time is


def zone():
    names = {"4.2.0.192.in-addr.arpa": [("PTR", "client.dns.test")], "client.dns.test": [("A", "192.0.2.4")]}
    for place, (behaviour, row) in enumerate(TABLE.items()):
        if row[0] is not None:
            names[f"{behaviour}.dns.test"] = row[0]
        names[f"a.{behaviour}.from.test"] = [("TXT", f"v=spf1 a:{behaviour}.dns.test -all")]
        names[f"include.{behaviour}.from.test"] = [("TXT", f"v=spf1 include:{behaviour}.dns.test ?all")]
        names[f"ptr.{behaviour}.from.test"] = [("TXT", f"v=spf1 ptr:{behaviour}.dns.test -all")]
        names[f"{place}.2.0.192.in-addr.arpa"] = [("PTR", f"{behaviour}.dns.test")]
    for first, count in (("chain", 8), ("long", 20)):
        for i in range(1, count):
            names[f"{first}{i}.dns.test"] = [("CNAME", f"{first}{i + 1}.dns.test")]
        names[f"{first}{count}.dns.test"] = [RECORD, ("A", "192.0.2.9")]
    return names


def row_of(behaviour, way):
    """A line of the batch: whom the check is about."""
    last = list(TABLE).index(behaviour) if way == "ptr" else 1 if way == "a" and TABLE[behaviour][3] == "pass" else 100
    domain = f"{behaviour}.dns.test" if way == "record" else f"{way}.{behaviour}.from.test"
    return json.dumps({"ip": f"192.0.2.{last}", "helo": "client.test", "mail_from": f"user@{domain}"})


def check(server, anchors, cells):
    words = ["--batch", "--json", "--dns", str(server), "--trust-anchors", str(anchors),
             "--timeout", "1" if cells[0][0] in SLOW else "20"]
    done = subprocess.run([WIREPOST, "spf", *words], input="".join(f"{row_of(*cell)}\n" for cell in cells), capture_output=True,
                          encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        schemas.check("spf", answer)
    return zip(cells, answers, strict=True)


@pytest.fixture(name="cells", scope="module")
def all_cells(tmp_path_factory):
    """All at once: most of them wait."""
    anchors = tmp_path_factory.mktemp("dns") / "anchors"
    # A zone that should be signed, and is not.
    anchors.write_text(f"bogus.dns.test. IN DS 12345 8 2 {'0123456789ABCDEF' * 4}\n")
    batches = [[(behaviour, way)] for way in WAYS for behaviour in SLOW]
    batches.append([(behaviour, way) for way in WAYS for behaviour in TABLE if behaviour not in SLOW])
    with dns.Server(zone()) as server, ThreadPoolExecutor(len(batches)) as pool:
        yield dict(cell for cells in pool.map(lambda cells: check(server, anchors, cells), batches) for cell in cells)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behaviour", TABLE)
def test_cell(cells, behaviour, way):
    answer = cells[behaviour, way]
    # What takes all the time that a check has is no result at all, whatever asked for it.
    expected = "temperror" if behaviour in SLOW else TABLE[behaviour][2 + WAYS.index(way)]
    assert answer["result"] == expected, json.dumps(answer, indent=1)
    ended = [step["outcome"] for step in answer["steps"] if step["step"] == "question" and step["name"] == f"{behaviour}.dns.test"]
    if TABLE[behaviour][1] is None:
        assert answer["reason"] == "time"
    elif way == "record":
        assert ended == [TABLE[behaviour][1]]
    else:
        assert ended


STATUSES = {"pass": 0, "fail": 3, "softfail": 4, "neutral": 5, "none": 6, "temperror": 7, "permerror": 8}


def test_exit_statuses(tmp_path):
    rows = {"pass": "v=spf1 all", "fail": "v=spf1 -all", "softfail": "v=spf1 ~all", "neutral": "v=spf1", "none": "no", "permerror": "v=spf1 x"}
    (tmp_path / "zone").write_text("".join(f'{name}.test. IN TXT "{text}"\n' for name, text in rows.items()))
    for name in rows:
        words = ["--ip", "192.0.2.1", "--helo", "h.test", "--mail-from", f"@{name}.test", "--zone", tmp_path / "zone"]
        done = subprocess.run([WIREPOST, "spf", *words], capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == STATUSES[name] and f"{name}: " in done.stdout


def test_nobody_listens(tmp_path):
    """Truncated answers when TCP is refused by the machine, and no server at all."""
    words = ["--ip", "192.0.2.1", "--helo", "truncated.dns.test", "--json"]
    with dns.Server(zone(), tcp=False) as server:
        done = subprocess.run([WIREPOST, "spf", *words, "--dns", str(server)], capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, json.loads(done.stdout)["identity"]) == (STATUSES["temperror"], "helo"), done.stdout
    done = subprocess.run([WIREPOST, "spf", *words, "--dns", str(server), "--timeout", "0.5"], capture_output=True, encoding="utf-8",
                          check=False)
    assert done.returncode == STATUSES["temperror"], done.stdout


@pytest.mark.parametrize("words, said", [
    (["--ip", "192.0.2.1", "--helo", "h.test", "--headers"], "expected --receiver NAME"),
    ([], "expected --ip"), (["--ip", "192.0.2.1"], "expected --ip"), (["--ip", "x", "--helo", "h.test"], "no IP address: x"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--batch"], "or --batch"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--dns", "nobody"], "no address of a server: nobody"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--dns", "127.0.0.1", "--zone", "z"], "one of --zone, --dns and --config"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--zone", "/nonexistent"], "/nonexistent: No such file"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--timeout", "never"], "not a number"),
    (["--ip", "192.0.2.1", "--helo", "h.test", "--void-lookups", "11"], "out of its bounds"),
])
def test_wrong_words(words, said):
    done = subprocess.run([WIREPOST, "spf", *words], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_text(tmp_path):
    """What a person reads: steps, then the result; what peers wrote is printable."""
    zone_file = tmp_path / "zone"
    zone_file.write_text('a.test. 60 IN TXT "v=spf1 include:b.test redirect=c.test"\nb.test. 60 IN TXT "v=spf1 ip4:192.0.2.0/24 -all"\n'
                         'c.test. 60 IN TXT "v=spf1 -all exp=e.test"\ne.test. 60 IN TXT "no, %{l}: %{r}"\n')
    done = subprocess.run([WIREPOST, "spf", "--ip", "198.51.100.1", "--helo", "h.test", "--mail-from", "us\x1b[31mer@a.test",
                           "--receiver", "mx.test", "--zone", zone_file], capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.splitlines() == [
        "  asked TXT a.test: answer, records: 1", "  record a.test: v=spf1 include:b.test redirect=c.test",
        "    asked TXT b.test: answer, records: 1", "    record b.test: v=spf1 ip4:192.0.2.0/24 -all",
        "    term ip4:192.0.2.0/24: does not match", "    term -all: matches", "  included include:b.test: fail",
        "  term include:b.test: does not match", "  redirect c.test", "  asked TXT c.test: answer, records: 1",
        "  record c.test: v=spf1 -all exp=e.test", "  term -all: matches", "  asked TXT e.test: answer, records: 1",
        "  explanation no, us?[31mer: mx.test", "fail: a mechanism matched: -all"], done.stdout
    assert done.returncode == STATUSES["fail"]


def test_utf8_domain(tmp_path):
    zone_file = tmp_path / "zone"
    zone_file.write_text('xn--bcher-kva.test. 60 IN TXT "v=spf1 exists:%{l}.%{d} -all"\nuser.xn--bcher-kva.test. 60 IN A 127.0.0.2\n')
    done = subprocess.run([WIREPOST, "spf", "--ip", "192.0.2.1", "--helo", "h.test", "--mail-from", "user@BÜCHER.test", "--json",
                           "--zone", zone_file], capture_output=True, encoding="utf-8", check=False)
    assert json.loads(done.stdout)["domain"] == "xn--bcher-kva.test" and done.returncode == 0, done.stdout


def test_headers(tmp_path):
    """What Python reads in the fields, in text and in JSON."""
    (tmp_path / "zone").write_text('a.test. IN TXT "v=spf1 ip6:2001:db8::/32 -all"\n')
    words = [WIREPOST, "spf", "--ip", "2001:db8::1", "--helo", "h(.test", "--mail-from", "x y@a.test", "--receiver", "mx.test",
             "--headers", "--zone", tmp_path / "zone"]
    text = subprocess.run(words, capture_output=True, check=False).stdout.partition(b"\npass: a mechanism matched: ip6:2001:db8::/32\n")[2]
    message = email.message_from_bytes(text + b"\r\n", policy=email.policy.SMTP)
    assert not message.defects and message.keys() == ["Received-SPF", "Authentication-Results"]
    comment, _, pairs = message["Received-SPF"].partition(") ")
    assert comment == "pass (mx.test: domain of x y@a.test designates 2001:db8::1 as permitted sender"
    assert dict(pair.strip().split("=", 1) for pair in pairs.split(";")[:-1]) == {
        "client-ip": '"2001:db8::1"', "envelope-from": '"x y@a.test"', "helo": '"h(.test"', "receiver": "mx.test",
        "identity": "mailfrom", "mechanism": '"ip6:2001:db8::/32"'}
    assert message["Authentication-Results"] == 'mx.test; spf=pass smtp.mailfrom="x y"@a.test'
    answer = json.loads(subprocess.run([*words, "--json"], capture_output=True, check=False).stdout)
    schemas.check("spf", answer)
    assert "".join(answer["headers"]).encode() == text


def test_batch(tmp_path):
    zone_file = tmp_path / "zone"
    zone_file.write_text('a.test. 60 IN TXT "v=spf1 ip4:192.0.2.1 ~all"\n')
    lines = [{"ip": "192.0.2.1", "helo": "a.test"}, {"ip": "192.0.2.2", "helo": "h", "mail_from": "x@a.test"}]
    words = [WIREPOST, "spf", "--batch", "--json", "--zone", zone_file]
    done = subprocess.run(words, input="\n".join(map(json.dumps, lines)), capture_output=True, encoding="utf-8", check=False)
    assert [json.loads(line)["result"] for line in done.stdout.splitlines()] == ["pass", "softfail"] and done.returncode == 0
    for wrong in ("", "[]", "{}", '{"ip": "192.0.2.1"}', '{"ip": "a", "helo": "b"}', "{"):
        done = subprocess.run(words, input=f"{wrong}\n{json.dumps(lines[0])}\n", capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 1 and "line 1: expected" in done.stderr and done.stdout.count("\n") == 1


def test_configuration(tmp_path):
    """The group `dns`: forwarders, stubs, hosts, trust anchors, bounds; the command line counts more."""
    (tmp_path / "hosts").write_text("192.0.2.77 host.dns.test\n")
    (tmp_path / "anchors").write_text(f"bogus.dns.test. IN DS 12345 8 2 {'0123456789ABCDEF' * 4}\n")
    with dns.Server({"all.test": [("TXT", "v=spf1 a:host.dns.test -all")], "bogus.dns.test": [RECORD],
                     "large.test": [("TXT", "v=spf1 -all".ljust(1000))], "stub.test": [("TXT", "v=spf1 +all")]}) as forwarder, \
            dns.Server({"stub.test": [("TXT", "v=spf1 exists:a.stub.test ~all")], "a.stub.test": [("A", "127.0.0.2")]}) as stub:
        config = tmp_path / "wirepost.yaml"
        config.write_text(json.dumps({
            "hostname": "mx.config.test", "engine": {"interface": "eth0"}, "network": {"addresses": ["198.18.0.2/24"]},
            "listeners": [{"port": 110, "protocol": "pop3"}], "store": {"path": "mail"},
            "dns": {"forwarders": [{"address": "127.0.0.1", "port": forwarder.port}],
                    "stubs": [{"zone": "stub.test", "address": "127.0.0.1", "port": stub.port}], "hosts": "hosts",
                    "trust_anchors": "anchors", "timeout": "4s", "questions": 8, "answer_size": 600, "cache": "1MiB"}}))
        lines = [{"ip": "192.0.2.77", "helo": "h.test", "mail_from": f"user@{domain}"}
                 for domain in ("all.test", "stub.test", "bogus.dns.test", "large.test")]
        words = [WIREPOST, "spf", "--batch", "--json", "-c", config]
        done = subprocess.run(words, input="\n".join(map(json.dumps, lines)), capture_output=True, encoding="utf-8", check=False)
        assert [json.loads(line)["result"] for line in done.stdout.splitlines()] == ["pass", "pass", "temperror", "permerror"], done
        assert dict(line.rsplit(maxsplit=1) for line in done.stderr.splitlines()) == {
            "dns answer": "4", "dns bogus": "1", "dns too_large": "1"}, done.stderr
        assert not any(name.endswith("stub.test") for name, _ in forwarder.asked) and stub.asked
        done = subprocess.run([*words, "--dns", str(forwarder)], input=json.dumps(lines[1]), capture_output=True, encoding="utf-8",
                              check=False)
        assert [step["text"] for step in json.loads(done.stdout)["steps"] if step["step"] == "record"] == ["v=spf1 +all"]
        config.write_text(config.read_text().replace("127.0.0.1", "localhost"))
        done = subprocess.run(words, input="", capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 2 and "dns" in done.stderr, done.stderr
