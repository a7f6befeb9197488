# SPDX-License-Identifier: BSD-3-Clause
"""An identity provider for tests: discovery document, keys, introspection; and tokens that are really signed."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.commands import run
from lab.namespaces import inside

CLIENT, SECRET = "mail engine", "s3cret/&"


def b64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value):
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    """A private key with a name, and the public one as a JWK."""

    def __init__(self, algorithm, name):
        self.algorithm, self.name = algorithm, name
        self.private = {"RS256": lambda: rsa.generate_private_key(65537, 2048), "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                        "EdDSA": ed25519.Ed25519PrivateKey.generate}[algorithm]()

    def sign(self, octets):
        if self.algorithm == "RS256":
            return self.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.private.sign(octets, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.private.sign(octets)

    def jwk(self):
        public = self.private.public_key()
        if self.algorithm == "RS256":
            numbers = public.public_numbers()
            kind = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        elif self.algorithm == "ES256":
            numbers = public.public_numbers()
            kind = {"kty": "EC", "crv": "P-256", "x": b64url(numbers.x.to_bytes(32, "big")), "y": b64url(numbers.y.to_bytes(32, "big"))}
        else:
            kind = {"kty": "OKP", "crv": "Ed25519", "x": b64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}
        return {**kind, "use": "sig", "alg": self.algorithm, "kid": self.name}

    def pem(self):
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Provider:
    """Serves HTTP on localhost of the engine's namespace; with an item of tls.certificates HTTPS, by that name."""

    def __init__(self, namespaces, port, tls=None):
        self.port, self.namespaces, self.tls = port, namespaces, tls
        self.issuer = f"https://localhost:{port}/realm" if tls else f"http://127.0.0.1:{port}/realm"
        self.keys = [Key(algorithm, algorithm.lower()) for algorithm in ("RS256", "ES256", "EdDSA")]
        self.known = {}  # opaque tokens: what is said of them
        self.delay, self.asked, self.broken = 0, [], False
        self.server = None
        self.start()

    # ---- tokens ----

    def claims(self, **changes):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "mail", "exp": now + 600, "nbf": now - 5, "scope": "openid mail.read",
                  "email": "alice@example.test", "email_verified": True, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=None, header=None, raw=None, **changes):
        key = key or self.keys[0]
        parts = [json.dumps({"alg": key.algorithm, "typ": "JWT", "kid": key.name, **(header or {})}), raw or json.dumps(self.claims(**changes))]
        text = ".".join(b64url(part.encode()) for part in parts)
        return f"{text}.{b64url(key.sign(text.encode()))}"

    def confused(self):
        """Signed with the public key as a shared secret."""
        parts = [json.dumps({"alg": "HS256", "kid": self.keys[0].name}), json.dumps(self.claims())]
        text = ".".join(b64url(part.encode()) for part in parts)
        return f"{text}.{b64url(hmac.digest(self.keys[0].pem(), text.encode(), hashlib.sha256))}"

    def unsigned(self):
        return ".".join((b64url(b'{"alg":"none"}'), b64url(json.dumps(self.claims()).encode()), ""))

    # ---- the server ----

    def answer(self, method, path, body, authorization):
        if path.endswith("/.well-known/openid-configuration"):
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        if path.endswith("/keys"):
            return 200, {"keys": [key.jwk() for key in self.keys]}
        if path.endswith("/introspect") and method == "POST":
            expected = base64.b64encode(":".join(urllib.parse.quote(part, safe="") for part in (CLIENT, SECRET)).encode()).decode()
            if authorization != f"Basic {expected}":
                return 401, {}
            token = urllib.parse.parse_qs(body.decode())["token"][0]
            return 200, self.known.get(token, {"active": False})
        return 404, {}

    def start(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                provider.asked.append(self.path)
                time.sleep(provider.delay)
                status, answer = (500, {}) if provider.broken else provider.answer(self.command, self.path, body, self.headers.get("Authorization"))
                text = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass

            do_GET = do_POST = reply  # noqa: N815

            def log_message(self, *_args):
                pass

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, _request, _client):
                """Clients that do not like the certificate are meant to."""

        run("ip", "-n", self.namespaces.engine, "link", "set", "lo", "up")
        with inside(self.namespaces.engine):
            self.server = Server(("127.0.0.1", self.port), Handler)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.tls["certificate"], self.tls["key"])
            # The handshake is its client's thread's to make, not that of all.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None
