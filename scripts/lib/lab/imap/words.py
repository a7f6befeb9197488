# SPDX-License-Identifier: BSD-3-Clause
"""The words of IMAP: what a response or a line of a script consists of. Bytes are kept as Latin-1 text, one character each."""

import re

_LITERAL = re.compile(r"~?\{(\d+)\+?\}\r\n")
_TEXT = ("OK", "NO", "BAD", "BYE", "PREAUTH")
NESTED_MAX = 100


class Atom(str):
    """What stands there without quotes; NIL among them."""

    __slots__ = ()

    @property
    def nil(self):
        return self.upper() == "NIL"


class Text(str):
    """A quoted string or a literal."""

    __slots__ = ()


class BadWords(Exception):
    """What is no list of words."""


def _quoted(text, at):
    """The string that begins behind the quote at `at`, and where it ends."""
    out = []
    at += 1
    while at < len(text):
        letter = text[at]
        if letter == '"':
            return Text("".join(out)), at + 1
        if letter == "\\" and at + 1 < len(text):
            at += 1
            letter = text[at]
        out.append(letter)
        at += 1
    raise BadWords("a quoted string without its end")


def _atom_end(text, at, nested):
    while at < len(text) and text[at] not in " \r\n" and not (nested and text[at] == ")"):
        at += 1
    return at


def words(text):
    """Atoms, strings and lists of a whole line, literals in place. Strings may have line ends within."""
    lists = [[]]
    at = 0
    while at < len(text):
        letter = text[at]
        literal = _LITERAL.match(text, at) if letter in "{~" else None
        if letter in " \r\n":
            at += 1
        elif letter == "(":
            lists.append([])
            at += 1
            if len(lists) > NESTED_MAX:
                raise BadWords("lists within lists without end")
        elif letter == ")" and len(lists) > 1:
            done = lists.pop()
            lists[-1].append(done)
            at += 1
        elif letter == '"':
            word, at = _quoted(text, at)
            lists[-1].append(word)
        elif literal:
            end = literal.end() + int(literal.group(1))
            if end > len(text):
                raise BadWords("a literal without its end")
            lists[-1].append(Text(text[literal.end():end]))
            at = end
        else:
            end = _atom_end(text, at, len(lists) > 1)
            lists[-1].append(Atom(text[at:end]))
            at = end
    if len(lists) > 1:
        raise BadWords("a list without its end")
    return lists[0]


def response_words(text):
    """The words of what a server says; what is said to people behind OK and its like need not be words."""
    try:
        return words(text)
    except BadWords:
        if text.partition(" ")[0].upper() not in _TEXT:
            raise
        return [Atom(word) for word in text.split()]


def is_word(word):
    """What can be read as a string: an atom, NIL among them, a string, a literal."""
    return isinstance(word, str)


def is_nil(word):
    return isinstance(word, Atom) and word.nil


def plain(words_):
    """For people: the words as a line."""
    def one(word):
        if isinstance(word, list):
            return f"({plain(word)})"
        return repr(str(word)) if isinstance(word, Text) else str(word)
    return " ".join(map(one, words_))
