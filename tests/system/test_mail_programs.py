# SPDX-License-Identifier: BSD-3-Clause
"""The programs that people have, with accounts: each submits and reads under TLS, and trusts the certificate for its name."""

import functools
import mailbox
import plistlib
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import pytest
from lab import accounts, messages, peers, records
from lab.accounts import IMAP, IMAPS, POP3, POP3S, SUBMISSION, SUBMISSIONS, Login
from lab.commands import run
from lab.engine import DOMAIN, HOSTNAME, binary
from lab.smtp import Session

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
TEXT = "Words of a body.\n.A dot in front.\n\nAn end.\n"


@pytest.fixture(scope="module")
def served(shared_bench):
    """The engine, and the file of who signed its certificate."""
    engine = shared_bench(started=False)
    trust = accounts.serve(engine)
    return engine.start(), trust


@pytest.fixture(name="login")
def login_of_alice(request, served):
    engine, trust = served
    if engine.process.poll() is not None:
        pytest.fail(f"the engine has ended:\n{engine.log_tail()}")
    request.node.engines = [engine]
    return Login(ALICE, trust)


# What no other test of the short tier runs; the set-up by SRV there logs in on all six ports.
SHORT = ("swaks", "s-nail", "mutt", "fetchmail")


def combined(programs, ports):
    """Some programs once in the short tier, by turns on one port and on the other; all of it in the long tier."""
    rows = []
    for number, program in enumerate(programs):
        tool = program.__name__.split("_")[0].replace("snail", "s-nail")
        for turn, port in enumerate(ports):
            marks = [] if tool in SHORT and (number + turn) % 2 == 0 else [pytest.mark.long]
            if tool not in ("smtplib", "poplib", "imaplib", "nodemailer"):
                marks.append(pytest.mark.needs(tool))
            if tool == "nodemailer" and not Nodemailer.available():
                marks.append(pytest.mark.skip(reason="nodemailer is not there: its packages could not be had"))
            rows.append(pytest.param(program, port, id=f"{tool}-{port}", marks=marks))
    return rows


# ---- submission ----

def swaks_submits(engine, port, login, ident, _directory):
    engine.namespaces.run(
        "swaks", "--server", HOSTNAME, "--port", port, "--tls" if port == SUBMISSION else "--tls-on-connect", "--tls-verify",
        "--tls-ca-path", login.trust, "--auth", "LOGIN", "--auth-user", login.user, "--auth-password", login.password,
        "--helo", "client.test", "--from", login.user, "--to", BOB, "--header", f"Subject: {ident}", "--body", TEXT)


def curl_submits(engine, port, login, ident, directory):
    mail = directory / "mail"
    mail.write_text(f"From: {login.user}\nSubject: {ident}\n\n{TEXT}")
    scheme = "smtp" if port == SUBMISSION else "smtps"
    engine.namespaces.run("curl", "-sS", "--max-time", 30, "--ssl-reqd", "--cacert", login.trust, "--url", f"{scheme}://{HOSTNAME}:{port}/client.test",
                          "--user", f"{login.user}:{login.password}", "--mail-from", login.user, "--mail-rcpt", BOB, "--crlf",
                          "--upload-file", mail)


def msmtp_submits(engine, port, login, ident, directory):
    rc = directory / "msmtprc"
    rc.write_text(f"account default\nhost {HOSTNAME}\nport {port}\nfrom {login.user}\ntls on\n"
                  f"tls_starttls {'on' if port == SUBMISSION else 'off'}\ntls_trust_file {login.trust}\n"
                  f'auth scram-sha-256\nuser {login.user}\npassword "{login.password}"\n')
    rc.chmod(0o600)
    engine.namespaces.run("msmtp", "-C", rc, BOB, data=f"From: {login.user}\nSubject: {ident}\n\n{TEXT}".encode())


def snail(engine, login, *words, data):
    """s-nail with its own settings alone."""
    settings = {"v15-compat": "yes", "tls-ca-file": login.trust, "tls-ca-no-defaults": "", "tls-verify": "strict", "hostname": "client.test",
                "smtp-auth": "plain", "from": login.user, "sendwait": "", "ttycharset": "utf-8"}
    options = [word for name, value in settings.items() for word in ("-S", f"{name}={value}" if value else name)]
    return engine.namespaces.run("env", "LC_ALL=C.UTF-8", "s-nail", "-:/", *options, *words, data=data.encode())


def address_of(scheme, login, port):
    return f"{scheme}://{quote(login.user, safe='')}:{quote(login.password)}@{HOSTNAME}:{port}"


