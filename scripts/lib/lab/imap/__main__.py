# SPDX-License-Identifier: BSD-3-Clause
"""By hand, against any server: python3 -m lab.imap groups|random|bench --help."""

import argparse
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lab.imap import bench, damage, groups, play, script, sessions
from lab.imap.dovecot import Dovecot
from lab.imap.model import Violation
from lab.imap.wire import Server


@contextmanager
def server_of(options):
    """The server that is named, or a Dovecot of our own."""
    if options.host:
        yield Server(options.host, options.port, options.user, options.password, options.user2)
    else:
        with Dovecot(options.location) as dovecot:
            yield dovecot.start().server


def scripted(options, server):
    """Plays groups, tells of each how it went, returns how many failed."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    folders = [Path(folder) for folder in options.folder or []]
    for path in [folder / name for folder in folders for name in script.names(folder)] or groups.paths():
        if options.only and path.name not in options.only:
            continue
        began = time.monotonic()
        try:
            play.play(path, server, unoffered=options.unoffered)
            outcome, why = "passed", ""
        except play.Skipped as reason:
            outcome, why = "skipped", str(reason)
        except (play.Failed, script.BadScript) as reason:
            outcome, why = "failed", str(reason)
        counts[outcome] += 1
        print(f"{outcome} {path.name} {time.monotonic() - began:.2f} s {why}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return counts["failed"]


def randomly(options, server):
    """Plays seeds; the number of those in which something was not allowed."""
    failed = 0
    with damage.Proxy(server, options.damage) if options.damage else nullcontext() as proxy:
        for seed in range(options.seed, options.seed + options.seeds):
            began = time.monotonic()
            try:
                commands = sessions.play(proxy.server if proxy else server, seed, count=options.sessions)
                print(f"passed seed {seed}: {commands} commands, {time.monotonic() - began:.2f} s", flush=True)
            except Violation as reason:
                failed += 1
                print(f"failed {reason}", flush=True)
    return failed


def benchmark(options):
    if options.host:
        server = Server(options.host, options.port, options.user, options.password)
        bench.tell(server, options.seconds, options.users)
        return 0
    with Dovecot(options.location) as dovecot:
        dovecot.start()
        bench.tell(bench.of_dovecot(dovecot), options.seconds, options.users, pid=dovecot.pid)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="lab.imap", description=__doc__)
    parser.add_argument("work", choices=("groups", "random", "bench"))
    parser.add_argument("--host", help="an IMAP server; without: a Dovecot of our own")
    parser.add_argument("--port", type=int, default=143)
    parser.add_argument("--user", default="alice@example.test")
    parser.add_argument("--user2")
    parser.add_argument("--password", default="open sesame")
    parser.add_argument("--location", default="sdbox:~/mail", help="Dovecot's mail_location")
    parser.add_argument("--folder", action="append", help="a folder of groups, instead of the shared ones and ours")
    parser.add_argument("--seed", type=int, default=1, help="random: the first seed")
    parser.add_argument("--seeds", type=int, default=5, help="random: so many seeds")
    parser.add_argument("--sessions", type=int, default=4, help="random: so many sessions")
    parser.add_argument("--damage", choices=damage.KINDS, help="random: through a proxy that damages answers")
    parser.add_argument("--unoffered", action="store_true", help="groups: also what the server does not offer")
    parser.add_argument("--seconds", type=float, default=3, help="bench: for each work")
    parser.add_argument("--users", type=int, default=4, help="bench: so many users, %%u in --user")
    parser.add_argument("only", nargs="*", help="names of groups")
    options = parser.parse_args()
    if options.work == "bench":
        return benchmark(options)
    with server_of(options) as server:
        return 1 if {"groups": scripted, "random": randomly}[options.work](options, server) else 0


if __name__ == "__main__":
    sys.exit(main())
