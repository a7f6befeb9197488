# SPDX-License-Identifier: BSD-3-Clause
"""
Mailboxes as a tree, as random sessions change it: folders below `imaptest-<number>` belong to one session each, so that it knows at any time
which are there and which it is subscribed to. What LIST in its forms tells of them must be that (RFC 5258, RFC 5819, RFC 9051 section 6.3.9).
"""

from lab.imap.model import Violation
from lab.imap.wire import composed, decomposed, quoted, utf7

PARTS = ("", "/x", "/x/y", "/xü", "/z")      # of a session's tree
MISSING = {"\\nonexistent", "\\noselect"}


class Folders:
    """One session's part of the tree."""

    def __init__(self, number):
        self.root = f"imaptest-{number}"
        self.names = [self.root + part for part in PARTS]
        self.there, self.subscribed = set(), set()

    def below(self, name):
        return {other for other in self.there if other.startswith(f"{name}/")}

    def renamed(self, before, after):
        """RENAME takes what is below along; subscriptions are of names and stay."""
        for name in [before, *self.below(before)]:
            self.there.discard(name)
            self.there.add(after + name[len(before):])


class Listing:
    """What a LIST told, by name."""

    def __init__(self):
        self.attributes, self.status = {}, {}

    def hear(self, session, response):
        if response.kind == "LIST":
            name = session.read_name(str(response.words[3]))
            if name in self.attributes:
                raise Violation(f"LIST tells of {name} twice")
            self.attributes[name] = {str(word).lower() for word in response.words[1]}
            if {"\\haschildren", "\\hasnochildren"} <= self.attributes[name]:
                raise Violation(f"LIST: {response.text}")
        elif response.kind == "STATUS":
            self.status[session.read_name(str(response.words[1]))] = session.status_of(response)

    def there(self):
        return {name for name, told in self.attributes.items() if not told & MISSING}


def check(listing, folders, what, subscribed=False, status=False):
    """Everything below the session's root, and of it what was asked for."""
    told = {name for name in listing.attributes if name == folders.root or name.startswith(f"{folders.root}/")}
    expected = folders.subscribed if subscribed else folders.there
    if (told if subscribed else told & listing.there()) != expected:
        raise Violation(f"{what} tells of {sorted(told)}, not {sorted(expected)}")
    for name in told:
        attributes = listing.attributes[name]
        if ("\\subscribed" in attributes) != (name in folders.subscribed):
            raise Violation(f"{what}: {name} is {sorted(attributes)}, subscribed are {sorted(folders.subscribed)}")
        if name in folders.there and attributes & MISSING:
            raise Violation(f"{what}: {name} is there, and told as {sorted(attributes)}")
        # A level that is no mailbox may have others below it that are none.
        if name in folders.there and ("\\haschildren" if folders.below(name) else "\\hasnochildren") not in attributes:
            raise Violation(f"{what}: {name} is {sorted(attributes)}, there are {sorted(folders.there)}")
        if status and (name in listing.status) != (name in folders.there):
            raise Violation(f"{what}: STATUS of {name} is {listing.status.get(name)}")


class Names:
    """How a session says and reads names of mailboxes: UTF-8 where it has enabled that, else modified UTF-7. For a Session."""

    def name(self, text):
        """As an argument; now and then in another spelling, which the server composes."""
        if not self.utf8:
            return quoted(utf7(text))
        return quoted(decomposed(text) if self.random.random() < 0.3 else composed(text))

    def read_name(self, word):
        """What LIST or STATUS tells, as the model knows it; other spellings are not told."""
        known = [*self.crowd.boxes, *(name for session in self.crowd.sessions for name in session.folders.names), "INBOX"]
        spelt = composed if self.utf8 else utf7
        return next((name for name in known if spelt(name) == word), word)

    # ---- commands, for a session whose commands are drawn ----

    def create(self):
        folder = self.random.choice(self.folders.names)
        there = folder in self.folders.there

        def done(answer, _pending):
            if answer.kind != ("NO" if there else "OK"):
                raise Violation(f"CREATE {folder}: {answer.text}, {sorted(self.folders.there)} are there")
            self.folders.there.add(folder)
        self.send("create", f"CREATE {self.name(folder)}", done)

    def delete(self):
        there = sorted(self.folders.there)
        if not there:
            return False
        folder = self.random.choice(there)

        def done(answer, _pending):
            self._ok(answer, "DELETE")
            self.folders.there.discard(folder)
        self.send("delete", f"DELETE {self.name(folder)}", done)
        return None

    def rename(self):
        there = sorted(self.folders.there)
        if not there:
            return False
        before, after = self.random.choice(there), self.random.choice(self.folders.names)
        if before == after or after.startswith(f"{before}/") or after in self.folders.there or self.folders.below(after) or self.folders.below(before):
            return False

        def done(answer, _pending):
            self._ok(answer, "RENAME")
            self.folders.renamed(before, after)
        self.send("rename", f"RENAME {self.name(before)} {self.name(after)}", done)
        return None

    def subscribe(self):
        """Of a name that is there, which all servers take; any may be forgotten."""
        forget = self.random.random() < 0.4
        folder = self.random.choice(self.folders.names if forget else sorted(self.folders.there) or [None])
        if folder is None:
            return False

        def done(answer, _pending):
            self._ok(answer, "SUBSCRIBE")
            (self.folders.subscribed.discard if forget else self.folders.subscribed.add)(folder)
        self.send("subscribe", f"{'UN' if forget else ''}SUBSCRIBE {self.name(folder)}", done)
        return None

    def list_(self):
        if not self.has("LIST-EXTENDED"):
            return False
        subscribed = self.random.random() < 0.4
        status = self.has("LIST-STATUS") and self.random.random() < 0.3
        patterns = f"({quoted(self.folders.root)} {quoted(self.folders.root + '/*')})"
        returns = f"SUBSCRIBED CHILDREN{' STATUS (MESSAGES)' if status else ''}"
        text = f'LIST {"(SUBSCRIBED) " if subscribed else ""}"" {patterns} RETURN ({returns})'

        def done(answer, pending):
            self._ok(answer, "LIST")
            check(pending.listing, self.folders, text, subscribed, status)
        self.send("list", text, done)
        return None

    def quota(self):
        """RFC 9208: the use of a mailbox's root is below its limit."""
        if not self.has("QUOTA"):
            return False
        box = self.crowd.boxes[self.random.choice(sorted(self.crowd.boxes))]

        def done(answer, pending):
            self._ok(answer, "GETQUOTAROOT")
            if pending.roots is None or len(pending.quotas) != len(set(pending.roots)):
                raise Violation(f"GETQUOTAROOT of {box.name}: roots {pending.roots}, quotas {pending.quotas}")
            for use, limit in pending.quotas.values():
                if not 0 <= use <= limit:
                    raise Violation(f"QUOTA: {use} of {limit}")
        self.send("quota", f"GETQUOTAROOT {self.name(box.name)}", done)
        return None
