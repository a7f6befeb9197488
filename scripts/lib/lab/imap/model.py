# SPDX-License-Identifier: BSD-3-Clause
"""
What IMAP allows several sessions to be told of mailboxes that all of them change (RFC 3501 and RFC 9051, sections 2.3.1,
5.2, 7.4; RFC 7162). `World` holds what is known of the mailboxes, `View` what one session has been told.

What several sessions change at once is known because each flag of each message has one owner, a session: system flag
and keyword number N of every message belong to session N, \\Deleted belongs to session UID mod N. A message that nobody has
marked \\Deleted and nobody has moved cannot go.
"""

from lab.imap.wire import fetched, in_set

SYSTEM = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft")
RECENT = "\\recent"


def date(told):
    """An INTERNALDATE; the first nine days of a month are written in two ways."""
    return f"0{told[1:]}" if told.startswith(" ") else str(told)


class Violation(Exception):
    """A response that the model does not allow."""


class Message:
    """What is known of one message: its bytes and date never change; a flag is True, False, or None while nobody knows."""

    def __init__(self, text=None, date=None):
        self.text, self.date = text, date
        self.size = len(text) if text is not None else None
        self.other = {}             # EMAILID and the like, by name
        self.flags = {}             # lower case name: value that its owner has settled
        self.changes = 0            # of \Deleted, by its owner
        self.may_go = False
        self.gone = False           # some session was told so, after an EXPUNGE or MOVE
        self.must_go = False


class Box:
    """A mailbox as all sessions together know it."""

    def __init__(self, name):
        self.name = name
        self.messages = {}          # UID: Message
        self.validity = None
        self.uid_next = 1           # the highest that was told
        self.modseq = 0             # the highest that was told as the mailbox's
        self.resume = None          # what a client knew when all had stopped: (MODSEQ, rows)
        self.started = 0            # messages that commands under way may have added already
        self.nameless = 0           # messages whose command told no UID: without UIDPLUS

    def certain(self):
        return sum(not message.may_go for message in self.messages.values())

    def most(self):
        """All that were ever there."""
        return len(self.messages) + self.started + self.nameless

    def seen(self, uid):
        """A session tells of this UID: the message, new to all where a command that added it is not over."""
        return self.messages.setdefault(uid, Message())

    def next_told(self, uid_next, floor, settled):
        """UIDNEXT: never less than what was told before the command was sent, above all UIDs that were given before it."""
        if uid_next < floor:
            raise Violation(f"{self.name}: UIDNEXT {uid_next} after {floor}")
        if settled and uid_next <= settled:
            raise Violation(f"{self.name}: UIDNEXT {uid_next}, but UID {settled} was given")
        self.uid_next = max(self.uid_next, uid_next)

    def modseq_told(self, modseq, floor):
        if modseq < floor:
            raise Violation(f"{self.name}: HIGHESTMODSEQ {modseq} after {floor}")
        self.modseq = max(self.modseq, modseq)


