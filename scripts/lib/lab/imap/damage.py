# SPDX-License-Identifier: BSD-3-Clause
"""A proxy that damages what a server says: the model has to notice. Each kind damages every response of its sort, now and then."""

import re
import select
import socket
import threading

from lab.imap.wire import Server


def drop_expunge(line, state):
    if re.match(rb"\* \d+ EXPUNGE|\* VANISHED \d", line):
        state["count"] = state.get("count", 0) + 1
        return b"" if state["count"] % 3 == 0 else line
    return line


def repeat_uid(line, state):
    """A message gets the UID of the one that was told before it."""
    found = re.search(rb"UID (\d+)", line) if re.match(rb"\* \d+ FETCH", line) else None
    if not found:
        return line
    before, state["uid"] = state.get("uid"), found.group(1)
    state["count"] = state.get("count", 0) + 1
    return line.replace(found.group(0), b"UID " + before, 1) if before and state["count"] % 7 == 0 else line


def wrong_exists(line, state):
    found = re.match(rb"\* (\d+) EXISTS", line)
    if not found:
        return line
    state["count"] = state.get("count", 0) + 1
    return b"* %d EXISTS\r\n" % (int(found.group(1)) + 1) if state["count"] % 5 == 0 else line


def lost_flag(line, state):
    if not re.match(rb"\* \d+ FETCH", line):
        return line
    state["count"] = state.get("count", 0) + 1
    return re.sub(rb"\\(Seen|Flagged) ?", b"", line) if state["count"] % 4 == 0 else line


def old_modseq(line, state):
    state["count"] = state.get("count", 0) + 1
    return re.sub(rb"MODSEQ \(\d+\)", b"MODSEQ (1)", line) if state["count"] % 9 == 0 else line


def early_expunge(line, state):
    """A FETCH of message numbers brings an EXPUNGE."""
    state["count"] = state.get("count", 0) + bool(re.match(rb"\* \d+ FETCH", line))
    if re.match(rb"\* \d+ FETCH", line) and state["count"] % 20 == 0:
        return b"* 1 EXPUNGE\r\n" + line
    return line


def changed_byte(line, state):
    found = re.match(rb"X-Mark: ", line)
    if not found:
        return line
    state["count"] = state.get("count", 0) + 1
    return b"x" + line[1:] if state["count"] % 5 == 0 else line


def lost_search(line, state):
    """A search forgets the last that it found."""
    if not re.match(rb"\* SEARCH \d", line):
        return line
    state["count"] = state.get("count", 0) + 1
    return line.rstrip().rpartition(b" ")[0] + b"\r\n" if state["count"] % 2 else line


def lost_folder(line, state):
    if not re.match(rb"\* LIST .*imaptest-\d", line):
        return line
    state["count"] = state.get("count", 0) + 1
    return b"" if state["count"] % 3 == 0 else line


def told_recent(line, state):
    """Who has enabled IMAP4rev2 is told RECENT; of a server that offers that."""
    state["enabled"] = state.get("enabled") or re.match(rb"\* ENABLED .*IMAP4rev2", line, re.IGNORECASE)
    return line + b"* 0 RECENT\r\n" if state["enabled"] and re.match(rb"\* \d+ EXISTS", line) else line


KINDS = {function.__name__: function for function in
         (drop_expunge, repeat_uid, wrong_exists, lost_flag, old_modseq, early_expunge, changed_byte, lost_search, lost_folder)}
OF_REV2 = {"told_recent": told_recent}


class Proxy:
    """Listens on loopback; `server` is the one behind it."""

    def __init__(self, server, kind):
        self.behind, self.damage = server, {**KINDS, **OF_REV2}[kind]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.state = {}
        self.open = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def server(self):
        port = self.listener.getsockname()[1]
        return Server("127.0.0.1", port, self.behind.user, self.behind.password, self.behind.user2)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = self.behind.socket()
            self.open += [client, server]
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client, server):
        rest = b""
        try:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    if ready is client:
                        server.sendall(data)
                        continue
                    *lines, rest = (rest + data).split(b"\n")
                    client.sendall(b"".join(self.damage(line + b"\n", self.state) for line in lines))
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()

    def close(self):
        self.listener.close()
        for one in self.open:
            one.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()