def snail_submits(engine, port, login, ident, _directory):
    mta = address_of("submission" if port == SUBMISSION else "submissions", login, port)
    snail(engine, login, "-S", "smtp-use-starttls", "-S", f"mta={mta}", "-s", ident, BOB, data=TEXT)


def mutt(engine, login, directory, settings, command, data=b""):
    """A command of the shell, with mutt's own settings alone."""
    rc = directory / "muttrc"
    common = {"from": login.user, "ssl_ca_certificates_file": login.trust, "ssl_starttls": "yes", "ssl_force_tls": "yes", "copy": "no",
              "ssl_usesystemcerts": "no", "hostname": "client.test", "certificate_file": directory / "certificates"}
    rc.write_text("".join(f'set {name}="{value}"\n' for name, value in (common | settings).items()))
    return engine.namespaces.run("env", f"HOME={directory}", "TERM=vt100", "sh", "-c", f"exec {command.format(mutt=f'mutt -n -F {rc}')}",
                                 data=data, timeout=60)


def mutt_submits(engine, port, login, ident, directory):
    scheme = "smtp" if port == SUBMISSION else "smtps"
    url = f"{scheme}://{quote(login.user, safe='')}@{HOSTNAME}:{port}/"
    mutt(engine, login, directory, {"smtp_url": url, "smtp_pass": login.password, "smtp_authenticators": "plain"},
         f"{{mutt}} -s {ident} {BOB}", TEXT.encode())


SMTPLIB = """
import smtplib, ssl, sys
host, port, kind, trust, user, password, recipient = sys.argv[1:]
context = ssl.create_default_context(cafile=trust)
session = smtplib.SMTP_SSL(host, int(port), context=context) if kind == "SSL" else smtplib.SMTP(host, int(port))
with session:
    if kind != "SSL":
        session.starttls(context=context)
    session.login(user, password)
    session.sendmail(user, [recipient], sys.stdin.read())
"""


def python(engine, script, *words, data=""):
    return engine.namespaces.run("/usr/bin/python3", "-c", script, *words, data=data.encode()).stdout


def smtplib_submits(engine, port, login, ident, _directory, host=HOSTNAME, kind=None):
    python(engine, SMTPLIB, host, port, kind or ("STARTTLS" if port == SUBMISSION else "SSL"), login.trust, login.user, login.password, BOB,
           data=f"From: {login.user}\nSubject: {ident}\n\n{TEXT}")


NODEMAILER = """
const [host, port, ca, user, pass, to, subject] = process.argv.slice(1);
const secure = port === '465';
require('nodemailer').createTransport({host, port, secure, requireTLS: !secure, name: 'client.test', auth: {user, pass}, tls: {ca}})
    .sendMail({from: user, to, subject, text: require('fs').readFileSync(0, 'utf8')})
    .catch(error => { console.error(error); process.exit(1); });
"""


class Nodemailer(peers.Peer):
    """A library for Node."""

    name = "nodemailer"
    program = "/usr/share/nodejs/nodemailer/lib/nodemailer.js"


def nodemailer_submits(engine, port, login, ident, _directory):
    with Nodemailer(engine.namespaces) as peer:
        peer.run("env", "NODE_PATH=/usr/share/nodejs", "node", "-e", NODEMAILER, HOSTNAME, port, login.trust.read_text(), login.user,
                 login.password, BOB, ident, data=TEXT.encode())


@functools.cache
def stored(engine, identity, user):
    return records.export(engine, identity, user)


def delivered(engine, user, ident):
    """What the account has of this subject."""
    found = [stored(engine, row["id"], user) for row in engine.ask("mailbox", "list", user)]
    return [data for data in found if re.search(rb"^Subject: " + ident.encode() + rb"\r$", data, re.MULTILINE)]


def lines_of(data):
    return data.replace(b"\r\n", b"\n").strip().split(b"\n")


def came(engine, ident):
    """It is there once, as it was written, by a login under TLS (RFC 3848)."""
    [data] = delivered(engine, BOB, ident)
    header, body = data.split(b"\r\n\r\n", 1)
    assert re.search(rb"\swith ESMTPSA\s", header), header
    assert lines_of(body) == lines_of(TEXT.encode())


SUBMITTERS = (swaks_submits, curl_submits, msmtp_submits, snail_submits, mutt_submits, smtplib_submits, nodemailer_submits)


@pytest.mark.parametrize("submits, port", combined(SUBMITTERS, (SUBMISSIONS, SUBMISSION)))
def test_submits(served, login, tmp_path, submits, port):
    ident = f"{submits.__name__}-{port}"
    submits(served[0], port, login, ident, tmp_path)
    came(served[0], ident)


