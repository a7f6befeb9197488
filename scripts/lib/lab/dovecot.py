# SPDX-License-Identifier: BSD-3-Clause
"""A Dovecot of its own in the engine's namespace: POP3 for Maildirs, tuned for many sessions."""

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
CONFIGURATION = """\
protocols = pop3
listen = {address}
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
instance_name = bench
ssl = no
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
mail_location = maildir:{directory}/mail/%n
# nobody else changes these Maildirs; names tell sizes; a session that reads leaves no flags
maildir_very_dirty_syncs = yes
maildir_stat_dirs = no
pop3_no_flag_updates = yes
pop3_fast_size_lookups = yes
mail_fsync = never
mail_max_userip_connections = 0
mail_plugins =
# one process serves all that log in, and is never replaced
service pop3-login {{
  inet_listener pop3 {{
    port = 110
  }}
  inet_listener pop3s {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 4096
  chroot =
}}
# processes stay, and there are enough of them
service pop3 {{
  service_count = 0
  process_min_avail = {sessions}
  process_limit = 1024
}}
service auth {{
  client_limit = 8192
}}
service anvil {{
  client_limit = 8192
}}
"""


def text(directory, sessions):
    owner = pwd.getpwnam(OWNER)
    return CONFIGURATION.format(directory=directory, address=ENGINE_IPV4, uid=owner.pw_uid, gid=owner.pw_gid, sessions=sessions)


class Dovecot(Owner):
    """`fill` its mailboxes before the start; the kernel has the engine's address by then."""

    def __init__(self, namespaces, sessions, users, password_hash):
        self.namespaces = namespaces
        self.directory = own_folder("wirepost-dovecot-")
        self.file = self.directory / "dovecot.conf"
        self.file.write_text(text(self.directory, sessions))
        (self.directory / "users").write_text("".join(f"{user}@{DOMAIN}:{password_hash}\n" for user in users))
        self.users = users
        self.process = None
        self._make_folders()

    def _make_folders(self):
        owner = pwd.getpwnam(OWNER)
        for user in self.users:
            for path in ("", "cur", "new", "tmp"):
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
            with inside(self.namespaces.engine), socket.create_connection((ENGINE_IPV4, 110), timeout=2) as connection:
                return connection.recv(100).startswith(b"+OK")
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid
