# SPDX-License-Identifier: BSD-3-Clause
"""What `wirepost client-config` writes, read by others' readers of XML, property lists and zones: check_client_config.py WIREPOST."""

import plistlib
import subprocess
import sys
import tempfile
import uuid
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TLS = ["{port: 587, protocol: submission, tls: starttls}", "{port: 465, protocol: submission, tls: implicit}",
       "{port: 110, protocol: pop3, tls: starttls}", "{port: 995, protocol: pop3, tls: implicit}"]
IMAP = ["{port: 143, protocol: imap, tls: starttls}", "{port: 993, protocol: imap, tls: implicit}"]
RESPONSE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
HASH = "$6$wirepost$fffBq.H1B6MJz2UA6QQ83V.a15NcOaBP2893DfocaVj7AphAYskAmQCq8MEKsmz31NPPIElgEMg86Oq5Zvoyj."
FORMATS = ("autoconfig", "autodiscover", "mobileconfig", "srv")


class Place:
    """A folder with a configuration, and the command."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, Path(folder)

    def configure(self, listeners, more=""):
        (self.folder / "wirepost.yaml").write_text(
            "hostname: mx.example.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2/24]}\n"
            f"listeners: [{', '.join(['{port: 25, protocol: smtp, tls: starttls}', *listeners])}]\nstore: {{path: a}}\n"
            "tls: {certificates: [{certificate: c.pem, key: k.pem}]}\n"
            "domains: [{name: example.test}, {name: bücher.test}]\naccounts: [{address: alice@example.test, password: \"" + HASH + "\"}]\n"
            "aliases:\n  - {address: postmaster@example.test, members: [alice@example.test]}\n"
            "  - {address: abuse@example.test, members: [alice@example.test]}\n"
            "  - {address: postmaster@bücher.test, members: [alice@example.test]}\n"
            "  - {address: abuse@bücher.test, members: [alice@example.test]}\n" + more)

    def call(self, *words):
        return subprocess.run([self.binary, "client-config", "-c", self.folder / "wirepost.yaml", *words],
                              capture_output=True, check=False)

    def text(self, form, name="example.test"):
        done = self.call("--format", form, name)
        assert done.returncode == 0, done.stderr
        return done.stdout


def leaves(element):
    return {child.tag.split("}")[-1]: child.text for child in element}


def server(element):
    return (element.get("type"), *(element.findtext(name) for name in ("hostname", "port", "socketType", "username", "authentication")))


def test_autoconfig(place):
    place.configure(TLS)
    root = ElementTree.fromstring(place.text("autoconfig"))
    provider = root.find("emailProvider")
    assert root.tag == "clientConfig" and root.get("version") == "1.1" and provider.get("id") == "example.test"
    assert [domain.text for domain in provider.findall("domain")] == ["example.test"]
    rest = ("%EMAILADDRESS%", "password-cleartext")
    assert [server(each) for each in provider.findall("incomingServer")] == [
        ("pop3", "mx.example.test", "995", "SSL", *rest), ("pop3", "mx.example.test", "110", "STARTTLS", *rest)]
    assert [server(each) for each in provider.findall("outgoingServer")] == [
        ("smtp", "mx.example.test", "465", "SSL", *rest), ("smtp", "mx.example.test", "587", "STARTTLS", *rest)]


def test_autodiscover(place):
    place.configure(TLS)
    account = ElementTree.fromstring(place.text("autodiscover")).find(f"{OUTLOOK}Response/{OUTLOOK}Account")
    assert account.findtext(f"{OUTLOOK}AccountType") == "email" and account.findtext(f"{OUTLOOK}Action") == "settings"
    common = {"Server": "mx.example.test", "DomainRequired": "on", "SPA": "off", "SSL": "on", "Encryption": "SSL", "AuthRequired": "on"}
    assert [leaves(each) for each in account.findall(f"{OUTLOOK}Protocol")] == [
        {"Type": "POP3", "Port": "995", **common},
        {"Type": "SMTP", "Port": "465", **common, "UsePOPAuth": "on", "SMTPLast": "off"}]
    assert ElementTree.fromstring(place.text("autodiscover")).tag == f"{RESPONSE}Autodiscover"
    place.configure([TLS[0], TLS[2]])
    account = ElementTree.fromstring(place.text("autodiscover", "alice@example.test")).find(f"{OUTLOOK}Response/{OUTLOOK}Account")
    assert [(each["Port"], each["Encryption"], each["LoginName"]) for each in map(leaves, account.findall(f"{OUTLOOK}Protocol"))] == [
        ("110", "TLS", "alice@example.test"), ("587", "TLS", "alice@example.test")]


def test_mobileconfig(place):
    place.configure(TLS)
    profile = plistlib.loads(place.text("mobileconfig"), fmt=plistlib.FMT_XML)
    [mail] = profile.pop("PayloadContent")
    assert profile == {
        "PayloadType": "Configuration", "PayloadVersion": 1, "PayloadIdentifier": "example.test.mail",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.test.mail")).upper(),
        "PayloadDisplayName": "example.test", "PayloadDescription": "Sets up mail."}
    expected = {
        "PayloadType": "com.apple.mail.managed", "PayloadVersion": 1, "PayloadIdentifier": "example.test.mail.account",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.test.mail.account")).upper(),
        "PayloadDisplayName": "example.test", "EmailAccountDescription": "example.test", "EmailAccountType": "EmailTypePOP",
        "OutgoingPasswordSameAsIncomingPassword": True}
    for side, port in (("Incoming", 995), ("Outgoing", 465)):
        expected |= {f"{side}MailServerHostName": "mx.example.test", f"{side}MailServerPortNumber": port,
                     f"{side}MailServerUseSSL": True, f"{side}MailServerAuthentication": "EmailAuthPassword"}
    assert mail == expected
    [own] = plistlib.loads(place.text("mobileconfig", "alice@example.test"))["PayloadContent"]
    assert own["EmailAddress"] == own["IncomingMailServerUsername"] == own["OutgoingMailServerUsername"] == "alice@example.test"
    assert own["PayloadUUID"] == str(uuid.uuid5(uuid.NAMESPACE_DNS, "alice@example.test.mail.account")).upper()


def zone(text):
    """The records of a zone file's lines: {owner: [(priority, weight, port, target)]}."""
    records, origin = {}, None
    for line in text.decode().splitlines():
        if line.startswith("$ORIGIN "):
            origin = line.split()[1]
            assert origin.endswith(".")
            continue
        owner, family, kind, priority, weight, port, target = line.split()
        assert (family, kind) == ("IN", "SRV") and target.endswith(".") and not owner.endswith(".")
        records.setdefault(f"{owner}.{origin}", []).append((int(priority), int(weight), int(port), target))
    return records


