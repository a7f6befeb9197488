# SPDX-License-Identifier: BSD-3-Clause
"""Whether what a server said is what a script expects: variables, any order, what may come besides."""

import re

from lab.imap.words import Atom, is_nil, is_word

_NAME = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]*))")
_MODSEQ = re.compile(r"modseq(\d+)")


class Uninitialized(Exception):
    """A variable that nothing has given a value."""


class Variables:
    """Names and values; what a match that fails had set is undone."""

    def __init__(self, values):
        self.values = dict(values)
        self.sequence = []      # current number of each message that there was at the step's begin; 0: expunged
        self.modseq = (0, 0)    # the highest $modseqN so far and its value

    def expunged(self, number):
        self.sequence = [0 if now == number else now - (now > number) for now in self.sequence]

    def numbered(self, name):
        """$3: where the third message is now."""
        at = int(name)
        if not 0 < at <= len(self.sequence):
            return "<out of range>"
        return str(self.sequence[at - 1]) if self.sequence[at - 1] else "<expunged>"

    def get(self, name):
        return self.numbered(name) if name.isdigit() else self.values.get(name)

    def take(self, name, value):
        """A value from the server. For $modseqN None, when it is below what N asks for."""
        found = _MODSEQ.fullmatch(name)
        if not found:
            self.values[name] = value
            return value
        index, (known, least) = int(found.group(1)), self.modseq
        if not value.isdigit() or index < known or int(value) < least + index - known:
            return None
        self.modseq = (index, int(value))
        self.values[name] = value
        return value

    def state(self):
        return dict(self.values), self.modseq

    def back(self, state):
        self.values, self.modseq = dict(state[0]), state[1]

    def expand(self, text):
        """A command's text with values in place."""
        out, at = [], 0
        while at < len(text):
            if text.startswith("$$", at):
                out.append("$")
                at += 2
                continue
            found = _NAME.match(text, at) if text[at] == "$" and at + 1 < len(text) else None
            if not found:
                out.append(text[at])
                at += 1
                continue
            name = found.group(1) if found.group(1) is not None else found.group(2)
            value = self.get(name)
            if value is None:
                raise Uninitialized(f"${name} has no value")
            out.append(value)
            at = found.end()
        return "".join(out)

    def matches(self, template, text, prefix=False):
        """One word. A variable without a value takes what stands there, up to what follows it in the template."""
        at, where, exact = 0, 0, False
        while at < len(template):
            plain = template.startswith("$$", at)
            if template[at] != "$" or plain:
                at += plain
                same = where < len(text) and (text[where] == template[at] or (not exact and text[where].upper() == template[at].upper()))
                if not same:
                    return False
                at, where = at + 1, where + 1
                continue
            found = _NAME.match(template, at)
            name = found.group(1) if found.group(1) is not None else found.group(2)
            at = found.end()
            if name.startswith("case:"):
                value = name[5:]
            else:
                value = self.get(name) if name else None
                if value is None:
                    value = self._taken(name, template[at:], text[where:])
                    if value is None:
                        return False
            if not text.startswith(value, where):
                return False
            where += len(value)
        return prefix or where == len(text)

    def _taken(self, name, rest, text):
        """What an unset variable stands for: all up to the first letter of what comes behind it."""
        stop = self._first(rest)
        end = len(text) if not stop else next((i for i, letter in enumerate(text) if letter.upper() == stop.upper()), len(text))
        return self.take(name, text[:end]) if name else text[:end]

    def _first(self, rest):
        if not rest.startswith("$") or rest.startswith("$$"):
            return rest[:1]
        found = _NAME.match(rest)
        name = found.group(1) if found.group(1) is not None else found.group(2)
        value = name[5:] if name.startswith("case:") else self.get(name) if name else None
        return value[:1] if value else self._first(rest[found.end():])


class Directives:
    """The $! words at a list's begin."""

    def __init__(self, list_):
        self.unordered, self.chain, self.noextra, self.ignore, self.ban = False, 1, None, [], []
        at = 0
        while at < len(list_) and isinstance(list_[at], Atom) and list_[at].startswith("$!"):
            self._one(list_[at][2:])
            at += 1
        self.rest = list_[at:]
        if self.noextra is None:
            self.noextra = not self.unordered

    def _one(self, word):
        name, equals, value = word.partition("=")
        if name == "unordered":
            self.unordered = True
            self.chain = int(value) if equals else 1
        elif word == "ordered":
            self.unordered = False
        elif word in ("extra", "noextra"):
            self.noextra = word == "noextra"
        elif name in ("ignore", "ban"):
            getattr(self, name).append(value.lower())
        else:
            raise ValueError(f"unknown directive $!{word}")


def match(variables, expected, said, prefix=False):
    """True when they match; then variables keep what they took. `prefix`: more may follow, and the last word may go on."""
    before = variables.state()
    if _words(variables, expected, said, prefix):
        return True
    variables.back(before)
    return False


def _words(variables, expected, said, prefix=False):
    at = 0
    for number, word in enumerate(expected):
        here = said[at] if at < len(said) else None
        if is_nil(word):
            if not is_nil(here):
                return False
        elif isinstance(word, list):
            if not isinstance(here, list) or not _list(variables, word, here):
                return False
        elif word == "$" and isinstance(here, list):
            pass
        elif word == "$]":
            while at < len(said) and isinstance(said[at], Atom) and "]" not in said[at]:
                at += 1
        elif not is_word(here) and not (here is None and prefix and word == ""):
            return False
        elif here is not None and not variables.matches(word, here, prefix and number == len(expected) - 1):
            return False
        at += 1
    return prefix or at >= len(said)


def _list(variables, expected, said):
    directives = Directives(expected)
    if not directives.unordered:
        return _words(variables, directives.rest, said)
    size = directives.chain
    if len(said) % size or len(directives.rest) % size:
        return False
    chains = [said[at:at + size] for at in range(0, len(said), size)]
    used = set()
    for at in range(0, len(directives.rest), size):
        found = next((number for number, chain in enumerate(chains) if match(variables, directives.rest[at:at + size], chain)), None)
        if found is None:
            return False
        used.add(found)
    besides = [chain[0].lower() for number, chain in enumerate(chains) if number not in used and is_word(chain[0])]
    if directives.noextra:
        return all(word in directives.ignore for word in besides)
    return not any(word in directives.ban for word in besides)