@pytest.mark.long
def test_programs_refuse_who_is_not_known(served, login, tmp_path):
    """The same without the authority: the tests above trust nothing else."""
    stranger = Login(ALICE, tmp_path / "none.pem")
    run("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=other",
        "-keyout", tmp_path / "key", "-out", stranger.trust)
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        smtplib_submits(served[0], SUBMISSIONS, stranger, "stranger", tmp_path)


# ---- reading ----

MAIL = messages.plain("programs@client.test", 3000)


def curl_reads(engine, port, login, _directory):
    scheme = "pop3" if port == POP3 else "pop3s"
    return engine.namespaces.run("curl", "-sS", "--max-time", 30, "--ssl-reqd", "--cacert", login.trust, "--user",
                                 f"{login.user}:{login.password}", f"{scheme}://{HOSTNAME}:{port}/1").stdout


def mpop_reads(engine, port, login, directory):
    rc = directory / "mpoprc"
    rc.write_text(f"account default\nhost {HOSTNAME}\nport {port}\ntls on\ntls_starttls {'on' if port == POP3 else 'off'}\n"
                  f"tls_trust_file {login.trust}\nauth scram-sha-256\nuser {login.user}\npassword \"{login.password}\"\nkeep on\n"
                  f"delivery mbox {directory}/mbox\nuidls_file {directory}/uidls\nreceived_header off\n")
    rc.chmod(0o600)
    engine.namespaces.run("mpop", "-C", rc, "-Q")
    return in_mbox(directory)


def in_mbox(directory):
    [mail] = mailbox.mbox(directory / "mbox", create=False)
    return mail.as_bytes()


def fetchmail_reads(engine, port, login, directory):
    """fetchmail's own word for STARTTLS is a version of TLS that it insists on."""
    rc = directory / "fetchmailrc"
    rc.write_text(f"set no bouncemail\npoll {HOSTNAME} protocol pop3 port {port} no dns\n"
                  f'  user "{login.user}" password "{login.password}" is "root" here {"ssl" if port == POP3S else ""} sslproto "TLS1.2+"\n'
                  f'  sslcertck sslcertfile "{login.trust}" keep fetchall no rewrite pass8bits mda "cat > {directory}/mail"\n')
    rc.chmod(0o600)
    engine.namespaces.run("env", f"HOME={directory}", f"FETCHMAILHOME={directory}", "fetchmail", "--nodetach", "--nosyslog", "-f", rc,
                          "--idfile", directory / "ids", "--pidfile", directory / "pid")
    return (directory / "mail").read_bytes()


def snail_reads(engine, port, login, directory):
    url = address_of("pop3" if port == POP3 else "pop3s", login, port)
    snail(engine, login, "-S", "pop3-use-starttls", "-R", "-f", url, data=f"copy * {directory}/mbox\nexit\n")
    return in_mbox(directory)


def mutt_reads(engine, port, login, directory):
    """It wants a terminal: `script` makes one. Keys copy all there is, and leave."""
    url = f"{'pop' if port == POP3 else 'pops'}://{HOSTNAME}:{port}/"
    keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{directory}/mbox<enter><exit>"
    settings = {"pop_user": login.user, "pop_pass": login.password, "confirmcreate": "no", "confirmappend": "no", "mbox_type": "mbox",
                "message_cachedir": "", "pop_authenticators": "user"}
    mutt(engine, login, directory, settings, f"script -qec \"{{mutt}} -R -f {url} -e 'push {keys}'\" /dev/null")
    return in_mbox(directory)


POPLIB = """
import poplib, ssl, sys
host, port, kind, trust, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=trust)
session = poplib.POP3_SSL(host, int(port), context=context) if kind == "SSL" else poplib.POP3(host, int(port))
if kind != "SSL":
    session.stls(context)
session.user(user)
session.pass_(password)
sys.stdout.buffer.write(b"\\n".join(session.retr(1)[1]))
session.quit()
"""


def poplib_reads(engine, port, login, _directory, host=HOSTNAME, kind=None):
    return python(engine, POPLIB, host, port, kind or ("STLS" if port == POP3 else "SSL"), login.trust, login.user, login.password)


IMAPLIB = """
import imaplib, ssl, sys
host, port, kind, trust, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=trust)
session = imaplib.IMAP4_SSL(host, int(port), ssl_context=context) if kind == "SSL" else imaplib.IMAP4(host, int(port))
if kind != "SSL":
    session.starttls(context)
session.login(user, password)
session.select(readonly=True)
sys.stdout.buffer.write(session.fetch("1", "(RFC822)")[1][0][1])
session.logout()
"""