def test_srv(place):
    """RFC 6186 section 3, RFC 8314 section 5.1."""
    none, here = [(0, 0, 0, ".")], "mx.example.test."
    place.configure(TLS)
    assert zone(place.text("srv")) == {
        "_submissions._tcp.example.test.": [(0, 1, 465, here)], "_submission._tcp.example.test.": [(1, 1, 587, here)],
        "_imaps._tcp.example.test.": none, "_imap._tcp.example.test.": none,
        "_pop3s._tcp.example.test.": [(10, 1, 995, here)], "_pop3._tcp.example.test.": [(11, 1, 110, here)]}
    place.configure([TLS[0], TLS[3], "{port: 9955, protocol: pop3, tls: implicit}"])
    found = zone(place.text("srv"))
    assert found["_pop3s._tcp.example.test."] == [(10, 1, 995, here), (10, 1, 9955, here)]
    assert found["_submissions._tcp.example.test."] == found["_pop3._tcp.example.test."] == none


def test_imap_comes_before_pop3(place):
    place.configure([*TLS, *IMAP])
    provider = ElementTree.fromstring(place.text("autoconfig")).find("emailProvider")
    assert [server(each)[::2] for each in provider.findall("incomingServer")] == [
        ("imap", "993", "%EMAILADDRESS%"), ("imap", "143", "%EMAILADDRESS%"), ("pop3", "995", "%EMAILADDRESS%"), ("pop3", "110", "%EMAILADDRESS%")]
    account = ElementTree.fromstring(place.text("autodiscover")).find(f"{OUTLOOK}Response/{OUTLOOK}Account")
    assert [(each["Type"], each["Port"]) for each in map(leaves, account.findall(f"{OUTLOOK}Protocol"))] == [
        ("IMAP", "993"), ("POP3", "995"), ("SMTP", "465")]
    [mail] = plistlib.loads(place.text("mobileconfig"), fmt=plistlib.FMT_XML)["PayloadContent"]
    assert (mail["EmailAccountType"], mail["IncomingMailServerPortNumber"]) == ("EmailTypeIMAP", 993)
    found = zone(place.text("srv"))
    assert found["_imaps._tcp.example.test."] == [(0, 1, 993, "mx.example.test.")]
    assert found["_imap._tcp.example.test."] == [(1, 1, 143, "mx.example.test.")]
    place.configure([TLS[0], IMAP[0]])
    [mail] = plistlib.loads(place.text("mobileconfig"), fmt=plistlib.FMT_XML)["PayloadContent"]
    assert (mail["EmailAccountType"], mail["IncomingMailServerPortNumber"]) == ("EmailTypeIMAP", 143)


def test_what_is_in_the_clear_is_not_told(place):
    """RFC 8314 section 3."""
    place.configure(["{port: 587, protocol: submission}", "{port: 110, protocol: pop3}"], "pop3: {allow_cleartext: true}\n")
    assert {record for records in zone(place.text("srv")).values() for record in records} == {(0, 0, 0, ".")}
    for form in FORMATS[:3]:
        done = place.call("--format", form, "example.test")
        assert done.returncode == 1 and not done.stdout and b"no listener of protocol imap or pop3 has tls" in done.stderr
    place.configure([TLS[3]])
    done = place.call("--format", "autoconfig", "example.test")
    assert done.returncode == 1 and b"no listener of protocol submission has tls" in done.stderr


def ways(place, kind):
    """The ways to log in of each server, in their order."""
    return [[way.text for way in each.findall("authentication")]
            for each in ElementTree.fromstring(place.text("autoconfig")).find("emailProvider").findall(kind)]


def test_tokens(place):
    issuer = "oauth: {issuers: [{issuer: 'https://id.test', audience: [mail], keys: /k.json}]}\n"
    place.configure(TLS, issuer)
    assert ways(place, "outgoingServer") == ways(place, "incomingServer") == [["password-cleartext", "OAuth2"]] * 2
    place.configure(TLS, issuer + "auth: {mechanisms: [XOAUTH2]}\n")
    assert ways(place, "outgoingServer") == [["OAuth2"]] * 2
    assert place.call("--format", "mobileconfig", "example.test").returncode == 1


def test_scram_alone(place):
    """Outlook and Apple's programs have no SCRAM."""
    place.configure(TLS, "auth: {mechanisms: [SCRAM-SHA-256]}\n")
    assert ways(place, "outgoingServer") == [["password-encrypted"]] * 2
    assert ways(place, "incomingServer") == [["password-cleartext"]] * 2
    for form in ("autodiscover", "mobileconfig"):
        assert place.call("--format", form, "example.test").returncode == 1


def test_text_is_escaped(place):
    place.configure(TLS)
    name = '"&<o\'\\"hara>"@example.test'
    provider = ElementTree.fromstring(place.text("autoconfig", name)).find("emailProvider")
    assert provider.find("incomingServer").findtext("username") == name
    [mail] = plistlib.loads(place.text("mobileconfig", name))["PayloadContent"]
    assert mail["EmailAddress"] == name
    assert f"{OUTLOOK}LoginName" in {each.tag for each in ElementTree.fromstring(place.text("autodiscover", name)).iter()
                                     if each.text == name}
    provider = ElementTree.fromstring(place.text("autoconfig", "bücher.test")).find("emailProvider")
    assert [domain.text for domain in provider.findall("domain")] == ["xn--bcher-kva.test", "bücher.test"]
    assert "_pop3s._tcp.xn--bcher-kva.test." in zone(place.text("srv", "bücher.test"))


def test_a_folder(place):
    place.configure(TLS)
    root = place.folder / "web" / "root"
    done = place.call("--output", str(root), "example.test")
    paths = [".well-known/autoconfig/mail/config-v1.1.xml", "autodiscover/autodiscover.xml", "example.test.mobileconfig",
             "example.test.zone"]
    assert done.returncode == 0 and done.stdout.decode().split() == [str(root / path) for path in paths]
    for form, path in zip(FORMATS, paths):
        assert (root / path).read_bytes() == place.text(form)
    assert len([path for path in root.rglob("*") if path.is_file()]) == 4
    assert place.call("--output", str(root), "--format", "srv", "example.test").returncode == 0
    assert place.call("--output", "/proc/nowhere", "example.test").returncode == 1


def test_wrong_lines_are_refused(place):
    place.configure(TLS)
    for words in ((), ("example.test",), ("--format", "all", "example.test"), ("--format", "xml", "example.test"),
                  ("--format", "srv"), ("--format", "srv", "elsewhere.test"), ("--format", "srv", "alice@elsewhere.test"),
                  ("--format", "srv", "not a domain"), ("--format", "srv", "example.test", "more"), ("--json", "example.test")):
        done = place.call(*words)
        assert done.returncode == 2 and done.stderr and not done.stdout, words
    place.configure(TLS, "directory: {backends: [yaml, store]}\n")
    assert place.call("--format", "srv", "elsewhere.test").returncode == 0


def main():
    cases = [(name, case) for name, case in globals().items() if name.startswith("test_")]
    print(f"1..{len(cases)}")
    for number, (name, case) in enumerate(cases, 1):
        fault = "none"
        with tempfile.TemporaryDirectory(prefix="wirepost-client-config-") as folder:
            try:
                case(Place(sys.argv[1], folder))
            except Exception as error:  # told as a case that failed
                fault = f"{type(error).__name__}: {error}"
        if fault != "none":
            print("\n".join(f"# {line}" for line in fault.splitlines()))
        print(f"{'ok' if fault == 'none' else 'not ok'} {number} {name}")


if __name__ == "__main__":
    main()
