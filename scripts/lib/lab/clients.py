# SPDX-License-Identifier: BSD-3-Clause
"""Real mail programs, run in the client's namespace: curl, swaks and msmtp."""

import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab.engine import HOSTNAME, PASSWORD

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


def trusting(address, login):
    """curl's words for a server under TLS, asked for by its name, and a login."""
    return ("--ssl-reqd", "--ipv6" if ":" in address else "--ipv4", "--cacert", login.trust, "--user", f"{login.user}:{login.password}")


def curl_submit(namespaces, address, login, recipients, message):
    """Under TLS from the first byte on, after a login."""
    return curl_send(namespaces, address, login.user, recipients, message, options=trusting(address, login),
                     to=f"smtps://{HOSTNAME}:465/{CLIENT_NAME}")


def curl_send(namespaces, address, sender, recipients, message, timeout=120, options=(), to=None):
    """curl sends the file as it is: the message already has CRLF line ends."""
    with tempfile.NamedTemporaryFile(prefix="wirepost-mail-") as file:
        file.write(message.data)
        file.flush()
        envelope = [word for recipient in recipients for word in ("--mail-rcpt", recipient)]
        result = namespaces.run(
            "curl", "--silent", "--show-error", "--verbose", "--trace-time", "--max-time", timeout,
            "--url", to or url("smtp", address, CLIENT_NAME), *options, "--mail-from", sender, *envelope,
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


def msmtp_submit(namespaces, address, login, recipients, message, timeout=60):
    """On port 587: STARTTLS, then SCRAM-SHA-256. msmtp makes the line ends itself."""
    with tempfile.NamedTemporaryFile("w", prefix="wirepost-msmtprc-") as file:
        file.write(f"account default\nhost {address}\nport 587\ndomain {CLIENT_NAME}\nfrom {login.user}\ntls on\ntls_starttls on\n"
                   f"tls_host_override {HOSTNAME}\ntls_trust_file {login.trust}\n"
                   f'auth scram-sha-256\nuser {login.user}\npassword "{login.password}"\n')
        file.flush()
        result = namespaces.run("msmtp", "--debug", "-C", file.name, *recipients, data=message.data.replace(b"\r\n", b"\n"),
                                check=False, timeout=timeout)
    transcript = (result.stdout + result.stderr).decode(errors="replace")
    code, reply = reply_that_decides(re.findall(r"^<-- (.*?)\r?$", transcript, re.MULTILINE))
    return Sent(code, reply, None, message.data, transcript)


def _curl(namespaces, *words, timeout=60):
    return namespaces.run("curl", "--silent", "--show-error", "--max-time", timeout, *words, timeout=timeout + 10).stdout


def _numbers(listing):
    return [int(line.split()[0]) for line in listing.decode().splitlines() if line.strip()]


def curl_mailbox(namespaces, address, user, only=None):
    """All messages that POP3 shows, or the one of that number, as bytes, in the order of their numbers."""
    def curl(path):
        return _curl(namespaces, "--user", f"{user}:{PASSWORD}", url("pop3", address, path))
    return [curl(number) for number in ([only] if only else _numbers(curl("")))]


def curl_pop3s_mailbox(namespaces, address, login):
    """The same under TLS."""
    def curl(path):
        return _curl(namespaces, *trusting(address, login), f"pop3s://{HOSTNAME}/{path}")
    return [curl(number) for number in _numbers(curl(""))]


def curl_imaps_mailbox(namespaces, address, login):
    """All messages of the INBOX as IMAP shows them under TLS."""
    def curl(path):
        return _curl(namespaces, *trusting(address, login), f"imaps://{HOSTNAME}/{path}")
    found = curl("INBOX?ALL").decode().partition("* SEARCH")[2].split()
    return [curl(f"INBOX;MAILINDEX={number}") for number in found]


def write_sample(directory, name, data):
    """A file for a client to attach or to read."""
    path = Path(directory) / name
    path.write_bytes(data)
    return path
