# SPDX-License-Identifier: BSD-3-Clause
"""A wirepost that listens on ports of the engine's namespace, and what is put on the cable for it."""

import shutil
import socket
import struct
import tempfile
import time
from pathlib import Path

from lab import records, schemas
from lab.commands import CommandFailed, end, run, start, wait_until
from lab.engine import Controlled, binary, merged, yaml_text
from lab.namespaces import Namespaces, inside

_ETH_P_ALL = 3
_OUTGOING = 4


def configuration(directory, interfaces, pmd, workers):
    return {
        "role": "tap",
        "hostname": "tap.example.test",
        "engine": {"workers": workers, "user": "root"},
        "tap": {"ports": [{"pmd": pmd, "interface": name} for name in interfaces], "statistics": "200ms"},
        "records": {"path": f"{directory}/events.ndjson"},
        "ctl": {"socket": f"{directory}/ctl"},
    }


class Hub(Namespaces):
    """Client and engine at a hub, which shows each frame to a third port as well: a bridge that learns nothing."""

    mirror_port = "mirror0"

    def _lay_cable(self):
        self.mirror = f"{self.client}-mirror"
        self.hub = f"{self.client}-hub"
        for name in (self.mirror, self.hub):
            run("ip", "netns", "add", name)
            with inside(name):
                Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        run("ip", "-n", self.hub, "link", "add", "hub0", "type", "bridge", "ageing_time", "0", "stp_state", "0",
            "mcast_snooping", "0")
        run("ip", "-n", self.hub, "link", "set", "hub0", "up")
        for number, end_of in enumerate(((self.client, self.client_port), (self.engine, self.engine_port),
                                         (self.mirror, self.mirror_port))):
            name = f"port{number}"
            self._join(end_of, (self.hub, name))
            run("ip", "-n", self.hub, "link", "set", name, "master", "hub0")
            run("ip", "netns", "exec", self.hub, "bridge", "link", "set", "dev", name, "learning", "off", "flood", "on")

    def remove(self):
        super().remove()
        for name in (self.mirror, self.hub):
            run("ip", "netns", "del", name, check=False)


class Tap(Controlled):
    """Started by `with`; `finish` ends it and gives all events. In the engine's namespace unless told."""

    def __init__(self, namespaces, interfaces=None, pmd="af_packet", workers=1, changes=None, where=None):
        self.where = where or namespaces.engine
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-tap-", dir="/var/tmp"))
        self.socket = self.directory / "ctl"
        self.events_file = self.directory / "events.ndjson"
        self.log = self.directory / "log"
        self.file = self.directory / "wirepost.yaml"
        self.settings = merged(configuration(self.directory, interfaces or [namespaces.engine_port], pmd, workers),
                               changes or {})
        self.process = None
        self.write()

    def write(self):
        self.file.write_text(yaml_text(self.settings) + "\n")
        if self.settings["engine"].get("user") != "root":
            self.directory.chmod(0o755)

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = start("ip", "netns", "exec", self.where, binary(), "tap", "-c", self.file, log=log)
        wait_until(self._ready, 20, "the tap to watch")
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise CommandFailed(f"the tap ended with {self.process.returncode}:\n{self.said()}")
        return " watches as " in self.said()

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def events(self, kind=None):
        events = records.rows(self.events_file)
        if schemas.available():
            for event in events:
                schemas.check_record(event)
        return [event for event in events if kind in (None, event["kind"])]

    def finish(self):
        """The events, after an orderly end."""
        assert end(self.process) == 0, self.said()
        return self.events()

    def __exit__(self, *_error):
        end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)


def frames_of(path):
    """The frames of a pcap file."""
    data = Path(path).read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, frames = 24, []
    while at + 16 <= len(data):
        length = struct.unpack_from(f"{order}I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


class Cable:
    """The client's end of the cable as it is: frames are put on it, and those that come from the other end counted."""

    def __init__(self, namespaces, interface=None):
        with inside(namespaces.client):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.bind((interface or namespaces.client_port, _ETH_P_ALL))
        self._socket.settimeout(5)

    def play(self, frames, pause=0.0005):
        for frame in frames:
            self._socket.send(frame)
            if pause:
                time.sleep(pause)

    def came(self):
        """Frames from the other end, so far."""
        found = []
        self._socket.setblocking(False)
        try:
            while True:
                frame, address = self._socket.recvfrom(65536)
                if address[2] != _OUTGOING:
                    found.append(frame)
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(5)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._socket.close()
