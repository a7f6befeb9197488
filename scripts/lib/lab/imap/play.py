# SPDX-License-Identifier: BSD-3-Clause
"""Plays a scripted group against a server."""

import base64
import calendar
import os
import re
import time

from lab.imap.match import Uninitialized, Variables, match
from lab.imap.script import MUST, MUST_NOT, STATES, read
from lab.imap.wire import Closed, Connection, ImapError, literal, quoted, transcript
from lab.imap.words import Text, plain, words

MAILBOX = "imaptest"
PATIENCE = 5    # seconds that what must come while a connection idles may take
_FROM = re.compile(r"From \S+ +\w{3} (\w{3} +\d+ \d\d:\d\d:\d\d) (\d{4})(?: ([+-]\d{4}))?$")
_APPEND = re.compile(r"(append|(?:uid )?replace \S+)(?: (.*))?$", re.IGNORECASE | re.DOTALL)


class Failed(Exception):
    """The group fails: why, and what was said."""


class Skipped(Exception):
    """The server does not offer what the group is about."""


def messages(path):
    """((date, zone), bytes as text) of an mbox file, line ends made CRLF; the empty line before the next belongs to it."""
    found = []
    for line in path.read_bytes().decode("latin-1").split("\n"):
        line = line[:-1] if line.endswith("\r") else line
        begins = _FROM.match(line)
        if begins:
            when = calendar.timegm(time.strptime(f"{begins.group(1)} {begins.group(2)}", "%b %d %H:%M:%S %Y"))
            found.append([(when, begins.group(3) or "+0000"), []])
        elif found:
            found[-1][1].append(line)
    if found and found[-1][1] and not found[-1][1][-1]:
        found[-1][1].pop()      # what follows the file's last line end is no line
    return [(when, "".join(f"{line}\r\n" for line in lines)) for when, lines in found]


def date_time(when):
    """As the mbox says it: the time in its own zone."""
    seconds, zone = when
    return time.strftime(f"%d-%b-%Y %H:%M:%S {zone}", time.gmtime(seconds))


