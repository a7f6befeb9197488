# SPDX-License-Identifier: BSD-3-Clause
"""Stored keys of SCRAM, computed apart from the engine."""

import base64
import hashlib
import hmac

from lab.engine import PASSWORD

SALT = b"a salt for tests"


def b64(octets):
    return base64.b64encode(octets.encode() if isinstance(octets, str) else octets).decode()


def scram_keys(name, digest, password=PASSWORD, iterations=4096):
    """As RFC 5803 writes them."""
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, iterations)
    stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
    server = hmac.digest(salted, b"Server Key", digest)
    return f"{name}${iterations}:{b64(SALT)}${b64(stored)}:{b64(server)}"
