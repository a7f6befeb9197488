# SPDX-License-Identifier: BSD-3-Clause
"""Postfix's smtp-sink and smtp-source: a server that does nothing with mail, and a client on the kernel's TCP."""

import time
from contextlib import contextmanager

from lab.commands import end, run, start, wait_until
from lab.engine import DOMAIN
from lab.meter import finish
from lab.namespaces import ENGINE_IPV4, Namespaces, inside

SINK, SOURCE = "smtp-sink", "smtp-source"
BACKLOG = 4096


def sink_words(address):
    # As many sessions as the backlog, no name looked up: what it has to be tuned.
    return (SINK, "-u", "nobody", "-m", str(BACKLOG), f"{address}:25", str(BACKLOG))


@contextmanager
def sink_on(namespace, address):
    """The sink's process, listening in the namespace."""
    with inside(namespace):
        # A new connection for each message: the kernel's own limits are no part of the comparison.
        for name, value in (("core/somaxconn", BACKLOG), ("ipv4/tcp_max_syn_backlog", BACKLOG), ("ipv4/tcp_tw_reuse", 1),
                            ("ipv4/ip_local_port_range", "1024 65535")):
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
                file.write(str(value))
    process = start("ip", "netns", "exec", namespace, *sink_words(address))
    try:
        wait_until(lambda: listens(namespace), 10, SINK)
        yield process
    finally:
        end(process)


def listens(namespace, port=25):
    return run("ip", "netns", "exec", namespace, "ss", "-Hltn", f"sport = :{port}").stdout


@contextmanager
def sink_at_the_cable():
    """The sink on the kernel's stack at one end of a veth; its process, and namespace and port of the other end."""
    with Namespaces() as namespaces:
        port = namespaces.kernel_serves()
        with sink_on(namespaces.engine, ENGINE_IPV4) as process:
            yield process, namespaces.client, port


def source(namespace, address, count, connections, size, *more):
    """smtp-source sends so many messages; it fails when one is not accepted."""
    return finish("ip", "netns", "exec", namespace, SOURCE, "-s", connections, "-l", size, "-m", count, "-M", "client.test",
                  "-f", "sender@client.test", "-t", f"alice@{DOMAIN}", *more, f"{address}:25", timeout=300)


def rate_over(seconds, send, first):
    """Sends a first number, then what should take so many seconds; the count, and what the second sending took."""
    began = time.monotonic()
    send(first)
    count = max(first, round(first / (time.monotonic() - began) * seconds))
    return count, send(count)