class View:
    """What one session knows of the mailbox that it has selected."""

    def __init__(self, box, number, count):
        self.box, self.number, self.count = box, number, count
        self.uids, self.flags, self.modseqs = [], [], []
        # UIDs that this session was told are gone, or that others had been told of before it selected the mailbox.
        self.gone = {uid for uid, message in box.messages.items() if message.gone}
        self.known_modseq = {}  # UID: the highest told
        self.highest = 0        # UID

    # ---- ownership ----

    def owns(self, flag, uid):
        if flag == "\\deleted":
            return uid % self.count == self.number
        return flag in self.own()

    def own(self):
        """The flags that this session owns in every message, in lower case."""
        return [flag.lower() for number, flag in enumerate(SYSTEM) if number % self.count == self.number] + [f"kw{self.number}"]

    # ---- responses ----

    def exists(self, count):
        if count < len(self.uids):
            raise Violation(f"EXISTS {count} where {len(self.uids)} are known and none was expunged")
        most = self.box.most() - len(self.gone)
        if count > most:
            raise Violation(f"EXISTS {count}, but at most {most} messages can be there")
        more = count - len(self.uids)
        self.uids += [None] * more
        self.flags += [None] * more
        self.modseqs += [None] * more

    def expunge(self, number):
        if not 0 < number <= len(self.uids):
            raise Violation(f"EXPUNGE {number} of {len(self.uids)}")
        uid = self.uids[number - 1]
        for one in (self.uids, self.flags, self.modseqs):
            del one[number - 1]
        if uid is not None:
            self._gone(uid)

    def _gone(self, uid):
        message = self.box.seen(uid)
        if not message.may_go:
            raise Violation(f"{self.box.name}: UID {uid} is gone, and nobody has marked or moved it")
        message.gone = True
        self.gone.add(uid)

    def vanished(self, text):
        for uid in in_set(text):
            if uid in self.uids:
                self.expunge(self.uids.index(uid) + 1)
            elif None in self.uids and uid > self.highest:
                self.expunge(self.uids.index(None) + 1)
                self._gone(uid)
            else:
                raise Violation(f"VANISHED {uid}, which this session does not know")

    def _uid(self, at, uid):
        if self.uids[at] == uid:
            return
        if self.uids[at] is not None:
            raise Violation(f"message {at + 1} had UID {self.uids[at]}, now {uid}")
        if uid in self.gone:
            raise Violation(f"UID {uid} was expunged, and is there again")
        before = max((known for known in self.uids[:at] if known), default=0)
        behind = min((known for known in self.uids[at + 1:] if known), default=uid + 1)
        if not before < uid < behind:
            raise Violation(f"UIDs do not ascend: message {at + 1} has {uid}, between {before} and {behind}")
        self.uids[at] = uid
        self.highest = max(self.highest, uid)
        self.box.seen(uid)

    def fetch(self, response, pending):
        """A FETCH response; `pending`: flags of messages that this session's own command may be changing, {(uid, flag)}."""
        number, items = response.number, fetched(response)
        if not 0 < number <= len(self.uids):
            raise Violation(f"FETCH {number} of {len(self.uids)}")
        if "UID" in items:
            self._uid(number - 1, int(items["UID"]))
        uid = self.uids[number - 1]
        if "FLAGS" in items:
            self._flags(number - 1, uid, {word.lower() for word in items["FLAGS"]} - {RECENT}, pending)
        if "MODSEQ" in items:
            self._modseq(number - 1, uid, int(items["MODSEQ"][0]))
        if uid is not None:
            self._fixed(uid, items)
        return uid, items

    def _flags(self, at, uid, flags, pending):
        self.flags[at] = flags
        if uid is None:
            return
        message = self.box.messages[uid]
        for flag, value in message.flags.items():
            if value is None or (uid, flag) in pending or not self.owns(flag, uid):
                continue
            if (flag in flags) != value:
                raise Violation(f"{self.box.name}: UID {uid} is told {'with' if flag in flags else 'without'} {flag}, "
                                f"which this session alone has {'set' if value else 'removed'}")

    def _modseq(self, at, uid, modseq):
        if modseq < 1:
            raise Violation("MODSEQ 0")
        self.modseqs[at] = modseq
        if uid is not None:
            if modseq < self.known_modseq.get(uid, 0):
                raise Violation(f"UID {uid} has MODSEQ {modseq} after {self.known_modseq[uid]}")
            self.known_modseq[uid] = modseq

    def _fixed(self, uid, items):
        """What never changes in a message."""
        message = self.box.messages[uid]
        if message.may_go:
            return      # of one that is gone, and not yet told as gone, servers tell what they still know
        for name in ("EMAILID", "SAVEDATE", "PREVIEW"):
            if name in items and message.other.setdefault(name, items[name]) != items[name]:
                raise Violation(f"{self.box.name}: UID {uid}: {name} is {items[name]}, was {message.other[name]}")
        body = message.text.partition("\r\n\r\n")[2] if message.text else None
        if body is not None and (items.get("BINARY[1]", body) != body or int(items.get("BINARY.SIZE[1]", len(body))) != len(body)):
            raise Violation(f"{self.box.name}: UID {uid}: BINARY of {len(body)} bytes is told with {items}")
        for name, value in (("RFC822.SIZE", "size"), ("INTERNALDATE", "date"), ("BODY[]", "text")):
            if name not in items:
                continue
            told, known = items[name], getattr(message, value)
            told = int(told) if name == "RFC822.SIZE" else date(told) if name == "INTERNALDATE" else str(told)
            if known is None:
                setattr(message, value, told)
            elif told != known:
                raise Violation(f"{self.box.name}: UID {uid}: {name} is {str(told)[:80]!r}, was {str(known)[:80]!r}")

    # ---- what a command's answer must have held ----

    def numbers_ok(self, numbers):
        wrong = [number for number in numbers if not 0 < number <= len(self.uids)]
        if wrong:
            raise Violation(f"SEARCH tells of message {wrong[0]} of {len(self.uids)}")

    def all_told(self, uids, told, what):
        """Each of these messages must have been told, unless somebody may have expunged it."""
        for uid in uids:
            if uid not in told and not self.box.messages[uid].may_go:
                raise Violation(f"{what}: nothing was told of UID {uid}")

    def found(self, flag, value, uids):
        """A search for an own flag finds exactly the messages that have it."""
        for uid in filter(None, self.uids):
            message = self.box.messages[uid]
            settled = message.flags.get(flag)
            if settled is None or message.may_go:
                continue
            if (settled == value) != (uid in uids):
                raise Violation(f"{self.box.name}: the search for {flag} {value} {'finds' if uid in uids else 'misses'} UID {uid}")
