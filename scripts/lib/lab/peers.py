# SPDX-License-Identifier: BSD-3-Clause
"""
Mail servers that send to the engine, with Debian's own binaries, out of the folder where scripts/lib/packages.sh unpacks
them. Each runs in the client's network namespace and in a mount namespace of its own: over /usr lie the unpacked files,
over /etc its configuration and its users, and /var and /run are its own, so that queue, logs and sockets are where Debian
has them. Nothing of the system is written to.
"""

import os
from pathlib import Path

from lab.clients import CLIENT_NAME
from lab.commands import Owner, start, wait_until
from lab.namespaces import ENGINE_IPV4
from lab.postfix_files import QUEUE, SERVICES, own_folder, unpack

FOLDER = Path(os.environ.get("WIREPOST_PEERS", "/var/cache/wirepost-peers"))

# $1: the unpacked tree, $2: the peer's own folder; the rest is the command. /var last: the folder lies in it.
_MOUNTS = """
tree=$1 own=$2
shift 2
etc=$own/etc
[ ! -d "$tree/etc" ] || etc=$etc:$tree/etc
mount -t overlay wirepost-peer -o "lowerdir=$etc:/etc" /etc || exit 125
[ ! -d "$tree/usr" ] || mount -t overlay wirepost-peer -o "lowerdir=$tree/usr:/usr" /usr || exit 125
mount --bind "$own/run" /run && mount --bind "$own/var" /var || exit 125
cd / && exec "$@"
"""
# What Debian's packages add when they are installed; a user of the system's own keeps its number.
_USERS = ("postfix", "Debian-exim", "smmta", "smmsp", "opensmtpd", "opensmtpq")
_GROUPS = (*_USERS, "postdrop")
_FIRST_ID = 61400


