# SPDX-License-Identifier: BSD-3-Clause
"""A Postfix of its own in the engine's namespace: virtual Maildir delivery, tuned for many short connections."""

import os
import pwd
import shutil

from lab.commands import Owner, start, wait_until
from lab.engine import DOMAIN, HOSTNAME, USERS
from lab.namespaces import ENGINE_IPV4
from lab.postfix_files import QUEUE, SERVICES, own_folder, unpack

# What is not Postfix's default, and why it is faster or fairer so.
MAIN = """\
compatibility_level = 3.6
# an instance of its own, on the same disk as ours
queue_directory = {directory}/queue
data_directory = {directory}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
myhostname = {hostname}
inet_interfaces = {address}
inet_protocols = ipv4
mynetworks =
mydestination =
# every recipient is a virtual mailbox, a Maildir
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{directory}/etc/mailboxes
virtual_mailbox_base = {directory}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
message_size_limit = 52428800
smtpd_recipient_restrictions = reject_unauth_destination
# no brake on a busy client
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_error_sleep_time = 0
# no look-ups of names that do not exist here, no TLS, no MIME checks that nobody asked for
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_tls_security_level = none
disable_mime_input_processing = yes
enable_original_recipient = no
# no rewriting of addresses that nobody asked for
receive_override_options = no_address_mappings
local_header_rewrite_clients =
append_dot_mydomain = no
# processes stay, and there are enough of them for {connections} connections at once
default_process_limit = 100
max_use = 10000
max_idle = 1000s
# deliveries begin in parallel at once; one mailbox may take as many as there are connections
initial_destination_concurrency = {connections}
virtual_destination_concurrency_limit = {connections}
virtual_destination_recipient_limit = 1
"""

LISTENER = """\
smtp      inet  n       -       n       -       {processes}     smtpd
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
"""


OWNER = "nobody"


def main_text(directory, connections):
    """The whole main.cf of an instance in that directory."""
    owner = pwd.getpwnam(OWNER)
    return MAIN.format(directory=directory, hostname=HOSTNAME, address=ENGINE_IPV4, domain=DOMAIN,
                       connections=connections, uid=owner.pw_uid, gid=owner.pw_gid)


def master_text(connections):
    """The whole master.cf; some more processes than connections, so that none waits for one."""
    return SERVICES + LISTENER.format(processes=connections + 80)


class Postfix(Owner):
    """Started in the namespace that the engine would have, whose address the kernel has by then; `close` stops it and removes its directory."""

    def __init__(self, namespaces, connections, users=USERS):
        self.namespaces = namespaces
        self.users = users
        self.process = None
        self.directory = own_folder("wirepost-postfix-")
        self._write(main_text(self.directory, connections), master_text(connections), users)

    def _write(self, main, master, users):
        owner = pwd.getpwnam(OWNER)
        etc, mail = self.directory / "etc", self.directory / "mail"
        unpack(etc, main, master)
        for path in (mail, self.directory / "queue", self.directory / "data"):
            path.mkdir()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        shutil.chown(self.directory / "data", "postfix")
        boxes = [f"{user}@{DOMAIN} {user}/\n" for user in users]
        (etc / "mailboxes").write_text("".join(boxes))

    def start(self):
        """As its `postfix` command does, without the look at each file of the system."""
        self._make_queue()
        self.process = start("ip", "netns", "exec", self.namespaces.engine, "env", f"MAIL_CONFIG={self.directory}/etc",
                             "MAIL_LOGTAG=postfix", "/usr/lib/postfix/sbin/master", "-c", self.directory / "etc", "-d")
        wait_until((self.directory / "queue/public/cleanup").exists, 20, "Postfix")
        return self

    def _make_queue(self):
        (self.directory / "queue/pid").mkdir()
        for path, group, mode in QUEUE:
            folder = self.directory / "queue" / path
            folder.mkdir()
            shutil.chown(folder, "postfix", group)
            folder.chmod(mode)

    @property
    def pid(self):
        return self.process.pid

    def present(self):
        """How many messages are in all Maildirs."""
        return sum(len(os.listdir(folder)) for folder in (self.directory / "mail").glob("*/new"))

    def messages(self):
        """The bytes of each of them."""
        return (path.read_bytes() for path in (self.directory / "mail").glob("*/new/*"))
