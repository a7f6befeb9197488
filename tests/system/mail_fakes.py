# SPDX-License-Identifier: BSD-3-Clause
"""A mail server that does what a test wants it to do wrong: `python3 mail_fakes.py stall|keep`, on ports 25 and 110."""

import socketserver
import sys
import threading
import time

STALL_AFTER, STALL = 0.5, 2.0   # seconds: from the first connection, and how long
MAILBOX = []
LOCK = threading.Lock()
began = None


def stall():
    """Everybody waits while the server stalls."""
    global began
    with LOCK:
        began = began or time.monotonic()
    left = began + STALL_AFTER + STALL - time.monotonic()
    if sys.argv[1] == "stall" and 0 < left < STALL:
        time.sleep(left)


def keep(number, data):
    """One is lost, one is there twice, one has a byte changed."""
    if number == 3:
        return
    if number == 7:
        data = data.replace(b"Subject: ", b"Subject: x", 1)
    MAILBOX.extend([data] * (2 if number == 5 else 1))


class Smtp(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        stall()
        self.wfile.write(b"220 fake ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            self.wfile.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return
            if verb == b"DATA":
                self.message()

    def message(self):
        data = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            data += line[1:] if line.startswith(b".") else line
        with LOCK:
            self.server.messages += 1
            keep(self.server.messages, data)
        self.wfile.write(b"250 kept\r\n")


class Pop3(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"+OK fake\r\n")
        while line := self.rfile.readline():
            words = line.split()
            if words[0] == b"RETR":
                data = MAILBOX[int(words[1]) - 1].replace(b"\r\n.", b"\r\n..")
                self.wfile.write(b"+OK\r\n" + data + b".\r\n")
            elif words[0] == b"CAPA":
                self.wfile.write(b"-ERR not known\r\n")
            else:
                self.wfile.write(b"+OK %d 1\r\n" % len(MAILBOX))
            if words[0] == b"QUIT":
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1000
    messages = 0


def main():
    threading.Thread(target=Server(("", 110), Pop3).serve_forever, daemon=True).start()
    with Server(("", 25), Smtp) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
