# SPDX-License-Identifier: BSD-3-Clause
"""A connection to an IMAP server: commands with their literals out, whole responses in, and what was said last."""

import base64
import re
import socket
import time
import unicodedata
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Callable, Optional

from lab.imap.words import is_word, response_words

_LITERAL_END = re.compile(rb"\{(\d+)\+?\}\r\n$")
_LITERAL = re.compile(r"~?\{(\d+)(\+?)\}\r\n")
KEPT = 200      # lines of a transcript
PATIENCE = 15   # seconds for a response


class ImapError(Exception):
    """The server, or the connection to it, is not as it must be."""


class Closed(ImapError):
    """The server has closed the connection."""


@dataclass
class Server:
    """Where a server is, and whose mailboxes may be emptied there. `connect` makes the socket, also in another namespace."""

    host: str
    port: int
    user: str
    password: str
    user2: Optional[str] = None
    connect: Optional[Callable[[], socket.socket]] = None
    names: tuple = ()       # that are set for !ifenv in scripted groups
    compress: float = 0     # how many of the random sessions are compressed, where that is offered

    def socket(self):
        made = self.connect() if self.connect else socket.create_connection((self.host, self.port), timeout=PATIENCE)
        made.settimeout(PATIENCE)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


@dataclass
class Response:
    """One response: its text with literals in place, its words, and for a tagged one the tag."""

    tag: str
    text: str

    def __post_init__(self):
        self.words = [] if self.tag == "+" else response_words(self.text)

    @property
    def kind(self):
        """OK, NO, BAD ..., or EXISTS, FETCH ... for those that begin with a number."""
        if self.number is not None and len(self.words) > 1 and is_word(self.words[1]):
            return self.words[1].upper()
        return self.words[0].upper() if self.words and is_word(self.words[0]) else ""

    @property
    def number(self):
        return int(self.words[0]) if self.words and is_word(self.words[0]) and self.words[0].isdigit() else None

    def code(self, name):
        """What stands behind NAME in [NAME ...], as text; None without that code."""
        found = re.match(rf"(?:OK|NO|BAD|BYE|PREAUTH) \[{name}(?: ([^\]]*))?\]", self.text, re.IGNORECASE)
        return (found.group(1) or "") if found else None


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def composed(name):
    """A mailbox's name in UTF-8, as the text of a command has it: a letter for each byte."""
    return unicodedata.normalize("NFC", name).encode().decode("latin-1")


def decomposed(name):
    """The same name in another spelling: letters and their marks apart."""
    return unicodedata.normalize("NFD", name).encode().decode("latin-1")


def utf7(name):
    """A mailbox's name in modified UTF-7 (RFC 3501 section 5.1.3)."""
    def shifted(run):
        return "&" + base64.b64encode(run.group().encode("utf-16-be")).rstrip(b"=").replace(b"/", b",").decode() + "-"
    return re.sub(r"[^ -~]+", shifted, name.replace("&", "&-"))


def literal(data, plus=False):
    """A literal's announcement and its bytes, as the text of a command has them."""
    return f"{{{len(data)}{'+' if plus else ''}}}\r\n{data}"


def pieces(text):
    """A command's text, cut behind each announcement of a literal that waits for the server's word."""
    out, begin, at = [], 0, 0
    while True:
        found = _LITERAL.search(text, at)
        if not found:
            break
        if not found.group(2):
            out.append(text[begin:found.end()])
            begin = found.end()
        at = found.end() + int(found.group(1))
    return [*out, text[begin:]]