class Peer(Owner):
    """`send` hands it a message as a user of that machine would; `with` ends what it has started."""

    name = None
    program = None  # a file by which it is known to be there
    sendmail = ()  # the command that takes a message: -f sender and recipients follow
    newline = b"\n"

    @classmethod
    def available(cls):
        return (FOLDER / cls.name / cls.program.lstrip("/")).exists() or Path(cls.program).exists()

    def __init__(self, namespaces):
        self.namespaces = namespaces
        self.directory = own_folder("wirepost-peer-")
        self.etc, self.var = self.directory / "etc", self.directory / "var"
        for path in ("etc", "run", "var/log", "var/spool", "var/lib", "var/tmp"):
            (self.directory / path).mkdir(parents=True)
        (self.var / "run").symlink_to("/run")
        (self.var / "tmp").chmod(0o1777)
        self.ids = self._accounts()
        (self.etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (self.etc / "hosts").write_text(f"127.0.0.1 localhost\n198.18.0.1 {CLIENT_NAME}\n{ENGINE_IPV4} mx.example.test\n")
        (self.etc / "mailname").write_text(f"{CLIENT_NAME}\n")
        self.process = None

    def _accounts(self):
        """Writes passwd and group; the numbers of all users."""
        ids = {}
        for file, names, line in (("passwd", _USERS, "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"),
                                  ("group", _GROUPS, "{0}:x:{1}:\n")):
            text = Path("/etc", file).read_text()
            known = {row.split(":")[0]: int(row.split(":")[2]) for row in text.splitlines() if row.count(":") > 2}
            for number, name in enumerate(names, _FIRST_ID):
                if name not in known:
                    text += line.format(name, number)
                    known[name] = number
            (self.etc / file).write_text(text)
            ids[file] = known
        return ids

    def folder(self, path, owner, group=None, mode=0o750):
        """A folder below /var, for that user."""
        made = self.var / path
        made.mkdir(parents=True, exist_ok=True)
        os.chown(made, self.ids["passwd"][owner], self.ids["group"][group or owner])
        made.chmod(mode)
        return made

    def words(self, *command):
        return ["sh", "-c", _MOUNTS, "peer", FOLDER / self.name, self.directory, *command]

    def run(self, *command, **options):
        return self.namespaces.run(*self.words(*command), **options)

    def send(self, sender, recipients, data, timeout=60):
        """Hands the message over and returns what its command said; what becomes of it is read elsewhere."""
        return self.run(*self.sendmail, "-f", sender, *recipients, data=data.replace(b"\r\n", self.newline), check=False,
                        timeout=timeout)

    def start(self):
        return self

    def told(self):
        """The ends of its logs."""
        texts = []
        for path in sorted([*self.var.glob("log/**/*"), self.directory / "output"]):
            if path.is_file():
                texts.append(f"---- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-30:]))
        return "\n".join(texts)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def daemon(self, *command):
        """Starts what stays in the foreground; its words go to a file."""
        with open(self.directory / "output", "ab") as output:
            self.process = start(*self.namespaces.command(*self.words(*command)), log=output)


class Postfix(Peer):
    """A queue manager and a client; messages come by its sendmail command."""

    name = "postfix"
    program = "/usr/lib/postfix/sbin/smtp"
    sendmail = ("/usr/sbin/sendmail", "-i")

    MAIN = """\
compatibility_level = 3.6
myhostname = {name}
mydestination =
relayhost = [{engine}]:25
inet_interfaces = loopback-only
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_tls_security_level = none
alias_maps =
local_recipient_maps =
maillog_file = /var/log/postfix.log
"""
    MASTER = SERVICES + """\
pickup    unix  n       -       n       1       1       pickup
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
scache    unix  -       -       n       -       1       scache
"""

    def start(self):
        unpack(self.etc / "postfix", self.MAIN.format(name=CLIENT_NAME, engine=ENGINE_IPV4), self.MASTER)
        self.folder("lib/postfix", "postfix")
        # What `postfix start` would do, without its look at each file of the system.
        (self.var / "spool/postfix").mkdir()
        for path, group, mode in QUEUE:
            self.folder(f"spool/postfix/{path}", "postfix", group, mode)
        (self.var / "spool/postfix/pid").mkdir()
        self.daemon("env", "MAIL_CONFIG=/etc/postfix", "MAIL_LOGTAG=postfix", "/usr/lib/postfix/sbin/master", "-c",
                    "/etc/postfix", "-d")
        wait_until((self.var / "spool/postfix/public/pickup").exists, 20, "Postfix")
        return self


class Exim(Peer):
    """Delivers while its sendmail command runs; its own bounces in a process that goes on behind it."""

    name = "exim"
    program = "/usr/sbin/exim4"
    sendmail = ("/usr/sbin/exim4", "-C", "/etc/exim.conf", "-i", "-odf")

    CONFIGURATION = """\
primary_hostname = {name}
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
trusted_users = root
host_lookup =
log_selector = +smtp_confirmation +delivery_size
begin routers
out:
  driver = manualroute
  transport = smtp
  route_list = * {engine}
  self = send
begin transports
smtp:
  driver = smtp
  hosts_avoid_tls = *
begin retry
* * F,1h,5s
"""

    def start(self):
        (self.etc / "exim.conf").write_text(self.CONFIGURATION.format(name=CLIENT_NAME, engine=ENGINE_IPV4))
        for path in ("spool/exim4", "log/exim4"):
            self.folder(path, "Debian-exim")
        return self


class Sendmail(Peer):
    """Delivers while its command runs; its configuration is made by its own m4 files."""

    name = "sendmail"
    program = "/usr/libexec/sendmail/sendmail"
    sendmail = ("/usr/libexec/sendmail/sendmail", "-C", "/etc/wirepost.cf", "-i", "-odi")

    MACROS = """\
include(`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(`linux')
define(`SMART_HOST', `esmtp:[{engine}]')
define(`confDOMAIN_NAME', `{name}')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confSERVICE_SWITCH_FILE', `/etc/service.switch')
define(`confRUN_AS_USER', `root')
undefine(`ALIAS_FILE')
FEATURE(`nocanonify')
FEATURE(`nouucp', `nospecial')
MAILER(`local')
MAILER(`smtp')
"""

    def start(self):
        (self.etc / "wirepost.mc").write_text(self.MACROS.format(name=CLIENT_NAME, engine=ENGINE_IPV4))
        (self.etc / "service.switch").write_text("hosts files\naliases files\n")
        (self.etc / "mail").mkdir()
        (self.etc / "mail/local-host-names").write_text("")
        made = self.run("m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", "/etc/wirepost.mc")
        (self.etc / "wirepost.cf").write_bytes(made.stdout)
        (self.var / "spool/mqueue").mkdir(mode=0o700)
        return self


class OpenSmtpd(Peer):
    """A daemon; messages come by its sendmail command over its socket."""

    name = "opensmtpd"
    program = "/usr/sbin/smtpctl"

    CONFIGURATION = """\
listen on socket
action "out" relay host smtp://{engine}:25 helo {name}
match from any for any action "out"
"""

    @property
    def sendmail(self):
        # Debian's is of that group when it is installed; unpacked files are of root.
        return ("setpriv", "--regid", self.ids["group"]["opensmtpq"], "--clear-groups", "/usr/sbin/sendmail", "-i")

    def start(self):
        (self.etc / "smtpd.conf").write_text(self.CONFIGURATION.format(name=CLIENT_NAME, engine=ENGINE_IPV4))
        (self.var / "lib/opensmtpd/empty").mkdir(parents=True)
        self.daemon("/usr/sbin/smtpd", "-dv")
        wait_until((self.directory / "run/smtpd.sock").exists, 20, "OpenSMTPD")
        return self


SERVERS = (Postfix, Exim, Sendmail, OpenSmtpd)
