# SPDX-License-Identifier: BSD-3-Clause
"""A server that people have accounts on: submission, POP3 and IMAP under TLS alone, and its certificate."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.certificates import Authority
from lab.engine import HOSTNAME, PASSWORD
from lab.namespaces import ENGINE_IPV4, ENGINE_IPV6
from lab.scram import scram_keys

SUBMISSION, SUBMISSIONS, POP3, POP3S, IMAP, IMAPS = 587, 465, 110, 995, 143, 993


@dataclass(frozen=True)
class Login:
    """Who logs in, and the file of the authority that signed the server's certificate."""

    user: str
    trust: Path
    password: str = PASSWORD


def serve(engine):
    """The engine, before it starts, gets listeners, keys, a certificate for its name, and the name. Returns the authority's file."""
    authority = Authority(engine.directory / "certificates")
    certificate = authority.sign("server", HOSTNAME)
    # Reloads read it as the user that the engine has become.
    shutil.chown(certificate["key"], engine.settings["engine"]["user"])
    keys = scram_keys("SCRAM-SHA-256", "sha256")
    engine.settings |= {
        "listeners": [{"port": 25, "protocol": "smtp", "tls": "starttls"},
                      {"port": SUBMISSION, "protocol": "submission", "tls": "starttls"},
                      {"port": SUBMISSIONS, "protocol": "submission", "tls": "implicit"},
                      {"port": POP3, "protocol": "pop3", "tls": "starttls"},
                      {"port": POP3S, "protocol": "pop3", "tls": "implicit"},
                      {"port": IMAP, "protocol": "imap", "tls": "starttls"},
                      {"port": IMAPS, "protocol": "imap", "tls": "implicit"}],
        "tls": {"certificates": [certificate]},
        "pop3": {"allow_cleartext": False},
        "accounts": [{**account, "scram_sha_256": keys} for account in engine.settings["accounts"]],
    }
    engine.write()
    engine.namespaces.name(HOSTNAME, ENGINE_IPV4, ENGINE_IPV6)
    return authority.file
