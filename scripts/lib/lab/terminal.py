# SPDX-License-Identifier: BSD-3-Clause
"""Programs that want a screen and keys: each runs in a tmux of its own, whose screen is read as text."""

import re
import tempfile
from pathlib import Path

from lab.commands import Owner, run, start, wait_until

COLUMNS, ROWS = 100, 30
PATIENCE = 30


class Terminal(Owner):
    """A program on a screen of 100 columns and 30 rows, in the client's namespace. Its home is `directory`, which ends with it."""

    def __init__(self, namespaces, *command, **environment):
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-terminal-", dir="/var/tmp"))
        self.socket = self.directory / "tmux"
        self.last = ""
        # The server stays in the foreground, so that it ends with this process.
        (self.directory / "tmux.conf").write_text("set -g remain-on-exit on\nset -g exit-empty off\nset -g status off\nset -sg escape-time 0\n")
        self.process = start("tmux", "-D", "-u", "-S", self.socket, "-f", self.directory / "tmux.conf")
        wait_until(self.socket.exists, PATIENCE, "tmux")
        names = {"LC_ALL": "C.UTF-8", "HOME": self.directory, "TERM": "screen", **environment}
        self._tmux("new-session", "-d", "-x", COLUMNS, "-y", ROWS,
                   *namespaces.command("env", *(f"{name}={value}" for name, value in names.items()), *command))

    def _tmux(self, *words):
        return run("tmux", "-S", self.socket, *words, timeout=PATIENCE).stdout.decode()

    def type(self, text):
        # tmux takes a semicolon at the end as the end of its own command.
        self._tmux("send-keys", "-l", "--", text[:-1] + "\\;" if text.endswith(";") else text)

    def press(self, *keys):
        """Keys by tmux's names: Enter, Escape, C-x, Down ..."""
        self._tmux("send-keys", *keys)

    def screen(self):
        self.last = self._tmux("capture-pane", "-p")
        return self.last

    def ended(self):
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def shows(self, pattern, patience=PATIENCE):
        """Waits until the screen has this; returns the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.screen(), re.MULTILINE), patience, f"{pattern!r} on the screen")
        except TimeoutError as error:
            raise TimeoutError(f"{error}, which was\n{self.last}") from None

    def ends(self, patience=PATIENCE):
        """Waits until the program has ended."""
        try:
            wait_until(self.ended, patience, "the program's end")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its screen was\n{self.screen()}") from None
