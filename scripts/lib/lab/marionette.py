# SPDX-License-Identifier: BSD-3-Clause
"""Mozilla's remote control of its own programs: commands as JSON over TCP, and what privileged JavaScript makes of them."""

import base64
import json

# What is called is an async function with the arguments as `args`; what it returns or throws comes back.
_CALL = """
const done = arguments[arguments.length - 1];
const args = arguments;
(async () => {{ {body} }})().then(
    value => done({{value: value === undefined ? null : value}}),
    error => done({{error: `${{error}}\\n${{error?.stack}}`}}));
"""


class MarionetteError(Exception):
    """A command, or the JavaScript in it, has failed."""


class Marionette:
    """One session over a connected socket, in the privileged context. Packets are `length:JSON`."""

    def __init__(self, connection, patience):
        self.socket = connection
        self.socket.settimeout(patience)
        self.buffer = b""
        self.count = 0
        self._packet()  # the greeting
        self.command("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self.command("WebDriver:SetTimeouts", script=1000 * patience)
        self.command("Marionette:SetContext", value="chrome")

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise MarionetteError("the program has closed the connection")
        self.buffer += data

    def _packet(self):
        while b":" not in self.buffer:
            self._more()
        length, _, self.buffer = self.buffer.partition(b":")
        while len(self.buffer) < int(length):
            self._more()
        packet, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        return json.loads(packet)

    def command(self, name, **parameters):
        self.count += 1
        packet = json.dumps([0, self.count, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(packet), packet))
        while True:
            _kind, number, error, result = self._packet()
            if number == self.count:
                break
        if error:
            raise MarionetteError(f"{name}: {error['message']}")
        return result

    def call(self, body, *args):
        """Runs the body of an async function; what it returns, as JSON has it."""
        result = self.command("WebDriver:ExecuteAsyncScript", script=_CALL.format(body=body), args=list(args), newSandbox=True)["value"]
        if "error" in result:
            raise MarionetteError(f"{result['error']}\nin: {body}")
        return result["value"]

    def screenshot(self):
        """The window as PNG."""
        return base64.b64decode(self.command("WebDriver:TakeScreenshot", full=False)["value"])

    def close(self):
        self.socket.close()
