# SPDX-License-Identifier: BSD-3-Clause
"""Running other programs, and ending them whatever happens."""

import ctypes
import shutil
import signal
import subprocess
import sys
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class CommandFailed(Exception):
    """A program that had to succeed did not."""


def run(*command, check=True, timeout=120, data=None):
    """Runs a program to its end; its output is bytes in the result."""
    command = [str(word) for word in command]
    result = subprocess.run(command, capture_output=True, timeout=timeout, input=data, check=False)
    if check and result.returncode != 0:
        raise CommandFailed(
            f"{' '.join(command)}: exit {result.returncode}\n"
            f"{result.stdout.decode(errors='replace')}{result.stderr.decode(errors='replace')}"
        )
    return result


def start(*command, log=None, survive=False):
    """Starts a program that dies with this one, unless it is to survive."""

    def die_with_parent():
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.DEVNULL,
        stderr=log or subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=None if survive else die_with_parent,
    )


def end(process, patience=10):
    """Asks a program to end, makes it end when it does not, and returns its exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def wait_until(condition, seconds, what):
    """Polls until the condition gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def signals_raise():
    """Lets SIGTERM and SIGHUP unwind like an interrupt from the keyboard, so that everything is cleaned up."""

    def leave(number, _frame):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Owner:
    """Has a folder of its own, `directory`, and maybe a `process`: closing ends both."""

    def close(self):
        if self.process:
            end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()
