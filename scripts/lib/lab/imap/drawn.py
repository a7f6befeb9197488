# SPDX-License-Identifier: BSD-3-Clause
"""The commands that random sessions send, each with what its answer must be like."""

import time

from lab.imap.model import Violation, View
from lab.imap.session import Session
from lab.imap.wire import in_set, literal, quoted

BOXES = ("imaptest-a", "imaptest-bücher")
# Command and how often it is drawn.
WEIGHTS = {"select": 3, "noop": 6, "append": 10, "fetch": 14, "uid_fetch": 12, "store": 14, "uid_store": 10, "search": 8, "uid_search": 6,
           "expunge": 4, "uid_expunge": 3, "copy": 4, "uid_copy": 3, "move": 3, "uid_move": 2, "status": 4, "idle": 5, "unselect": 1, "close": 1,
           "check": 2, "append_several": 2, "saved_search": 3, "create": 2, "delete": 1, "rename": 1, "subscribe": 2, "list_": 4, "quota": 1}


def compact(numbers):
    """The numbers as a set, ranges where they follow each other."""
    out = []
    for number in sorted(numbers):
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in out)


class Drawn(Session):
    """A session whose commands are drawn."""

    # ---- one command each; each returns False where it makes no sense now ----

    def draw(self):
        if self.view is None:
            name = self.random.choices(("select", "append", "status"), (6, 2, 1))[0]
        elif None in self.view.uids and (self.quick or self.random.random() < 0.5):
            return self.learn()
        else:
            name = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        if getattr(self, name)() is False:
            self.noop()
        return None

    def learn(self):
        """Asks for the UIDs that are not known."""
        first = self.view.uids.index(None) + 1
        self.send("fetch", f"FETCH {first}:* (UID FLAGS)", self._fetched, numbers=True)

    def noop(self):
        self.send("noop", "NOOP")

    def check(self):
        """IMAP4rev2 has NOOP alone."""
        if self.rev2:
            return False
        self.send("check", "CHECK")
        return None

    def select(self):
        box = self.crowd.boxes[self.random.choice(BOXES)]
        self.select_box(box, self.random.random() < 0.15)

    def select_box(self, box, read_only=False):
        view = View(box, self.number, self.crowd.count)
        verb = "EXAMINE" if read_only else "SELECT"
        condstore = " (CONDSTORE)" if self.has("CONDSTORE") and self.random.random() < 0.5 and not self.quick else ""
        floor, settled, certain = (box.uid_next, box.modseq), max(box.messages, default=0), box.certain()
        told = {}

        def done(answer, pending):
            self._ok(answer, verb)
            if (answer.code("READ-ONLY") is not None) != read_only:
                raise Violation(f"{verb}: {answer.text}")
            if self.rev2 and set(pending.listing.attributes) != {box.name}:
                raise Violation(f"{verb} tells LIST of {sorted(pending.listing.attributes)}")
            if "UIDVALIDITY" not in told or "UIDNEXT" not in told:
                raise Violation(f"{verb} without UIDVALIDITY or UIDNEXT")
            if box.validity not in (None, told["UIDVALIDITY"]):
                raise Violation(f"UIDVALIDITY {told['UIDVALIDITY']}, was {box.validity}")
            box.validity = told["UIDVALIDITY"]
            box.next_told(told["UIDNEXT"], floor[0], settled)
            if "HIGHESTMODSEQ" in told:
                box.modseq_told(told["HIGHESTMODSEQ"], floor[1])
            if len(view.uids) < min(certain, box.certain()):
                raise Violation(f"{verb}: {len(view.uids)} messages, at least {certain} must be there")
            self.view, self.read_only = view, read_only
            self.connection.heard = self.heard

        def hear(response):
            for name in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"):
                value = response.code(name) if response.kind == "OK" else None
                if value:
                    told[name] = int(value)
            self.heard(response)

        self.connection.heard = hear
        self.send("select", f"{verb} {self.name(box.name)}{condstore}", done, view=view)

    def unselect(self):
        if not self.has("UNSELECT"):
            return False

        def done(answer, _pending):
            self._ok(answer, "UNSELECT")
            self.view = None
        self.send("unselect", "UNSELECT", done)
        return None

    def close(self):
        deleted, view, read_only = self._marked(), self.view, self.read_only

        def done(answer, _pending):
            self._ok(answer, "CLOSE")
            if not read_only:
                self._expunged(view.box, deleted)
            self.view = None
        self.send("close", "CLOSE", done)

    def append(self, box=None):
        crowd = self.crowd
        box = box or crowd.boxes[self.random.choice(BOXES)]
        text = crowd.message()
        own = View(box, self.number, crowd.count).own()
        flags = [flag for flag in own if self.random.random() < 0.3]
        date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(self.random.randrange(10**9, 17 * 10**8)))
        settled = max(box.messages, default=0)
        box.started += 1

        def done(answer, _pending):
            self._ok(answer, "APPEND")
            code = answer.code("APPENDUID")
            if code:
                validity, uid = map(int, code.split())
                if uid <= settled or uid < 1 or box.validity not in (None, validity):
                    raise Violation(f"APPENDUID {code}: UID {settled} was given before, UIDVALIDITY is {box.validity}")
                crowd.given(box, uid)
                message = box.seen(uid)
                self._is(box, uid, message, text, date)
                message.flags.update({flag: flag in flags for flag in own})
            elif self.has("UIDPLUS"):
                raise Violation(f"APPEND without APPENDUID: {answer.text}")
            else:
                box.nameless += 1
            box.started -= 1

        self.send("append", f"APPEND {self.name(box.name)} ({' '.join(flags)}) {quoted(date)} {literal(text, self.has('LITERAL+'))}", done)

    def append_several(self):
        """RFC 3502: all of them or none, their UIDs in the answer."""
        if not self.has("MULTIAPPEND", "UIDPLUS"):
            return False
        box = self.crowd.boxes[self.random.choice(BOXES)]
        texts = [self.crowd.message() for _ in range(self.random.randint(2, 4))]
        settled = max(box.messages, default=0)
        box.started += len(texts)

        def done(answer, _pending):
            self._ok(answer, "APPEND")
            validity, _, uids = (answer.code("APPENDUID") or "").partition(" ")
            uids = list(in_set(uids))
            if len(uids) != len(texts) or min(uids) <= settled or box.validity not in (None, int(validity)):
                raise Violation(f"APPEND of {len(texts)} messages, UID {settled} was given before: {answer.text}")
            for uid, text in zip(uids, texts):
                self.crowd.given(box, uid)
                self._is(box, uid, box.seen(uid), text, None)
            box.started -= len(texts)

        parts = " ".join(f"() {literal(text, self.has('LITERAL+'))}" for text in texts)
        self.send("append", f"APPEND {self.name(box.name)} {parts}", done)
        return None

    def saved_search(self):
        """RFC 5182: $ is what the last search found, for as long as it is there."""
        if not self.has("SEARCHRES"):
            return False
        flag = self.random.choice(self.view.own())
        key = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
        known = {uid: self.box.messages[uid] for uid in self.view.uids if uid}

        def second(answer, pending):
            self._ok_or_gone(answer, "$")
            for uid, message in known.items():
                settled = message.flags.get(flag)
                if settled is not None and not message.may_go and settled != ("ENVELOPE" in pending.told.get(uid, {})):
                    raise Violation(f"{self.box.name}: $ of {key} {'misses' if settled else 'has'} UID {uid}")

        def first(answer, _pending):
            self._ok(answer, "search")
        self.run("uid_search", f"UID SEARCH RETURN (SAVE) {key}", first)
        self.send("uid_fetch", "UID FETCH $ (UID ENVELOPE)", second)
        return None

    @staticmethod
    def _is(box, uid, message, text, date):
        for name, value in (("text", text), ("size", len(text)), ("date", date)):
            known = getattr(message, name)
            if value is not None and known not in (None, value):
                raise Violation(f"{box.name}: UID {uid} was told as {known!r} before it was known as {value!r}")
            setattr(message, name, known if value is None else value)

    def _some(self, most=6):
        """Message numbers: a few of those that this session knows."""
        count = len(self.view.uids)
        if not count:
            return None
        low = self.random.randrange(1, count + 1)
        return list(range(low, min(count, low + self.random.randrange(most)) + 1))

    def _some_uids(self, most=6):
        known = [uid for uid in self.view.uids if uid]
        return sorted(self.random.sample(known, min(len(known), self.random.randint(1, most)))) if known else None

    def _items(self):
        items = [item for item in ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]", "ENVELOPE", "BODYSTRUCTURE",
                                   "BODY.PEEK[HEADER.FIELDS (X-Mark)]") if self.random.random() < 0.4]
        more = (("CONDSTORE", "MODSEQ"), ("OBJECTID", "EMAILID"), ("SAVEDATE", "SAVEDATE"), ("PREVIEW", "PREVIEW"), ("BINARY", "BINARY.PEEK[1]"),
                ("BINARY", "BINARY.SIZE[1]"))
        items += [item for capability, item in more if self.has(capability) and self.random.random() < 0.2]
        return ["UID", *items]

    def _fetched(self, answer, pending):
        self._ok_or_gone(answer, pending.name)

    def _fetch(self, uids, text, name, numbers):
        def done(answer, pending):
            self._ok_or_gone(answer, name)
            if answer.kind == "OK":
                self.view.all_told(uids, pending.told, name)
        self.send(name, text, done, numbers=numbers)

    def fetch(self):
        numbers = self._some()
        if not numbers:
            return False
        uids = [self.view.uids[number - 1] for number in numbers if self.view.uids[number - 1]]
        return self._fetch(uids, f"FETCH {compact(numbers)} ({' '.join(self._items())})", "fetch", True)

    def uid_fetch(self):
        uids = self._some_uids()
        if not uids:
            return False
        return self._fetch(uids, f"UID FETCH {compact(uids)} ({' '.join(self._items())})", "uid_fetch", False)

    def _store(self, by_uid):
        """Own flags of some messages, or \\Deleted of own messages."""
        if self.read_only:
            return False
        numbers = self._some()
        if not numbers or not all(self.view.uids[number - 1] for number in numbers):
            return False
        uids = [self.view.uids[number - 1] for number in numbers]
        flags = [flag for flag in self.view.own() if self.random.random() < 0.5] or [self.view.own()[0]]
        if self.random.random() < 0.35:
            uids = [uid for uid in uids if self.view.owns("\\deleted", uid)]
            flags = ["\\deleted"]
        if not uids:
            return False
        value, silent = self.random.random() < 0.6, self.random.random() < 0.3
        messages = {uid: self.box.messages[uid] for uid in uids}
        # Where nothing changes, nothing need be told.
        changed = {uid for uid, message in messages.items() if any(message.flags.get(flag) is (not value) for flag in flags)}
        for message in messages.values():
            message.flags.update({flag: None for flag in flags})
            if flags == ["\\deleted"]:
                message.may_go = True
                message.changes += 1
        numbers = [self.view.uids.index(uid) + 1 for uid in uids]

        def done(answer, pending):
            self._ok_or_gone(answer, "store")
            if answer.kind != "OK":
                return      # what it did to the rest is found out when all stop
            for uid, message in messages.items():
                message.flags.update({flag: value for flag in flags})
                told = pending.told.get(uid, {}).get("FLAGS")
                if told is None:
                    if uid in changed and not silent and not message.may_go:
                        raise Violation(f"STORE told nothing of UID {uid}")
                elif not message.may_go and any((flag in {word.lower() for word in told}) != value for flag in flags):
                    raise Violation(f"STORE told {told} of UID {uid}")

        what = f"{'+' if value else '-'}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})"
        text = f"UID STORE {compact(uids)} {what}" if by_uid else f"STORE {compact(numbers)} {what}"
        self.send("uid_store" if by_uid else "store", text, done, numbers=not by_uid,
                  changing={(uid, flag) for uid in uids for flag in flags})
        return None

    def store(self):
        return self._store(False)

    def uid_store(self):
        return self._store(True)

    def _search(self, by_uid):
        flag, value = self.random.choice(self.view.own()), self.random.random() < 0.5
        extended = self.has("ESEARCH") and self.random.random() < 0.4
        key = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
        key = key if value else f"UN{key}"
        known = list(self.view.uids)
        text = f"SEARCH {'RETURN (ALL) ' if extended else ''}{key}"
        if self.has("SORT") and self.random.random() < 0.3:
            extended = extended and self.has("ESORT")
            text = f"SORT {'RETURN (ALL) ' if extended else ''}({self.random.choice(('REVERSE DATE', 'SUBJECT', 'ARRIVAL SIZE'))}) UTF-8 {key}"
        elif self.has("THREAD=REFERENCES") and self.random.random() < 0.2:
            extended, text = False, f"THREAD REFERENCES UTF-8 {key}"

        def done(answer, pending):
            self._ok(answer, "search")
            if pending.found is None:
                if not extended or self.rev2:
                    raise Violation("SEARCH without an answer")
                return
            found = pending.found["all"]
            if not by_uid:
                self.view.numbers_ok(found)
                found = [self.view.uids[number - 1] for number in found]
            if known == self.view.uids or not by_uid:
                self.view.found(flag, value, set(found))

        self.send("uid_search" if by_uid else "search", f"{'UID ' if by_uid else ''}{text}", done, numbers=not by_uid)

    def search(self):
        self._search(False)

    def uid_search(self):
        self._search(True)

    def _marked(self, uids=None):
        """The messages that this session knows and that are marked \\Deleted, with their owners' count of changes."""
        chosen = uids if uids is not None else filter(None, self.view.uids)
        messages = ((uid, self.box.messages[uid]) for uid in chosen)
        return {uid: message.changes for uid, message in messages if message.flags.get("\\deleted")}

    @staticmethod
    def _expunged(box, marked):
        """An EXPUNGE has ended well: what was marked before, and stayed so, must go."""
        for uid, changes in marked.items():
            if box.messages[uid].changes == changes:
                box.messages[uid].must_go = True

    def expunge(self):
        if self.read_only:
            return False
        marked, box = self._marked(), self.box

        def done(answer, _pending):
            self._ok(answer, "expunge")
            self._expunged(box, marked)
        self.send("expunge", "EXPUNGE", done)
        return None

    def uid_expunge(self):
        uids = self._some_uids(10)
        if self.read_only or not uids or not self.has("UIDPLUS"):
            return False
        marked, box = self._marked(uids), self.box

        def done(answer, _pending):
            self._ok(answer, "uid expunge")
            self._expunged(box, marked)
        self.send("uid_expunge", f"UID EXPUNGE {compact(uids)}", done)
        return None

    def _copy(self, verb, by_uid):
        if (verb == "MOVE" and (self.read_only or not self.has("MOVE"))) or not self.has("UIDPLUS"):
            return False
        numbers = self._some(4)
        if not numbers or not all(self.view.uids[number - 1] for number in numbers):
            return False
        uids = [self.view.uids[number - 1] for number in numbers]
        source, target = self.box, self.crowd.boxes[self.random.choice(BOXES)]
        if verb == "MOVE" and source is target:
            return False
        if verb == "MOVE":
            for uid in uids:
                source.messages[uid].may_go = True
                source.messages[uid].changes += 1
        target.started += len(uids)
        settled = max(target.messages, default=0)
        own = {flag: {uid: source.messages[uid].flags.get(flag) for uid in uids} for flag in self.view.own()}
        marked = {uid for uid in uids if source.messages[uid].flags.get("\\deleted", True) is not False or source.messages[uid].may_go}

        def done(answer, pending):
            self._ok_or_gone(answer, verb)
            target.started -= len(uids)
            told = pending.copied or answer.code("COPYUID")
            if answer.kind == "OK" and told:
                self._copied(target, settled, told, uids, source, own, marked)
            elif answer.kind == "OK" and any(not source.messages[uid].may_go for uid in uids):
                raise Violation(f"{verb} without COPYUID")
            if answer.kind == "OK" and verb == "MOVE":
                for uid in uids:
                    source.messages[uid].must_go = True

        what = compact(uids) if by_uid else compact(numbers)
        self.send(f"{'uid_' if by_uid else ''}{verb.lower()}", f"{'UID ' if by_uid else ''}{verb} {what} {self.name(target.name)}", done)
        return None

    def _copied(self, target, settled, told, uids, source, own, marked):
        validity, old, new = told.split()
        old, new = list(in_set(old)), list(in_set(new))
        if len(old) != len(new) or not set(old) <= set(uids) or target.validity not in (None, int(validity)):
            raise Violation(f"COPYUID {told} for UIDs {uids}")
        lost = [uid for uid in uids if uid not in old and not source.messages[uid].may_go]
        if lost or min(new) <= settled:
            raise Violation(f"COPYUID {told}: UIDs {lost} are missing, or UID {settled} was given before")
        for before, after in zip(old, new):
            self.crowd.given(target, after)
            message, origin = target.seen(after), source.messages[before]
            for name in ("text", "size", "date"):
                value = getattr(origin, name)
                known = getattr(message, name)
                if value is not None and known not in (None, value):
                    raise Violation(f"{target.name}: UID {after} is no copy of {source.name} UID {before}: {name} {known!r}, {value!r}")
                setattr(message, name, value if value is not None else known)
            message.flags.update({flag: values[before] for flag, values in own.items() if values[before] is not None})
            message.may_go |= before in marked

    def copy(self):
        return self._copy("COPY", False)

    def uid_copy(self):
        return self._copy("COPY", True)

    def move(self):
        return self._copy("MOVE", False)

    def uid_move(self):
        return self._copy("MOVE", True)

    def status(self):
        box = self.crowd.boxes[self.random.choice(BOXES)]
        items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", *(["HIGHESTMODSEQ"] if self.has("CONDSTORE") else []),
                 *(["SIZE"] if self.has("STATUS=SIZE") else []), *(["DELETED", "DELETED-STORAGE"] if self.has("QUOTA=RES-STORAGE") else [])]
        floor, settled, certain = (box.uid_next, box.modseq), max(box.messages, default=0), box.certain()
        selected = self.view is not None and self.box is box

        def done(answer, pending):
            self._ok(answer, "status")
            told = pending.status
            if set(told) != set(items):
                raise Violation(f"STATUS of {items} told {sorted(told)}")
            if box.validity not in (None, told["UIDVALIDITY"]):
                raise Violation(f"UIDVALIDITY {told['UIDVALIDITY']}, was {box.validity}")
            if selected:
                return      # a session's own mailbox may be told as the session knows it
            if not min(certain, box.certain()) <= told["MESSAGES"] <= box.most():
                raise Violation(f"STATUS: {told['MESSAGES']} messages, at least {certain} must be there")
            if told["UNSEEN"] > told["MESSAGES"] or told.get("DELETED", 0) > told["MESSAGES"] or \
                    told.get("DELETED-STORAGE", 0) > told.get("SIZE", 1 << 63):
                raise Violation(f"STATUS tells more of some messages than of all: {told}")
            box.next_told(told["UIDNEXT"], floor[0], settled)
            box.modseq_told(told.get("HIGHESTMODSEQ", floor[1]), floor[1])
        self.send("status", f"STATUS {self.name(box.name)} ({' '.join(items)})", done)

    def idle(self):
        if not self.has("IDLE"):
            return False
        self.send("idle", "IDLE")
        while True:
            response = self.connection.response()
            if response.tag == "+":
                return None
            if response.tag != "*":
                raise Violation(f"IDLE: {response.text}")
            self.heard(response)
