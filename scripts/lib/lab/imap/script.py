# SPDX-License-Identifier: BSD-3-Clause
"""
Reads a group of ImapTest's scripted language: a header, then commands and what must be said to them. The language is
described by its own project; docs/imap-tests.md says what this interpreter adds: `!during`, `+{{{`, `$sasl_plain`.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from lab.imap.words import Atom, is_word, words

STATES = ("nonauth", "auth", "created", "appended", "selected")
ANSWERS = ("ok", "no", "bad", '""')
MUST, MUST_NOT, MAY = "*", "!", "?"
_UNITS = {"ms": 0.001, "msecs": 0.001, "s": 1, "sec": 1, "secs": 1, "": 1}


class BadScript(Exception):
    """What is no group: the file, the line and why."""


@dataclass
class Untagged:
    """A response that must come, must not, or may."""

    existence: str
    words: list
    line: int


@dataclass
class Command:
    text: str
    line: int
    tag: int = 0            # of the script; 0: none
    answer: Optional[list] = None


@dataclass
class Step:
    """Commands that are sent together over one connection, what is said meanwhile, and their answers."""

    connection: int = 0
    commands: list = field(default_factory=list)
    untagged: list = field(default_factory=list)
    during: list = field(default_factory=list)   # (connection, Command) while this one idles
    ordered: bool = False
    sleep: float = 0
    output: list = field(default_factory=list)

    @property
    def open(self):
        return any(command.answer is None for command in self.commands)

    @property
    def bye(self):
        return any(one.existence == MUST and one.words and is_word(one.words[0]) and one.words[0].upper() == "BYE" for one in self.untagged)


@dataclass
class Script:
    name: str
    path: Path
    capabilities: list = field(default_factory=list)
    connections: int = 1
    messages: Optional[int] = None     # None: all of the mbox, once
    state: str = "selected"
    ignore_extra: bool = True
    users: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)

    @property
    def mbox(self):
        own = self.path.with_name(self.path.name + ".mbox")
        return own if own.exists() else self.path.with_name("default.mbox")


# ---- lines, those that go on behind {{{ put together ----

def _literal(lines, binary, plus):
    """The lines between {{{ and }}} as a literal; line ends are CRLF, in a binary one as in the file. `plus`: nobody waits for the server."""
    out = "\n".join(lines) if binary else "\r\n".join(line.removesuffix("\r") for line in lines)
    return f"{'~' if binary else ''}{{{len(out)}{'+' if plus else ''}}}\r\n{out}"


def logical_lines(text):
    """(number, line); {{{ ... }}} stands there as a literal."""
    head, inner, begun, binary, plus = "", None, 0, False, False
    physical = text.split("\n")
    if physical and not physical[-1]:
        physical.pop()
    for number, line in enumerate(physical, 1):
        if inner is None:
            if line.startswith("#"):
                continue
            begun = number
        elif line.startswith("}}}"):
            line = head + _literal(inner, binary, plus) + line[3:]
            inner = None
        else:
            inner.append(line)
            continue
        if line.endswith("{{{"):
            binary, plus = line.endswith("~{{{"), line.endswith("+{{{")
            head, inner = line[:-4 if binary or plus else -3], []
        else:
            yield begun, line
    if inner is not None:
        raise BadScript(f"line {begun}: no }}}}}}")


# ---- what some lists mean unless they say it ----

def _directed(list_):
    return bool(list_) and isinstance(list_[0], Atom) and list_[0].startswith("$!")


def _default(list_, *directives):
    if not _directed(list_):
        list_[:0] = [Atom(f"$!{word}") for word in directives]


def add_defaults(line):
    """The order of what servers may order as they like does not matter."""
    if not line or not is_word(line[0]):
        return
    numbered = line[0][:1] == "$" or line[0][:1].isdigit()
    kind = line[1].lower() if numbered and len(line) > 1 and is_word(line[1]) else line[0].lower()
    if kind in ("list", "lsub") and len(line) > 1 and isinstance(line[1], list):
        _default(line[1], "unordered")
    elif kind == "status" and len(line) > 2 and isinstance(line[2], list):
        _default(line[2], "unordered=2")
    elif kind == "fetch" and len(line) > 2 and isinstance(line[2], list):
        for name, value in zip(line[2], line[2][1:]):
            if is_word(name) and name.lower() == "flags" and isinstance(value, list):
                _default(value, "unordered", "noextra", "ignore=\\recent")
        _default(line[2], "unordered=2")


# ---- the reader ----

def _interval(text):
    found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text)
    if not found or found.group(2) not in _UNITS:
        raise BadScript(f"no time: {text!r}")
    return int(found.group(1)) * _UNITS[found.group(2)]


class Reader:
    """Lines in, steps out."""

    def __init__(self, script, environment):
        self.script, self.environment = script, environment
        self.conditions = []    # (lines count, they counted outside, else was there)
        self.step = None

    @property
    def counts(self):
        return all(condition[0] for condition in self.conditions)

    def header(self, line):
        key, colon, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
        user = re.fullmatch(r"user (\d+)", key)
        if not colon:
            raise BadScript("no colon")
        if key == "capabilities":
            self.script.capabilities = value.upper().split()
        elif key == "connections":
            self.script.connections = int(value)
        elif key == "messages":
            self.script.messages = None if value.lower() == "all" else int(value)
        elif key == "state" and value.lower() in STATES:
            self.script.state = value.lower()
        elif key == "ignore_extra_untagged":
            self.script.ignore_extra = value.lower().startswith("y")
        elif user:
            self.script.users[int(user.group(1)) - 1] = value
        else:
            raise BadScript(f"unknown: {line}")

    def condition(self, line):
        """True for a line of the preprocessor."""
        word, _, name = line.partition(" ")
        if word in ("!ifenv", "!ifnenv"):
            self.conditions.append([(name.strip() in self.environment) == (word == "!ifenv"), False])
        elif line == "!else":
            if not self.conditions or self.conditions[-1][1]:
                raise BadScript("!else without !ifenv")
            self.conditions[-1] = [not self.conditions[-1][0], True]
        elif line == "!endif":
            if not self.conditions:
                raise BadScript("!endif without !ifenv")
            self.conditions.pop()
        else:
            return False
        return True

    def directive(self, line):
        """True for a line that says something about the step it follows."""
        word, _, rest = line.partition(" ")
        if not self.step:
            return False
        if word == "!sleep":
            self.step.sleep = _interval(rest)
        elif word == "!output":
            self.step.output.append(rest)
        elif line == "!ordered":
            self.step.ordered = True
        elif word == "!during":
            self.step.during.append(self._command(rest, self.line, explicit=True))
        else:
            return False
        return True

    def _connection(self, line):
        """The connection's index, and the rest of the line; it is there where there are several."""
        if self.script.connections == 1:
            return 0, line
        word, _, rest = line.partition(" ")
        if not word.isdigit() or not 0 < int(word) <= self.script.connections:
            raise BadScript("no connection's number")
        return int(word) - 1, rest

    @staticmethod
    def _tag(line):
        found = re.match(r"tag([1-9]\d*) ", line, re.IGNORECASE)
        return (int(found.group(1)), line[found.end():]) if found else (0, line)

    @staticmethod
    def _answer(line):
        word, _, rest = line.partition(" ")
        return (words(word), rest) if word.lower() in ANSWERS else (None, line)

    def _command(self, line, number, explicit=False):
        connection, line = self._connection(line)
        tag, line = self._tag(line)
        answer, text = self._answer(line)
        if explicit and answer is None:
            raise BadScript("what happens meanwhile says its answer in front")
        return connection, Command(text, number, tag, answer)

    def untagged(self, line):
        line_words = words(line[2:])
        add_defaults(line_words)
        if line[0] == MAY and line_words and str(line_words[0]).upper() == "BYE":
            raise BadScript("? BYE has no meaning")
        self.step.untagged.append(Untagged(line[0], line_words, self.line))

    def _finish(self, line):
        """True for the answer to a command of this step."""
        rest = line
        if self.script.connections > 1:
            word, _, after = line.partition(" ")
            if word.isdigit():
                if int(word) - 1 != self.step.connection:
                    return False
                rest = after
        tag, rest = self._tag(rest)
        if rest.partition(" ")[0].lower() not in ANSWERS:
            return False
        open_ = [command for command in self.step.commands if command.tag == tag and command.answer is None]
        if not open_:
            return False
        open_[0].answer = words(rest)
        return True

    def read(self, number, line):
        self.line = number
        if self.condition(line) or not self.counts or self.directive(line):
            return
        if line[:2] in ("* ", "! ", "? "):
            if not self.step:
                self._begin()
            self.untagged(line)
            return
        if self.step and self.step.open and self._finish(line):
            return
        connection, command = self._command(line, number)
        if not self.step or not self.step.open:
            self._begin()
            self.step.connection = connection
        elif not command.tag or connection != self.step.connection or any(other.tag == command.tag for other in self.step.commands):
            raise BadScript("no answer to the command before, or its tag again")
        self.step.commands.append(command)

    def _begin(self):
        if self.step and self.step.open:
            raise BadScript("no answer to the command before")
        self.step = Step()
        self.script.steps.append(self.step)

    def close(self):
        if self.conditions:
            raise BadScript("no !endif")
        if not self.step:
            raise BadScript("no command")
        if self.step.open:
            raise BadScript("no answer to the last command")


def read(path, environment=None):
    """The group in that file."""
    path = Path(path)
    script = Script(path.name, path)
    reader = Reader(script, os.environ if environment is None else environment)
    in_header, number = True, 0
    try:
        for number, line in logical_lines(path.read_bytes().decode("latin-1")):
            if not line.strip("\r"):
                in_header = False
            elif in_header:
                reader.header(line)
            else:
                reader.read(number, line)
        reader.close()
    except (BadScript, ValueError) as error:
        raise BadScript(f"{path.name}, line {number}: {error}") from None
    return script


def names(folder):
    """The groups of a folder."""
    return sorted(path.name for path in Path(folder).iterdir()
                  if path.is_file() and path.suffix != ".mbox" and not path.name.startswith("."))
