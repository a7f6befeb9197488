# SPDX-License-Identifier: BSD-3-Clause
"""Stored keys of SCRAM as RFC 5803 writes them, computed apart from the engine."""

import base64
import hashlib
import hmac

SALT = b"a salt for tests"


def stored_keys(password, name="SCRAM-SHA-256", digest="sha256", iterations=4096):
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, iterations)
    stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
    server = hmac.digest(salted, b"Server Key", digest)
    salt, stored, server = (base64.b64encode(octets).decode() for octets in (SALT, stored, server))
    return f"{name}${iterations}:{salt}${stored}:{server}"
