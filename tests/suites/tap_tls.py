# SPDX-License-Identifier: BSD-3-Clause
"""Conversations under TLS: real handshakes between two ends of Python's ssl in memory, with a key log."""

import contextlib
import socket
import ssl
import threading

SUITES = {"TLS_AES_128_GCM_SHA256": (ssl.TLSVersion.TLSv1_3, None),
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305")}


class End:
    """One end of a connection, between two runs of memory."""

    def __init__(self, context, server, name=None, session=None):
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send, server_side=server, server_hostname=name, session=session)
        self.done = False

    def shake(self):
        if self.done:
            return
        try:
            self.tls.do_handshake()
            self.done = True
        except ssl.SSLWantReadError:
            pass

    def read(self):
        out = b""
        try:
            while True:
                out += self.tls.read(65536)
        except ssl.SSLWantReadError:
            return out


class Talk:
    """What both say, as a script for captures.conversation()."""

    def __init__(self, client, server, name="mx.example.test", session=None, before=()):
        self.ends = {"C": End(client, False, name, session), "S": End(server, True)}
        self.script = list(before)

    def move(self, who):
        """What this end has to send goes to the other. False: nothing."""
        said = self.ends[who].to_send.read()
        if said:
            self.script.append((who, said))
            self.ends["S" if who == "C" else "C"].received.write(said)
        return bool(said)

    def shake(self):
        moved = True
        while moved:
            moved = False
            for who in "CS":
                self.ends[who].shake()
                moved |= self.move(who)
        return self

    def say(self, who, data):
        other = self.ends["S" if who == "C" else "C"]
        self.ends[who].tls.write(data)
        self.move(who)
        assert other.read() == data
        return self

    def close(self):
        for who in "CS":
            try:
                self.ends[who].tls.unwrap()
            except (ssl.SSLWantReadError, ssl.SSLSyscallError):
                pass
            self.move(who)
        return self


def contexts(item, authority, keylog, version=None, suites=None, client=None):
    """Those of a client and a server; `client`: its certificate."""
    here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_verify_locations(authority)
    there.load_cert_chain(item["certificate"], item["key"])
    here.keylog_filename = str(keylog)
    for context in (here, there):
        context.minimum_version = context.maximum_version = version or ssl.TLSVersion.TLSv1_3
        if suites:
            context.set_ciphers(suites)
    if client:
        here.load_cert_chain(client["certificate"], client["key"])
        there.load_verify_locations(authority)
        there.verify_mode = ssl.CERT_REQUIRED
    return here, there


def talk(script, made, **options):
    """The script spoken under TLS."""
    spoken = Talk(*made, **options).shake()
    for who, data in script:
        spoken.say(who, data)
    return spoken


class Relay:
    """A port that hands each connection on to another, and keeps what both said, in order, as scripts."""

    def __init__(self, port):
        self.to, self.scripts = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server, script = socket.create_connection(("127.0.0.1", self.to)), []
            self.scripts.append(script)
            for who, source, sink in (("C", client, server), ("S", server, client)):
                threading.Thread(target=self._pass, args=(who, source, sink, script), daemon=True).start()

    @staticmethod
    def _pass(who, source, sink, script):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                script.append((who, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.listener.close()