def sasl_plain(user, password):
    """RFC 4616, in base64."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Player:
    """One group on one server: its connections, its variables, where it is."""

    def __init__(self, script, server, mailbox=MAILBOX):
        self.script, self.server, self.mailbox = script, server, mailbox
        self.source = messages(script.mbox) if script.mbox.exists() else []
        self.appended = 0
        self.connections = []
        self.said = []          # the untagged responses of the step that runs
        self.step, self.tags = None, {}
        self.variables = Variables(self._predefined())

    # ---- before the first step ----

    def _users(self):
        for number in range(self.script.connections):
            user = self.script.users.get(number, "$user")
            if user in ("$user2", "${user2}"):
                if not self.server.user2:
                    raise Skipped("there is no second user")
                yield self.server.user2
            else:
                yield self.server.user if user in ("$user", "${user}") else user

    def _predefined(self):
        values = {"mailbox": self.mailbox, "mailbox_url": self.mailbox}
        for number, user in enumerate(self._users()):
            suffix = str(number + 1) if number else ""
            name, _, domain = user.partition("@")
            values |= {f"user{suffix}": user, f"username{suffix}": name, f"domain{suffix}": domain or self.server.host,
                       f"password{suffix}": self.server.password, f"sasl_plain{suffix}": sasl_plain(user, self.server.password)}
        return values

    def _delete_all(self, first):
        listed, _ = first.command(f'LIST "" {quoted(self.mailbox + "*")}')
        subscribed, _ = first.command(f'LSUB "" {quoted(self.mailbox + "*")}')
        for verb, found in (("DELETE", listed), ("UNSUBSCRIBE", subscribed)):
            names = [response.words[3] for response in found if response.kind in ("LIST", "LSUB")]
            for name in sorted(names, reverse=True):
                first.command(f"{verb} {quoted(name)}", expect=None)    # \NoSelect cannot be deleted

    def _message(self):
        if not self.source:
            raise Failed(f"{self.script.mbox.name} is not there")
        when, text = self.source[self.appended % len(self.source)]
        self.appended += 1
        return when, text

    def _append_whole(self):
        when, text = self._message()
        return f"APPEND {quoted(self.mailbox)} {quoted(date_time(when))} {literal(text)}"

    def _prepare(self):
        state = STATES.index(self.script.state)
        first = self.connections[0]
        if not self.script.steps[0].commands:
            self._banner(first)
        else:
            first.greeting()
        for other in self.connections[1:]:
            other.greeting()
        if state == 0:
            first.command("CAPABILITY")
            self._need(first)
            return
        for connection, user in zip(self.connections, self._users()):
            connection.login(user)
        self._need(first)
        self._delete_all(first)
        if state >= STATES.index("created") and self.mailbox.upper() != "INBOX":
            first.command(f"CREATE {quoted(self.mailbox)}")
        if state >= STATES.index("appended"):
            count = len(self.source) if self.script.messages is None else self.script.messages
            for _ in range(count):
                first.command(self._append_whole())
        if state >= STATES.index("selected"):
            for connection in self.connections:
                connection.command(f"SELECT {quoted(self.mailbox)}")

    def _need(self, connection):
        missing = [name for name in self.script.capabilities if not connection.has(name)]
        if missing:
            raise Skipped(f"the server does not offer {' '.join(missing)}")

    # ---- a step ----

    def _banner(self, connection):
        self.step = self.script.steps[0]
        self._begin(connection)
        connection.heard = lambda response: self._hear(connection, response)
        connection.greeting()
        self._missing()

    def _begin(self, connection):
        self.found = [False] * len(self.step.untagged)
        self.extra, self.said = [], []
        self.variables.sequence = list(range(1, connection.exists + 1))

    def _hear(self, connection, response):
        """An untagged response: which of the expected it is, and what it does to message numbers."""
        self.said.append(response.text)
        step = self.step
        if step is None:
            return
        prefix = response.kind in ("OK", "NO", "BAD", "BYE")
        some = False
        tag = self.tags.get(0)
        if tag:
            self.variables.values["tag"] = tag
        for number, expected in enumerate(step.untagged):
            if self.found[number]:
                continue
            if match(self.variables, expected.words, response.words, prefix):
                if expected.existence == MUST_NOT:
                    raise Failed(f"line {expected.line}: this must not come: {response.text}")
                self.found[number] = some = True
                if step.ordered:
                    break
            elif step.ordered and expected.existence == MUST:
                break
        self.variables.values.pop("tag", None)
        if not some:
            self.extra.append(response.text)
        if response.kind == "EXPUNGE":
            self.variables.expunged(response.number)

    def _text(self, command):
        text = self.variables.expand(command.text)
        found = _APPEND.match(text)
        if not found or self._has_body(found):
            return text
        if not found.group(2) and found.group(1).lower() == "append":
            return self._append_whole()
        return f"{text} {literal(self._message()[1])}"

    @staticmethod
    def _has_body(found):
        """Whether an APPEND or REPLACE brings its message along: a word behind mailbox, flags and date."""
        rest = words(found.group(2) or "")[1:]
        if rest and isinstance(rest[0], list):
            rest = rest[1:]
        # A date stands in quotes; a literal is never as short as one that begins so.
        if rest and isinstance(rest[0], Text) and re.fullmatch(r"[ \d]\d-\w{3}-\d{4} [\d:]{8} [+-]\d{4}", rest[0]):
            rest = rest[1:]
        return bool(rest)

    def _judge(self, command, answer, tag):
        self.variables.values["tag"] = tag
        fits = match(self.variables, command.answer, answer.words, prefix=True)
        self.variables.values.pop("tag", None)
        if not fits:
            raise Failed(f"line {command.line}: {command.text}: expected {plain(command.answer)}, got {answer.text}")

    def _missing(self):
        lost = [one for one, found in zip(self.step.untagged, self.found) if one.existence == MUST and not found]
        if lost:
            raise Failed(f"line {lost[0].line}: {len(lost)} responses are missing, the first: {plain(lost[0].words)}\n"
                         "    came: " + "\n          ".join(self.said or ["nothing"]))
        if self.extra and not self.script.ignore_extra:
            raise Failed(f"nobody expects {self.extra[0]}")

    def _play(self, step):
        connection = self.connections[step.connection]
        self.step, self.tags = step, {}
        self._begin(connection)
        connection.heard = lambda response: self._hear(connection, response)
        for number, command in enumerate(step.commands):
            text = self._text(command)
            self.tags[number] = connection.tag()
            connection.send(text, self.tags[number])
            if text.upper() == "IDLE":
                self._idle(connection, step)
        try:
            waiting = {self.tags[number]: command for number, command in enumerate(step.commands)}
            while waiting:
                answer = connection.tagged_any(waiting)
                self._judge(waiting.pop(answer.tag), answer, answer.tag)
        except Closed:
            if not step.bye:
                raise
            if any(command.answer != [Text("")] for command in waiting.values()):
                raise Failed(f"line {step.commands[0].line}: closed behind BYE, without an answer") from None
        connection.heard = lambda response: None
        self._missing()
        for line in step.output:
            print(self.variables.expand(line))
        time.sleep(step.sleep)
        self.step = None

    def _idle(self, connection, step):
        """IDLE: what others do meanwhile, then what must come while it idles, then DONE."""
        while True:
            response = connection.response()
            if response.tag == "+":
                break
            if response.tag != "*":
                raise Failed(f"IDLE was not begun: {response.text}")
            connection.heard(response)
        for other, command in step.during:
            peer = self.connections[other]
            text = self._text(command)
            _, answer = peer.command(text, expect=None)
            self._judge(command, answer, answer.tag)
        deadline = time.monotonic() + PATIENCE
        while not self._all_here() and time.monotonic() < deadline:
            if connection.waiting(deadline - time.monotonic()):
                response = connection.response()
                if response.tag != "*":
                    raise Failed(f"IDLE ended by itself: {response.text}")
                connection.heard(response)
        connection.raw("DONE\r\n")

    def _all_here(self):
        return all(found or one.existence != MUST for one, found in zip(self.step.untagged, self.found))

    # ---- all of it ----

    def play(self):
        try:
            for number in range(self.script.connections):
                self.connections.append(Connection(self.server, chr(ord("A") + number)))
            self._prepare()
            for step in self.script.steps:
                if step.commands:
                    self._play(step)
        except (Failed, ImapError, Uninitialized) as error:
            raise Failed(f"{self.script.name}: {error}\n{transcript(self.connections)}") from error
        finally:
            for connection in self.connections:
                connection.close()


def play(path, server, mailbox=MAILBOX, unoffered=False):
    """Raises Failed with a transcript, or Skipped with the capabilities that are missing, unless `unoffered`."""
    script = read(path, {*os.environ, *server.names})
    script.capabilities = [] if unoffered else script.capabilities
    Player(script, server, mailbox).play()