class Connection:
    """Blocking. `heard` gets each untagged response; tags are a letter of the connection's and a count."""

    def __init__(self, server, name="A", heard=None):
        self.server, self.name, self.heard = server, name, heard or (lambda response: None)
        self.transcript = deque(maxlen=KEPT)    # (time, line)
        self.socket = server.socket()
        self.buffer = b""
        self.count = 0
        self.refused = None
        self.capabilities = []
        self.exists = 0
        self.deflate = self.inflate = None

    # ---- out ----

    def _send(self, text):
        self._keep("C", text)
        data = text.encode("latin-1")
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def compress(self):
        """RFC 4978: both directions from here on."""
        self.command("COMPRESS DEFLATE")
        self.deflate, self.inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        self.buffer = self.inflate.decompress(self.buffer)

    def _keep(self, side, text):
        self.transcript.append((time.monotonic(), f"{self.name} {side}: {shown(text)}"))

    def tag(self):
        self.count += 1
        return f"{self.name}{self.count}"

    def send(self, text, tag=None):
        """Sends a command with its literals; returns its tag. Responses that come before a continuation are heard."""
        tag = tag or self.tag()
        first, *more = pieces(f"{tag} {text}\r\n")
        self._send(first)
        for piece in more:
            answer = self._until(lambda response: response.tag == "+" or response.tag == tag)
            if answer.tag == tag:
                self.refused = answer       # before its literal was sent
                return tag
            self._send(piece)
        return tag

    def raw(self, text):
        self._send(text)

    # ---- in ----

    def _more(self, patience=None):
        if patience is not None:
            self.socket.settimeout(patience)
        try:
            data = self.socket.recv(1 << 16)
        except (TimeoutError, socket.timeout):
            raise ImapError(f"{self.name}: no answer") from None
        except ConnectionError as error:
            raise Closed(f"{self.name}: {error}") from None
        finally:
            if patience is not None:
                self.socket.settimeout(PATIENCE)
        if not data:
            raise Closed(f"{self.name}: the server has closed the connection")
        self.buffer += self.inflate.decompress(data) if self.inflate else data

    def _line(self, start):
        """Where the line that begins at `start` of the buffer ends; reads what is missing."""
        looked = start
        while True:
            end = self.buffer.find(b"\n", looked)
            if end >= 0:
                return end + 1
            looked = max(start, len(self.buffer))
            self._more()

    def response(self):
        """The next response, whole."""
        end = self._line(0)
        text_line = re.match(rb"\S+ (?:OK|NO|BAD|BYE|PREAUTH) ", self.buffer[:end], re.IGNORECASE)
        while not text_line:
            found = _LITERAL_END.search(self.buffer[:end][-32:])
            if not found:
                break
            whole = end + int(found.group(1))
            while len(self.buffer) < whole:
                self._more()
            end = self._line(whole)
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        text = line.decode("latin-1")
        self._keep("S", text)
        if not text.endswith("\r\n"):
            raise ImapError(f"{self.name}: a line without CRLF: {text!r}")
        tag, _, rest = text[:-2].partition(" ")
        response = Response(tag, rest)
        self._note(response)
        return response

    def _note(self, response):
        if response.tag == "*":
            if response.kind == "EXISTS":
                self.exists = response.number
            elif response.kind == "EXPUNGE":
                self.exists -= 1
            elif response.kind == "CAPABILITY":
                self.capabilities = [word.upper() for word in response.words[1:]]
        told = response.code("CAPABILITY")
        if told:
            self.capabilities = told.upper().split()

    def waiting(self, seconds):
        """True when there is something to read, or comes within these seconds."""
        if b"\n" in self.buffer:
            return True
        try:
            self._more(max(seconds, 0.001))
        except Closed:
            raise
        except ImapError:
            return False
        return b"\n" in self.buffer

    def _until(self, wanted):
        while True:
            response = self.response()
            if response.tag == "*":
                self.heard(response)
            if wanted(response):
                return response

    def tagged(self, tag):
        """The response with this tag; all before it are heard."""
        return self.tagged_any((tag,))

    def tagged_any(self, tags):
        """The next response with one of these tags."""
        refused, self.refused = self.refused, None
        if refused and refused.tag in tags:
            return refused
        return self._until(lambda response: response.tag in tags)

    def command(self, text, expect="OK"):
        """Sends, waits; fails unless it ends as expected. Returns the untagged responses and the tagged one."""
        found, before = [], self.heard
        self.heard = lambda response: (found.append(response), before(response))
        try:
            answer = self.tagged(self.send(text))
        finally:
            self.heard = before
        if expect and answer.kind != expect:
            raise ImapError(f"{self.name}: {shown(text)}: {answer.text}")
        return found, answer

    # ---- the whole ----

    def greeting(self):
        response = self.response()
        if response.tag != "*":
            raise ImapError(f"no greeting but {response.text!r}")
        self.heard(response)
        return response

    def login(self, user=None):
        self.command(f"LOGIN {quoted(user or self.server.user)} {quoted(self.server.password)}")
        self.command("CAPABILITY")

    def has(self, *names):
        """Whether all are offered; APPENDLIMIT=1000 is APPENDLIMIT, too."""
        offered = {*self.capabilities, *(name.partition("=")[0] for name in self.capabilities if name.startswith("APPENDLIMIT="))}
        return all(name.upper() in offered for name in names)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()


def transcript(connections, lines=60):
    """What was said last over these connections, in its order; the letter in front says over which."""
    kept = sorted(row for connection in connections for row in connection.transcript)
    return "\n".join(f"{when % 1000:9.4f} {line}" for when, line in kept[-lines:])


def shown(text):
    text = text.replace("\r\n", "\\r\\n ").strip()
    return text if len(text) < 600 else f"{text[:400]} ... {text[-100:]}"


def opened(server, name="A", user=None):
    """A connection that has logged in."""
    connection = Connection(server, name)
    connection.greeting()
    connection.login(user)
    return connection


def fetched(response):
    """The items of a FETCH response: {NAME: word or list}; a name with a list in brackets is put together."""
    items, words, at = {}, response.words[2], 0
    while at < len(words):
        name = str(words[at]).upper()
        at += 1
        while "[" in name and "]" not in name:
            word = words[at]
            name += " " + (f"({' '.join(map(str, word))})" if isinstance(word, list) else str(word))
            at += 1
        if at >= len(words):
            raise ImapError(f"an item without a value: {response.text}")
        items[name.replace(" ]", "]")] = words[at]
        at += 1
    return items


def in_set(text):
    """The numbers of a set without `*`, in its order."""
    for part in filter(None, text.split(",")):
        first, _, last = part.partition(":")
        low, high = int(first), int(last or first)
        yield from range(min(low, high), max(low, high) + 1)
