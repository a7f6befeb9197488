# SPDX-License-Identifier: BSD-3-Clause
"""One session: its connection, what it is waiting for, and where each response goes in the model."""

import re

from lab.imap.folders import Folders, Listing, Names
from lab.imap.model import RECENT, Violation
from lab.imap.wire import Connection, fetched, in_set


class Pending:
    """A command whose answer has not been read."""

    def __init__(self, name, tag, done, numbers=False, **more):
        self.name, self.tag, self.done = name, tag, done
        self.numbers = numbers      # by message numbers: no EXPUNGE may come
        self.changing = more.get("changing", set())
        self.told, self.found, self.copied, self.status = {}, None, None, {}
        self.listing, self.roots, self.quotas = Listing(), None, {}
        self.view = None


class Session(Names):
    """One connection, what it has selected, what it is waiting for."""

    def __init__(self, crowd, number):
        self.crowd, self.number, self.random = crowd, number, crowd.random
        self.connection = Connection(crowd.server, chr(ord("A") + number), self.heard)
        self.view = self.pending = None
        self.read_only = False
        self.quick = False      # QRESYNC is enabled: VANISHED instead of EXPUNGE
        self.rev2 = False       # IMAP4rev2 is enabled: no RECENT, ESEARCH instead of SEARCH
        self.utf8 = False       # that or UTF8=ACCEPT is: names are UTF-8
        self.folders = Folders(number)
        self.connection.greeting()
        self.connection.login()
        if self.has("COMPRESS=DEFLATE") and self.random.random() < crowd.server.compress:
            self.connection.compress()

    def enable(self, *names):
        """What is offered of these."""
        offered = [name for name in names if self.has(name)] if self.has("ENABLE") else []
        if offered:
            self.connection.command(f"ENABLE {' '.join(offered)}")
        self.quick = self.quick or "QRESYNC" in offered
        self.rev2 = self.rev2 or "IMAP4REV2" in offered
        self.utf8 = self.utf8 or self.rev2 or "UTF8=ACCEPT" in offered

    def has(self, *names):
        return self.connection.has(*names)

    @property
    def box(self):
        return self.view.box

    # ---- responses ----

    def _of_rev2(self, response):
        """What RFC 9051 leaves out: it would be an answer to nobody."""
        kind = response.kind
        if kind in ("RECENT", "SEARCH") or (kind == "OK" and response.code("UNSEEN") is not None):
            raise Violation(f"IMAP4rev2 has none: {response.text}")
        if kind == "FETCH":
            items = fetched(response)
            if RECENT in {str(flag).lower() for flag in items.get("FLAGS", ())}:
                raise Violation(f"IMAP4rev2 has no \\Recent: {response.text}")
            if "UID" not in items and (not self.pending or self.pending.name not in ("fetch", "store")):
                raise Violation(f"nobody has asked, and there is no UID: {response.text}")

    def heard(self, response):
        pending, kind = self.pending, response.kind
        if self.rev2:
            self._of_rev2(response)
        if kind in ("EXISTS", "EXPUNGE", "VANISHED", "FETCH") and self.view is None:
            if not pending or not pending.view:
                raise Violation(f"{kind} with no mailbox selected")
            return self._of_view(pending.view, response)
        if kind in ("EXISTS", "EXPUNGE", "VANISHED", "FETCH"):
            return self._of_view(self.view, response)
        if kind in ("SEARCH", "SORT", "ESEARCH", "THREAD") and pending:
            pending.found = self._found(response)
        elif kind in ("STATUS", "LIST") and pending:
            pending.listing.hear(self, response)
            pending.status = self.status_of(response) if kind == "STATUS" else pending.status
        elif kind == "QUOTAROOT" and pending:
            pending.roots = [str(word) for word in response.words[2:]]
        elif kind == "QUOTA" and pending:
            pending.quotas[str(response.words[1])] = tuple(map(int, response.words[2][1:3]))
        elif kind == "OK" and pending and response.code("COPYUID") is not None:
            pending.copied = response.code("COPYUID")
        elif kind == "BYE":
            raise Violation(f"BYE: {response.text}")
        return None

    def _of_view(self, view, response):
        kind, pending = response.kind, self.pending
        if kind == "EXISTS":
            view.exists(response.number)
        elif kind in ("EXPUNGE", "VANISHED"):
            if kind == "VANISHED" and isinstance(response.words[1], list):
                raise Violation(f"nobody has asked for {response.text}")
            if not pending:
                raise Violation(f"{kind} while no command is in progress")
            if pending.numbers:
                raise Violation(f"{kind} in the answer to {pending.name} by message numbers")
            if (kind == "VANISHED") != self.quick:
                raise Violation(f"{kind}, and QRESYNC is {'' if self.quick else 'not '}enabled")
            if kind == "EXPUNGE":
                view.expunge(response.number)
            else:
                view.vanished(str(response.words[1]))
        else:
            uid, items = view.fetch(response, pending.changing if pending else set())
            if pending and uid is not None:
                pending.told.setdefault(uid, {}).update(items)

    @staticmethod
    def _found(response):
        if response.kind in ("SEARCH", "SORT"):
            return {"all": [int(word) for word in response.words[1:] if not isinstance(word, list)]}
        if response.kind == "THREAD":
            return {"all": [int(number) for number in re.findall(r"\d+", response.text)], "threads": response.words[1:]}
        words = [word for word in response.words[1:] if not isinstance(word, list) and word.upper() != "UID"]
        found = dict(zip((word.lower() for word in words[::2]), words[1::2]))
        return {"all": list(in_set(str(found.get("all", "")))), **{name: int(value) for name, value in found.items() if name != "all"}}

    @staticmethod
    def status_of(response):
        items = response.words[2]
        return {str(name).upper(): int(value) if str(value).isdigit() else value for name, value in zip(items[::2], items[1::2])}

    # ---- commands ----

    def send(self, name, text, done=None, numbers=False, **more):
        pending = Pending(name, self.connection.tag(), done or (lambda answer, one: self._ok(answer, name)), numbers, **more)
        self.pending = pending
        if name == "select":
            pending.view, self.view = more["view"], None
        self.connection.send(text, pending.tag)

    def finish(self):
        """Reads up to the answer, and judges it."""
        pending = self.pending
        if pending.name == "idle":
            while self.connection.waiting(0):
                self.connection.heard(self.connection.response())
            self.connection.raw("DONE\r\n")
        answer = self.connection.tagged(pending.tag)
        pending.done(answer, pending)
        self.pending = None
        if self.random.random() < 0.1 and self.connection.waiting(0):
            self.connection.heard(self.connection.response())    # with no command in progress

    def run(self, name, text, done=None, **more):
        self.send(name, text, done, **more)
        pending = self.pending
        self.finish()
        return pending

    @staticmethod
    def _ok(answer, name):
        if answer.kind != "OK":
            raise Violation(f"{name}: {answer.text}")

    @staticmethod
    def _ok_or_gone(answer, name):
        """NO is allowed where messages may have gone meanwhile."""
        if answer.kind not in ("OK", "NO"):
            raise Violation(f"{name}: {answer.text}")
