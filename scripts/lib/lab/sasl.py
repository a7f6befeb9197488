# SPDX-License-Identifier: BSD-3-Clause
"""Logins as a client makes them: SCRAM with and without channel binding, over TLS whose keying material can be had."""

import base64
import hashlib
import hmac
import json
import os
import socket
from contextlib import suppress

from cryptography import x509
from OpenSSL import SSL

from lab.engine import HOSTNAME, PASSWORD
from lab.namespaces import ENGINE_IPV4, inside
from lab.scram import b64, scram_keys  # noqa: F401 (for those that log in)

NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET


class Channel:
    """A connection out of the client's namespace, line by line; in the clear where no version is given."""

    def __init__(self, namespaces, port, version=SSL.TLS1_3_VERSION, options=0, certificate=None, session=None, suites=None):
        with inside(namespaces.client):
            self.socket = self.tls = socket.create_connection((ENGINE_IPV4, port), timeout=30)
        self.socket.settimeout(None)
        if version:
            self._secure(version, options, certificate, session, suites)
        self._read = b""
        self.banner = self.line()

    def _secure(self, version, options, certificate, session, suites):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        context.set_options(options)
        if suites:
            context.set_cipher_list(suites.encode())
        if certificate:
            context.use_certificate_chain_file(certificate["certificate"])
            context.use_privatekey_file(certificate["key"])
        self.tls = SSL.Connection(context, self.socket)
        self.tls.set_tlsext_host_name(HOSTNAME.encode())
        if session:
            self.tls.set_session(session)
        self.tls.set_connect_state()
        self.tls.do_handshake()

    def line(self):
        while b"\r\n" not in self._read:
            try:
                self._read += self.tls.recv(16384)
            except SSL.ZeroReturnError:
                return ""
        line, self._read = self._read.split(b"\r\n", 1)
        return line.decode()

    def reply(self):
        """The lines of a reply; of POP3 the first one only."""
        lines = [self.line()]
        while lines[-1][3:4] == "-" and lines[-1][:3].isdigit():
            lines.append(self.line())
        return "\n".join(lines)

    def command(self, line):
        self.tls.sendall(line.encode() + b"\r\n")
        return self.reply()

    def exporter(self):
        """RFC 9266."""
        return self.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def end_point(self):
        """RFC 5929 section 4."""
        certificate = self.tls.get_peer_certificate().to_cryptography()
        name = certificate.signature_hash_algorithm.name
        return certificate.fingerprint(certificate.signature_hash_algorithm if name not in ("md5", "sha1") else x509.hashes.SHA256())

    def mechanisms(self):
        """Those that are offered, by either protocol."""
        if self.banner.startswith("+OK"):
            lines = [self.command("CAPA")]
            while lines[-1] != ".":
                lines.append(self.line())
            offered = [line.split()[1:] for line in lines if line.startswith("SASL ")]
        else:
            offered = [line.split()[1:] for line in self.command("EHLO client.test").split("\n") if line[4:9] == "AUTH "]
        return offered[0] if offered else []

    def close(self):
        if self.tls is not self.socket:
            with suppress(SSL.Error):
                self.tls.shutdown()  # without it OpenSSL takes the session for one not to be resumed
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()


def say(channel, mechanism, text, initial=True):
    """One message of the client's; the reply to it."""
    if initial:
        return channel.command(f"AUTH {mechanism} {b64(text) or '='}")
    assert channel.command(f"AUTH {mechanism}").rstrip() in ("334", "+")
    return channel.command(b64(text))


def bearer(channel, mechanism, token, identity="", initial=False):
    """A login by token: the last reply, and what a refusal says (None: nothing)."""
    if mechanism == "XOAUTH2":
        text = f"user={identity or 'alice@example.test'}\1auth=Bearer {token}\1\1"
    else:
        text = f"n,{f'a={identity}' if identity else ''},\1host=mx.example.test\1port=465\1auth=Bearer {token}\1\1"
    said = say(channel, mechanism, text, initial)
    if not said.startswith(("334 ", "+ ")):
        return said, None
    refusal = json.loads(base64.b64decode(said.split(" ", 1)[1]))
    return channel.command("" if mechanism == "XOAUTH2" else b64("\1")), refusal


def scram(channel, mechanism, user, password, header="n,,", binding=b"", digest="sha256"):
    """The last reply of a login: what it ended with, at whichever step. The server's proof is checked."""
    def is_challenge(text):
        return text.startswith(("334 ", "+ "))

    bare = f"n={user},r={b64(os.urandom(12))}"
    said = channel.command(f"AUTH {mechanism} {b64(header + bare)}")
    if not is_challenge(said):
        return said
    first = base64.b64decode(said.split(" ", 1)[1]).decode()
    fields = dict(field.split("=", 1) for field in first.split(","))
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client = hmac.digest(salted, b"Client Key", digest)
    without = f"c={b64(header.encode() + binding)},r={fields['r']}"
    message = f"{bare},{first},{without}".encode()
    signature = hmac.digest(hashlib.new(digest, client).digest(), message, digest)
    proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
    said = channel.command(b64(f"{without},p={b64(proof)}"))
    if not is_challenge(said):
        return said
    verifier = hmac.digest(hmac.digest(salted, b"Server Key", digest), message, digest)
    assert base64.b64decode(said.split(" ", 1)[1]).decode() == f"v={b64(verifier)}"
    return channel.command("")
