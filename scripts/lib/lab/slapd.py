# SPDX-License-Identifier: BSD-3-Clause
"""
Debian's slapd as a child: out of the folder where scripts/lib/packages.sh unpacks it, or as it is installed. Schemas,
data, certificates and sockets lie in a folder of its own, and it listens on the loopback of one namespace and on a socket
in that folder. No service of the system's is started or touched.
"""

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from lab.certificates import Authority
from lab.commands import Owner, run, start, wait_until
from lab.peers import FOLDER

SUFFIX = "dc=test"
READER, READER_PASSWORD = f"cn=reader,{SUFFIX}", "may look"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "may write"

# What the trees below need beside inetOrgPerson: a mail account as sites with OpenLDAP have it, and users and groups that
# look like Active Directory's.
SCHEMA = """
attributetype ( 1.3.6.1.4.1.4203.666.11.99.1 NAME 'mailAlternateAddress' SUP mail )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.2 NAME 'mailQuota' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.3 NAME 'accountStatus' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.4 NAME 'maySendAs' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.5 NAME 'scramKeys' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.6 NAME 'mailForwardingAddress' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.7 NAME 'deliveryMode' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.8 NAME 'rfc822MailMember' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.4.1.4203.666.11.99.20 NAME 'mailAccount' SUP top AUXILIARY
    MAY ( mail $ mailAlternateAddress $ mailQuota $ accountStatus $ maySendAs $ scramKeys $ mailForwardingAddress $ deliveryMode $ rfc822MailMember ) )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.10 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.11 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.12 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.13 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
attributetype ( 1.3.6.1.4.1.4203.666.11.99.14 NAME 'objectGUID' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.4203.666.11.99.21 NAME 'user' SUP organizationalPerson STRUCTURAL
    MAY ( sAMAccountName $ userPrincipalName $ proxyAddresses $ userAccountControl $ objectGUID $ mail ) )
objectclass ( 1.3.6.1.4.1.4203.666.11.99.22 NAME 'group' SUP top STRUCTURAL
    MUST cn MAY ( member $ mail $ proxyAddresses $ sAMAccountName $ objectGUID ) )
"""

_CONF = """
{includes}
include {folder}/lab.schema
modulepath {tree}/usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient never
database mdb
suffix "{suffix}"
directory {folder}/data
maxsize 16777216
dbnosync
rootdn "{admin}"
rootpw "{admin_password}"
index objectClass,mail,uid eq
access to attrs=userPassword by dn.exact="{reader}" compare by anonymous auth by * none
access to attrs=scramKeys by dn.exact="{reader}" read by * none
access to * by dn.exact="{reader}" read by * none
"""


def available():
    return _slapd() is not None and _tool("ldapmodify") is not None


def _slapd():
    """The folder that slapd's files are in: of the unpacked tree, or the system's."""
    return next((tree for tree in (FOLDER / "slapd", Path("/")) if (tree / "usr/sbin/slapd").exists()), None)


def _tool(name):
    return shutil.which(name, path=f"{FOLDER}/slapd/usr/bin:{os.environ.get('PATH', '')}")


def ssha(password):
    """The hash that OpenLDAP makes of passwords."""
    salt = b"wirepost"
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def entry(name, **attributes):
    """An entry as LDIF, its values in base64 so that none has to be looked at. Lists are several values."""
    lines = [f"dn: {name}"]
    for attribute, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            octets = value if isinstance(value, bytes) else str(value).encode()
            lines.append(f"{attribute}:: {base64.b64encode(octets).decode()}")
    return "\n".join(lines) + "\n"


def frame(*units):
    """What every tree has: its top, and who looks entries up."""
    return [
        entry(SUFFIX, objectClass=["dcObject", "organization"], dc="test", o="test"),
        entry(READER, objectClass=["organizationalRole", "simpleSecurityObject"], cn="reader", userPassword=ssha(READER_PASSWORD)),
        *(entry(f"ou={unit},{SUFFIX}", objectClass="organizationalUnit", ou=unit) for unit in units),
    ]


class Slapd(Owner):
    """
    One server: `stop`, `start` and `pause` it; `uri` for clear text and StartTLS, `secure` for ldaps, `local` for its socket.
    `entries` are LDIF, or another server whose tree is copied.
    """

    def __init__(self, namespace, entries, port=389, authority=None):
        self.namespace = namespace
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-slapd-", dir="/var/tmp"))
        self.process = None
        self.uri, self.secure = f"ldap://localhost:{port}", f"ldaps://localhost:{port + 247}"
        self.socket = self.directory / "ldapi"
        self.local = "ldapi://" + quote(str(self.socket), safe="")
        self.tree = _slapd()
        self.libraries = ":".join(str(folder) for folder in (self.tree / "usr/lib/x86_64-linux-gnu", self.tree / "usr/lib")
                                  if self.tree != Path("/"))
        self.authority = authority or Authority(self.directory / "tls")
        # libldap takes the machine's own name for "localhost".
        self._write(self.authority.sign(f"server-{port}", *{"localhost", socket.gethostname(), socket.getfqdn()}))
        if isinstance(entries, Slapd):
            shutil.copytree(entries.directory / "data", self.directory / "data")
        else:
            self.load(entries)

    def _write(self, item):
        schemas = [self.tree / f"etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson")]
        (self.directory / "lab.schema").write_text(SCHEMA)
        (self.directory / "slapd.conf").write_text(_CONF.format(
            includes="\n".join(f"include {schema}" for schema in schemas), folder=self.directory, tree=self.tree,
            ca=self.authority.file, suffix=SUFFIX, admin=ADMIN, admin_password=ADMIN_PASSWORD, reader=READER, **item))

    def _words(self, *words):
        return ["env", f"LD_LIBRARY_PATH={self.libraries}", self.tree / "usr/sbin/slapd", *words, "-f", self.directory / "slapd.conf"]

    def load(self, entries):
        """Fills the tree while no server runs on it."""
        (self.directory / "data").mkdir()
        run(*self._words("-T", "add", "-q"), data="\n".join(entries).encode())

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = start("ip", "netns", "exec", self.namespace, *self._words(
                "-d", "stats", "-h", f"{self.uri} {self.secure} {self.local}"), log=log)
        wait_until(self._answers, 10, "slapd")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        return subprocess.run([_tool("ldapwhoami"), "-x", "-H", self.local], capture_output=True, check=False).returncode == 0

    def stop(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def add(self, *entries):
        """Adds entries to the tree of the running server."""
        run(_tool("ldapmodify"), "-a", "-x", "-H", self.local, "-D", ADMIN, "-w", ADMIN_PASSWORD, data="\n".join(entries).encode())

    def change(self, *changes):
        """Makes changes to the tree of the running server, as LDIF with a changetype."""
        run(_tool("ldapmodify"), "-x", "-H", self.local, "-D", ADMIN, "-w", ADMIN_PASSWORD, data="\n".join(changes).encode())

    def searches(self, text):
        """How many searches so far had that in their filter or base."""
        lines = (self.directory / "log").read_text(errors="replace").splitlines()
        return sum(" SRCH base=" in line and text in line for line in lines)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise
