# SPDX-License-Identifier: BSD-3-Clause
"""Debian's Dovecot as an IMAP server on loopback: what the tests of IMAP are known to be right by."""

import grp
import os
import pwd
import shutil
import socket
from pathlib import Path

from lab.commands import Owner, end, start, wait_until
from lab.imap.wire import Server
from lab.postfix_files import own_folder

PROGRAM = "/usr/sbin/dovecot"
PLUGIN = "/usr/lib/dovecot/imap"
USER, OTHER, PASSWORD = "tester@imap.test", "second@imap.test", "secret"

CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
instance_name = wirepost-imap
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_cache_size = 16M
default_internal_user = {owner}
default_internal_group = {group}
default_login_user = {owner}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={directory}/mail/%n
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = {location}
mail_fsync = {fsync}
mail_max_userip_connections = 0
# Changes are looked for when a command asks, not only when a clock says so.
mailbox_idle_check_interval = 1 secs
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 1
  chroot =
}}
service imap {{
  service_count = 0
  process_min_avail = {processes}
  process_limit = 1200
}}
service anvil {{
  client_limit = 8192
}}
service auth {{
  client_limit = 8192
}}
"""


def available():
    return os.path.exists(PROGRAM) and os.path.exists(PLUGIN)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dovecot(Owner):
    """`location`: mail in sdbox, or maildir; what `~` is in it, Dovecot says."""

    def __init__(self, location="sdbox:~/mail", fsync="never", processes=4):
        self.directory = own_folder("wirepost-imap-dovecot-")
        owner = pwd.getpwnam("nobody")
        self.port = free_port()
        self.file = self.directory / "dovecot.conf"
        (self.directory / "mail").mkdir()
        shutil.chown(self.directory / "mail", owner.pw_uid, owner.pw_gid)
        self.file.write_text(CONFIGURATION.format(
            directory=self.directory, owner="nobody", group=grp.getgrgid(owner.pw_gid).gr_name, password=PASSWORD,
            location=location, fsync=fsync, port=self.port, processes=processes))
        self.process = None

    def start(self):
        with open(self.directory / "output", "ab") as log:
            self.process = start(PROGRAM, "-F", "-c", self.file, log=log)
        wait_until(self._greets, 20, f"Dovecot: {self.said()}")
        return self

    def said(self):
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in (self.directory / "output", self.directory / "log")
                         if Path(path).exists())

    def _greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.recv(100).startswith(b"* OK")
        except OSError:
            return False

    @property
    def server(self):
        return Server("127.0.0.1", self.port, USER, PASSWORD, OTHER, names=("DOVECOT",))

    @property
    def pid(self):
        return self.process.pid

    def close(self):
        if self.process:
            end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)