def imaplib_reads(engine, port, login, _directory, host=HOSTNAME, kind=None):
    return python(engine, IMAPLIB, host, port, kind or ("STARTTLS" if port == IMAP else "SSL"), login.trust, login.user, login.password)


READERS = {"curl": "alice", "mpop": "carol", "fetchmail": "dave", "snail": "postmaster", "mutt": "abuse", "poplib": "alice", "imaplib": "alice"}


@pytest.fixture(scope="module")
def sent(served):
    with Session(served[0].namespaces) as session:
        assert session.transaction("sender@client.test", [f"{user}@{DOMAIN}" for user in set(READERS.values())], MAIL.data)[0] == 250


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("reads, port", [
    *combined((curl_reads, mpop_reads, fetchmail_reads, snail_reads, mutt_reads, poplib_reads), (POP3S, POP3)),
    *combined((imaplib_reads,), (IMAPS, IMAP))])
def test_reads(served, login, tmp_path, reads, port):
    user = READERS[reads.__name__.split("_")[0]]
    data = reads(served[0], port, Login(f"{user}@{DOMAIN}", login.trust), tmp_path).replace(b"\r\n", b"\n")
    assert lines_of(data.split(b"\n\n", 1)[1]) == lines_of(MAIL.data.split(b"\r\n\r\n", 1)[1])
    assert messages.message_id_of(data) == MAIL.message_id


# ---- set-up by what `wirepost client-config` writes ----

def written(engine, form, name=DOMAIN):
    return run(binary(), "client-config", "-c", engine.file, "--format", form, name).stdout


def of_autoconfig(engine):
    """As Thunderbird does: the name of who asks goes where it says, the first server of each kind is taken."""
    provider = ElementTree.fromstring(written(engine, "autoconfig")).find("emailProvider")
    for kind in ("incomingServer", "outgoingServer"):
        for server in provider.findall(kind):
            assert server.findtext("authentication") == "password-cleartext"
            yield (server.get("type"), server.findtext("hostname"), server.findtext("port"), server.findtext("socketType"),
                   server.findtext("username").replace("%EMAILADDRESS%", ALICE))


def of_autodiscover(engine):
    for protocol in ElementTree.fromstring(written(engine, "autodiscover", ALICE)).findall(".//{*}Protocol"):
        told = {child.tag.split("}")[1]: child.text for child in protocol}
        yield told["Type"].lower(), told["Server"], told["Port"], told["Encryption"], told["LoginName"]


def of_mobileconfig(engine):
    [mail] = plistlib.loads(written(engine, "mobileconfig", ALICE))["PayloadContent"]
    assert mail["EmailAccountType"] == "EmailTypeIMAP"
    for kind, side in (("imap", "Incoming"), ("smtp", "Outgoing")):
        assert mail[f"{side}MailServerUseSSL"] is True
        yield (kind, mail[f"{side}MailServerHostName"], str(mail[f"{side}MailServerPortNumber"]), "SSL",
               mail[f"{side}MailServerUsername"])


def of_srv(engine):
    """RFC 6186 section 4: what is not "." is offered."""
    kinds = {f"_{service}{letter}": (kind, security) for service, kind in (("submission", "smtp"), ("pop3", "pop3"), ("imap", "imap"))
             for letter, security in (("s", "SSL"), ("", "STARTTLS"))}
    for line in written(engine, "srv").decode().splitlines()[1:]:
        owner, *_middle, port, target = line.split()
        if target != ".":
            yield *(kinds[owner.split(".")[0]][:1]), target.rstrip("."), port, kinds[owner.split(".")[0]][1], ALICE


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("read_form", [of_srv, *(pytest.param(form, marks=pytest.mark.long) for form in (of_autoconfig, of_autodiscover, of_mobileconfig))])
def test_set_up_by_client_config(served, login, tmp_path, read_form):
    """Each server that is named takes the login that is named, over TLS of the kind that is named, with a certificate for its name."""
    engine, kinds = served[0], set()
    for kind, host, port, security, user in read_form(engine):
        own = Login(user, login.trust)
        ident = f"{read_form.__name__}-{port}"
        kinds.add(kind)
        if kind == "smtp":
            smtplib_submits(engine, port, own, ident, tmp_path, host, security)
            came(engine, ident)
        else:
            reads = imaplib_reads if kind == "imap" else poplib_reads
            assert MAIL.message_id.encode() in reads(engine, port, own, tmp_path, host, security)
    assert {"smtp", "imap"} <= kinds
