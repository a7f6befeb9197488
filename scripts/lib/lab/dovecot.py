# SPDX-License-Identifier: BSD-3-Clause
"""A Dovecot of its own in the engine's namespace, tuned for many sessions: POP3 for Maildirs, or IMAP."""

import os
import pwd
import socket

from lab.commands import Owner, start, wait_until
from lab.engine import DOMAIN
from lab.namespaces import ENGINE_IPV4, inside
from lab.postfix_files import own_folder

OWNER = "nobody"
PROGRAM = "dovecot"

# What is not Dovecot's default, and why it is faster or fairer so.
COMMON = """\
protocols = {protocol}
listen = {address}
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
instance_name = bench
disable_plaintext_auth = no
auth_mechanisms = plain
# the same crypt(5) hashes as ours; a password that was right once is remembered
auth_cache_size = 16M
auth_cache_ttl = 1 hour
passdb {{
  driver = passwd-file
  args = scheme=CRYPT username_format=%u {directory}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={directory}/mail/%n
}}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mail_max_userip_connections = 0
mail_plugins =
# one process serves all that log in, and is never replaced
service {protocol}-login {{
  inet_listener {protocol} {{
    port = {port}
  }}
  inet_listener {protocol}s {{
    port = {secure}
  }}
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 4096
  chroot =
}}
# processes stay, and there are enough of them
service {protocol} {{
  service_count = 0
  process_min_avail = {sessions}
  process_limit = 2048
}}
service auth {{
  client_limit = 8192
}}
service anvil {{
  client_limit = 8192
}}
"""
PROTOCOLS = {
    "pop3": """\
mail_location = maildir:{directory}/mail/%n
# nobody else changes these Maildirs; names tell sizes; a session that reads leaves no flags
maildir_very_dirty_syncs = yes
maildir_stat_dirs = no
pop3_no_flag_updates = yes
pop3_fast_size_lookups = yes
""",
    "imap": """\
# its own format, a file a message beside the indexes; ENVELOPE and dates are in the cache from the first message on
mail_location = sdbox:{directory}/mail/%n
mail_always_cache_fields = imap.envelope date.save size.virtual hdr.from hdr.subject hdr.date
# of inotify, so at once
mailbox_idle_check_interval = 30 secs
""",
}
PORTS = {"pop3": 110, "imap": 143}
GREETINGS = {"pop3": b"+OK", "imap": b"* OK"}
SECURE = 993
TLS = "ssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}\n"


def text(directory, sessions, protocol="pop3", certificate=None):
    """With a certificate, which is an item of tls.certificates, there is TLS on a port of its own."""
    owner = pwd.getpwnam(OWNER)
    whole = COMMON + PROTOCOLS[protocol] + (TLS if certificate else "ssl = no\n")
    return whole.format(directory=directory, address=ENGINE_IPV4, uid=owner.pw_uid, gid=owner.pw_gid, sessions=sessions, protocol=protocol,
                        port=PORTS[protocol], secure=SECURE if certificate else 0, **(certificate or {}))


class Dovecot(Owner):
    """`fill` its mailboxes before the start; the kernel has the engine's address by then."""

    def __init__(self, namespaces, sessions, users, password_hash, protocol="pop3", certificate=None):
        self.namespaces = namespaces
        self.protocol = protocol
        self.directory = own_folder("wirepost-dovecot-")
        self.file = self.directory / "dovecot.conf"
        self.file.write_text(text(self.directory, sessions, protocol, certificate))
        (self.directory / "users").write_text("".join(f"{user}@{DOMAIN}:{password_hash}\n" for user in users))
        self.users = users
        self.process = None
        self._make_folders()

    def _make_folders(self):
        owner = pwd.getpwnam(OWNER)
        for user in self.users:
            for path in ("", "cur", "new", "tmp") if self.protocol == "pop3" else ("",):
                folder = self.directory / "mail" / user / path
                folder.mkdir(parents=True, exist_ok=True)
                os.chown(folder, owner.pw_uid, owner.pw_gid)

    def fill(self, maildirs):
        """Each mailbox gets the messages of the Maildir of its name in that folder, their sizes in the files' names."""
        owner = pwd.getpwnam(OWNER)
        for user in self.users:
            for number, source in enumerate(sorted((maildirs / user).glob("*/*"))):
                message = source.read_bytes()
                size = len(message.replace(b"\n", b"\r\n"))
                path = self.directory / "mail" / user / "cur" / f"1700000000.M{number}.bench,S={len(message)},W={size}:2,"
                path.write_bytes(message)
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def start(self):
        with open(self.directory / "output", "ab") as log:
            self.process = start("ip", "netns", "exec", self.namespaces.engine, PROGRAM, "-F", "-c", self.file, log=log)
        wait_until(self._greets, 20, "Dovecot")
        return self

    def _greets(self):
        try:
            with inside(self.namespaces.engine), socket.create_connection((ENGINE_IPV4, PORTS[self.protocol]), timeout=2) as connection:
                return connection.recv(100).startswith(GREETINGS[self.protocol])
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid
