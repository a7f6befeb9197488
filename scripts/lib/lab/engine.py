# SPDX-License-Identifier: BSD-3-Clause
"""A wirepost that runs in the engine's namespace, with a configuration, a store and records of its own."""

import copy
import glob
import json
import os
import shutil
import signal
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from lab import ROOT, schemas
from lab.commands import CommandFailed, end, run, start, wait_until
from lab.namespaces import ENGINE_ADDRESSES, ENGINE_IPV4, inside

DOMAIN = "example.test"
HOSTNAME = f"mx.{DOMAIN}"
PASSWORD = "open sesame"
USERS = ("alice", "bob", "carol", "dave", "postmaster", "abuse")
DRIVERS = ("af_packet", "af_xdp", "tap")
STARTER_RULES = ROOT / "rules" / "starter.yaml"
_TAP = "wptap0"


def binary():
    return Path(os.environ.get("WIREPOST", ROOT / "build" / "wirepost"))


def stall_library():
    return binary().parent / "tests" / "system" / "libstall.so"


def crypt(password):
    """A crypt(3) hash with few rounds: the tests log in thousands of times."""
    return run("openssl", "passwd", "-6", "-salt", "rounds=1000$wirepost", "-stdin",
               data=password.encode() + b"\n").stdout.decode().strip()


