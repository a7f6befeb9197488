# SPDX-License-Identifier: BSD-3-Clause
"""Certificates for tests: an authority of their own, and what it signs; by the openssl command."""

from pathlib import Path

from lab.commands import run

KINDS = {"rsa": ("-newkey", "rsa:2048"), "ecdsa": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")}


class Authority:
    """Signs certificates that lie, with their keys, in a directory."""

    def __init__(self, directory, name="ca"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.file = self.directory / f"{name}.pem"
        self.key = self.directory / f"{name}.key"
        run("openssl", "req", "-x509", "-nodes", *KINDS["ecdsa"], "-keyout", self.key, "-out", self.file, "-days", "30",
            "-subj", f"/CN=test authority {name}", "-addext", "basicConstraints=critical,CA:TRUE")

    def sign(self, name, *names, kind="ecdsa", days=30, passphrase=None):
        """A certificate for the names: what an item of tls.certificates says of it."""
        request, certificate, key = (self.directory / f"{name}.{suffix}" for suffix in ("csr", "pem", "key"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=" + ",".join(f"{'email' if '@' in each else 'DNS'}:{each}" for each in names or (name,)) + "\n")
        secret = ("-passout", f"pass:{passphrase}") if passphrase else ("-nodes",)
        run("openssl", "req", "-new", *KINDS[kind], *secret, "-keyout", key, "-out", request, "-subj", f"/CN={(names or (name,))[0]}")
        if days > 0:
            valid = ("-days", str(days))
            run("openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", *valid,
                "-extfile", extensions, "-out", certificate)
        else:
            self._sign_expired(request, certificate, extensions)
        return {"certificate": str(certificate), "key": str(key)}

    def _sign_expired(self, request, certificate, extensions):
        (self.directory / "index").write_text("")
        config = self.directory / "openssl.cnf"
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.directory}/index\nnew_certs_dir={self.directory}\n"
                          "default_md=sha256\npolicy=p\nrand_serial=yes\nunique_subject=no\n[p]\ncommonName=supplied\n")
        run("openssl", "ca", "-batch", "-config", config, "-in", request, "-cert", self.file, "-keyfile", self.key,
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", extensions, "-notext", "-out", certificate)

    def staple(self, item):
        """An OCSP response that says the certificate is good, beside it."""
        certificate = Path(item["certificate"])
        request, response = certificate.with_suffix(".ocspreq"), certificate.with_suffix(".ocsp")
        serial = run("openssl", "x509", "-in", certificate, "-noout", "-serial").stdout.decode().strip().split("=")[1]
        index = self.directory / f"{certificate.stem}.index"
        index.write_text(f"V\t401231235959Z\t\t{serial}\tunknown\t/CN=x\n")
        run("openssl", "ocsp", "-issuer", self.file, "-cert", certificate, "-reqout", request, "-no_nonce")
        run("openssl", "ocsp", "-index", index, "-rsigner", self.file, "-rkey", self.key, "-CA", self.file,
            "-reqin", request, "-respout", response, "-ndays", "7")
        return str(response)
