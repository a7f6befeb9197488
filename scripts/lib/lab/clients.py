# SPDX-License-Identifier: BSD-3-Clause
"""Real mail programs, run in the client's namespace: curl and swaks."""

import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab.engine import PASSWORD

CLIENT_NAME = "client.test"


@dataclass
class Sent:
    """What a client saw: the reply that decided, milliseconds it waited for it, and the bytes it sent."""

    code: int
    reply: str
    milliseconds: float | None
    data: bytes
    transcript: str


def url(scheme, address, path=""):
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}/{path}"


def reply_that_decides(replies):
    """The reply to the data when there was one, else the first refusal: (code, text)."""
    codes = [(int(line[:3]), line) for line in replies if re.match(r"\d{3}[ ]", line)]
    codes = [(code, line) for code, line in codes if code != 221]
    refused = [reply for reply in codes if reply[0] >= 400]
    if refused:
        return refused[0]
    return codes[-1] if codes else (0, "no reply")


def curl_send(namespaces, address, sender, recipients, message, timeout=120):
    """curl sends the file as it is: the message already has CRLF line ends."""
    with tempfile.NamedTemporaryFile(prefix="wirepost-mail-") as file:
        file.write(message.data)
        file.flush()
        to = [word for recipient in recipients for word in ("--mail-rcpt", recipient)]
        result = namespaces.run(
            "curl", "--silent", "--show-error", "--verbose", "--trace-time", "--max-time", timeout,
            "--url", url("smtp", address, CLIENT_NAME), "--mail-from", sender, *to,
            "--upload-file", file.name, check=False, timeout=timeout + 10)
    transcript = result.stderr.decode(errors="replace")
    replies = [match.group(1) for match in re.finditer(r"^[\d:.]+ < (.*?)\r?$", transcript, re.MULTILINE)]
    code, reply = reply_that_decides(replies)
    return Sent(code, reply, _curl_wait(transcript, reply), message.data, transcript)


def _curl_wait(transcript, reply):
    """From curl's last upload to the reply, in milliseconds; what was still in its socket counts in."""
    uploaded = None
    for line in transcript.splitlines():
        stamp = re.match(r"(\d\d:\d\d:\d\d\.\d+) (.*)", line)
        if not stamp:
            continue
        if re.match(r"\} \[|\* We are completely uploaded", stamp.group(2)):
            uploaded = _clock(stamp.group(1))
        elif uploaded is not None and stamp.group(2).startswith(f"< {reply}"):
            return (_clock(stamp.group(1)) - uploaded).total_seconds() * 1000
    return None


def _clock(text):
    return datetime.strptime(text, "%H:%M:%S.%f")


def swaks_send(namespaces, address, sender, recipients, options, timeout=60):
    """swaks writes the message itself; what it sent is read from its transcript."""
    result = namespaces.run(
        "swaks", "--server", address, "--helo", CLIENT_NAME, "--from", sender, "--to", ",".join(recipients),
        "--show-time-lapse", "--timeout", timeout, *options, check=False, timeout=timeout + 10)
    transcript = result.stdout.decode("utf-8", "surrogateescape")
    replies = [match.group(1) for match in re.finditer(r"^<(?:-|\*\*) +(.*?)\r?$", transcript, re.MULTILINE)]
    code, reply = reply_that_decides(replies)
    data, waited = _swaks_data(transcript)
    return Sent(code, reply, waited, data, transcript)


def _swaks_data(transcript):
    """The message as it travelled (dots undone), and the milliseconds to the reply to it."""
    lines, waited, inside = [], None, False
    for line in transcript.split("\n"):
        text = line.rstrip("\r")
        if re.match(r"<-  354", text):
            inside = True
        elif inside and text == " -> .":
            inside = False
            waited = re.search(r"\n -> \.\r?\n=== response in ([\d.]+)s", transcript)
        elif inside and text.startswith(" -> "):
            lines.append(text[5:] if text.startswith(" -> .") else text[4:])
    data = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
    return data, float(waited.group(1)) * 1000 if waited else None


def _curl_pop3(namespaces, address, user, path, timeout=60):
    return namespaces.run("curl", "--silent", "--show-error", "--max-time", timeout,
                          "--user", f"{user}:{PASSWORD}", url("pop3", address, path), timeout=timeout + 10).stdout


def curl_mailbox(namespaces, address, user, only=None):
    """All messages that POP3 shows, or the one of that number, as bytes, in the order of their numbers."""
    if only:
        return [_curl_pop3(namespaces, address, user, only)]
    listing = _curl_pop3(namespaces, address, user, "").decode()
    numbers = [int(line.split()[0]) for line in listing.splitlines() if line.strip()]
    return [_curl_pop3(namespaces, address, user, number) for number in numbers]


def write_sample(directory, name, data):
    """A file for a client to attach or to read."""
    path = Path(directory) / name
    path.write_bytes(data)
    return path