def merged(base, changes):
    """The configuration with the changes laid over it, mapping by mapping."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def yaml_text(value, indent=0):
    """The configuration as YAML, written for people: a line a key, flow style below a list."""
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            lines.append(f"{' ' * indent}{key}:")
            lines.append(yaml_text(inner, indent + 2))
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            lines.append(f"{' ' * indent}{key}:")
            lines += [f"{' ' * indent}  - {json.dumps(item)}" for item in inner]
        else:
            lines.append(f"{' ' * indent}{key}: {json.dumps(inner)}")
    return "\n".join(lines)


def configuration(directory, interface, pmd, workers):
    return {
        "hostname": HOSTNAME,
        # Root on purpose: the directory is, and what tests look at. test_privilege.py has others, and so does quickstart.
        "engine": {"workers": workers, "pmd": pmd, "interface": interface, "idle": "adaptive", "user": "root"},
        "network": {
            # Nobody else is here, and each engine would wait a second for a word. test_neighbours.py has others.
            "dad": "none",
            "addresses": list(ENGINE_ADDRESSES),
            "gateways": ["198.18.0.1", "2001:2::1"],
        },
        "listeners": [{"port": 25, "protocol": "smtp"}, {"port": 110, "protocol": "pop3"}],
        "smtp": {"message_size": "50MiB", "recipients": 100},
        "pop3": {"allow_cleartext": True},
        # All clients of a test are one address.
        "limits": {"ban": {"failures": "none"}} | {
            scope: {"connections": "none", "errors": "none"} for scope in ("address", "network")},
        "store": {"path": f"{directory}/store"},
        "rules": {"files": [str(STARTER_RULES)], "cache": f"{directory}/rule-cache"},
        # Quarantine by score, rejection by rule alone.
        "domains": [{"name": DOMAIN, "class": "local"}],
        "accounts": [{"address": f"{user}@{DOMAIN}", "password": crypt(PASSWORD)} for user in USERS],
        "records": {"path": f"{directory}/records.ndjson"},
        "ctl": {"socket": f"{directory}/ctl"},
    }


class Controlled:
    """What has a control socket, whose path is `socket`."""

    def ctl(self, *words, check=True, timeout=30):
        return run(binary(), "ctl", "-s", self.socket, *words, check=check, timeout=timeout)

    def ask(self, *words):
        """
        The result in what is answered to these words, as its schema says. Many ask again and again, so there is no `wirepost ctl`
        between, but where a word has blanks: only it knows how those travel.
        """
        words = [str(word) for word in words]
        result = self._told(*words) if any(" " in word for word in words) else self._asked(*words)
        name = schemas.of_command(words)
        if name and schemas.available():
            schemas.check(name, result)
        return result

    def _told(self, *words):
        return json.loads(self.ctl(*words, "--json").stdout)["result"]

    def _asked(self, *words):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.socket))
            connection.sendall(" ".join(words).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
        answer = json.loads(line) if line else {"ok": False, "error": "the engine hung up"}
        if not answer["ok"]:
            raise CommandFailed(f"{' '.join(words)}: {answer['error']}")
        return answer["result"]


class Engine(Controlled):
    """One engine: started, asked, killed, started again on the same store; `close` removes its directory."""

    def __init__(self, namespaces, pmd="af_packet", workers=1, changes=None, survive=False):
        self.namespaces = namespaces
        self.pmd = pmd
        self.survive = survive
        # On a disk: what the tests promise about durability means nothing in memory.
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-", dir="/var/tmp"))
        self.socket = self.directory / "ctl"
        self.records = self.directory / "records.ndjson"
        self.log = self.directory / "log"
        self.file = self.directory / "wirepost.yaml"
        self.interface = _TAP if pmd == "tap" else namespaces.engine_port
        self.settings = merged(configuration(self.directory, self.interface, pmd, workers), changes or {})
        self.options = []
        self.faked = False
        self.said = 0  # bytes of the log before the last start
        self.wrapper = []  # words in front of the command, to run the engine under something
        self.process = None
        self.write()

    def stalls(self, variable):
        """Before the start: a file that, while it is there, lets calls wait as tests/system/stall_preload.c says."""
        file = self.directory / variable.lower()
        self.wrapper = [*(self.wrapper or ["env"]), f"LD_PRELOAD={stall_library()}", f"{variable}={file}"]
        return file

    def write(self):
        """Writes the settings to the configuration file, where `reload` finds them."""
        self.file.write_text(yaml_text(self.settings) + "\n")
        if self.settings["engine"].get("user") != "root":
            # Whoever the engine becomes has to get to its files.
            self.directory.chmod(0o755)

    def fake_clock(self, **settings):
        """From the next start on its wall clock is libfaketime's, by these settings. False: that is not installed."""
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if library:
            self.wrapper = ["env", f"LD_PRELOAD={library[0]}", "DONT_FAKE_MONOTONIC=1",
                            *(f"{name}={value}" for name, value in settings.items())]
            self.faked = True
        return bool(library)

    def start(self, patience=20, reachable=True):
        self._launch()
        # libfaketime calls getenv() in each timed wait, and crashes there when EAL changes the environment meanwhile.
        for _ in range(2 if self.faked else 0):
            if self._crashed_silently():
                self._launch()
        wait_until(self._ready, patience, "the engine's control socket")
        if self.pmd == "tap":
            self.namespaces.adopt(self.interface)
        if reachable:
            self.wait_reachable(patience)
        return self

    def wait_reachable(self, patience):
        """The control socket is there before the first packet is read, and an address (IPv6 among them) is tentative at first."""
        wait_until(self.greets, patience, "a banner from the engine")
        # An address that somebody else has is never usable.
        with suppress(TimeoutError):
            wait_until(lambda: self.ask("status")["ready"], 5, "all addresses to be usable")

    def _launch(self):
        self.said = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = start("ip", "netns", "exec", self.namespaces.engine, *self.wrapper,
                                 binary(), "run", "-c", self.file, *self.options, log=log, survive=self.survive)

    def _crashed_silently(self):
        def decided():
            return self.process.poll() is not None or self.log.stat().st_size > self.said
        wait_until(decided, 20, "the engine's first line")
        return self.process.poll() == -signal.SIGSEGV and self.log.stat().st_size == self.said

    def _ready(self):
        if self.process.poll() is not None:
            raise CommandFailed(f"the engine ended with {self.process.returncode}:\n{self.log_tail()}")
        with suppress(OSError, CommandFailed):
            return bool(self.ask("status"))
        return False

    def greets(self, address=ENGINE_IPV4, port=25):
        """True when a connection to the address gets a banner."""
        try:
            with inside(self.namespaces.client):
                connection = socket.create_connection((address, port), timeout=1)
            with connection:
                return connection.recv(1024)[:4] in (b"220 ", b"+OK ")
        except OSError:
            return False

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def end(self, patience=10):
        return end(self.process, patience) if self.process else 0

    def log_lines(self):
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def log_tail(self, lines=40):
        return "\n".join(self.log_lines()[-lines:])

    def record_files(self):
        """The files that records are in, by type and then oldest first."""
        return sorted(self.records.glob("*.ndjson")) if self.records.is_dir() else [self.records]

    def close(self):
        """Ends it; what it has told in records must be as the schemas have it."""
        self.end()
        try:
            for path in self.record_files():
                if path.exists() and schemas.available():
                    schemas.check_lines(path.read_bytes())
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()
