# SPDX-License-Identifier: BSD-3-Clause
"""The row durable: 4 KB messages accepted, stored and readable, a connection each, beside Postfix with Maildirs."""

import os
import re
import time
from contextlib import contextmanager

from lab import machine, meter
from lab.bench_accept import accepted, verified
from lab.bench_row import BESIDE, OURS, Row, Sample, Side
from lab.commands import wait_until
from lab.engine import DOMAIN
from lab.measured import VETH, blast, engine_on, failures, watched
from lab.meter import Progress
from lab.namespaces import ENGINE_IPV4, Namespaces
from lab.postfix import Postfix, main_text, master_text
from lab.siphash import siphash
from lab.smtp import pop3, retrieve
from lab.sinks import SOURCE, source

CONNECTIONS = 64
SOURCE_CONNECTIONS = 20
PAYLOAD = 4096
WARM_UP = 400
USERS = ("alice", *(f"user{number}" for number in range(1, 11)))
RECIPIENTS = ("--rcpt", f"user{{1-10}}@{DOMAIN}")
ACCEPTED = "messages_accepted_total"
UNIT = "messages/s readable"
HEAD = re.compile(rb"^X-Blast: ([0-9a-f]+ [0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)\r?\nMessage-ID: [^\r\n]*\r?\n(.*)", re.MULTILINE | re.DOTALL)


# Workers nap when they have nothing to do, and no CPU is kept for anybody: what control threads do counts as much as what workers do.
EVERYWHERE = {"engine": {"idle": "adaptive", "control_cpus": ",".join(map(str, sorted(os.sched_getaffinity(0))))}}


@contextmanager
def postfix_here():
    with Namespaces() as namespaces, Postfix(namespaces, CONNECTIONS, USERS) as postfix:
        yield postfix


def load(effort):
    count = effort.pick(50, 0, 0)
    return ("--sessions", CONNECTIONS, "--size", PAYLOAD, *RECIPIENTS,
            *(("--messages", count) if count else ("--seconds", effort.pick(0, 3, 8))))


def ours(effort):
    """An answered message is readable; that each is shows reading them back."""
    with engine_on(VETH, effort, EVERYWHERE) as engine:
        told, phase = watched(engine, *load(effort), "--verify", "--password-file", engine.password_file,
                              counter=ACCEPTED, total=accepted)
    verified(told)
    return Sample(told["messages_per_second"], {"messages": accepted(told), "end p99 us": told["latency_us"]["end"]["p99"]},
                  phase.cores())


def beside(effort):
    """From the first message in a Maildir until all that were answered are."""
    with postfix_here() as postfix:
        port = postfix.namespaces.kernel_serves()
        postfix.start()
        progress = Progress(postfix.present, {"Postfix": postfix.pid})
        told = blast(postfix.namespaces.client, port, *load(effort), meanwhile=progress.look)
        if failures(told):
            raise AssertionError(f"Postfix did not take all: {failures(told)}")
        took, cores = progress.until(accepted(told))
        readable(postfix, told)
    return Sample(accepted(told) / took, {"messages": accepted(told), "accepted/s": told["messages_per_second"],
                                          "end p99 us": told["latency_us"]["end"]["p99"]},
                  {**cores, "blast": told["cpu_seconds"] / told["run_seconds"]})


def whole(head, sums):
    """Whether the bytes behind a message's head are those that were sent; `sums` has what is known of them by now."""
    body = head[4].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if body not in sums:
        sums[body] = siphash(body)
    return (len(body), sums[body]) == (int(head[2], 16), int(head[3], 16))


def readable(postfix, told):
    """Each message once, and every byte of it as it was sent: Postfix has made each CRLF a LF."""
    heads, sums = [HEAD.search(message) for message in postfix.messages()], {}
    found = {head[1] for head in heads if head and whole(head, sums)}
    if len(found) != accepted(told) or len(heads) != len(found):
        raise AssertionError(f"{len(heads)} files, {len(found)} whole messages in them, {accepted(told)} were accepted")


def of_source(found, count):
    """Each message that smtp-source sent once: an id of its own, behind the same bytes as in all others, as many as were asked for."""
    ids, bodies = set(), set()
    for message in found:
        head, _, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
        ids.add(re.search(rb"^Message-Id: (\S+)", head, re.MULTILINE | re.IGNORECASE)[1])
        bodies.add(body.replace(b"\n", b"\r\n"))
    if len(ids) != count or [len(body) for body in bodies] != [PAYLOAD + 2]:  # a line's end behind it
        raise AssertionError(f"{count} were accepted: {len(ids)} messages are there, of {sorted(map(len, bodies))[:9]} bytes")


def by_source(namespaces, pid, present, found, effort):
    """smtp-source sends, after a first lot by which the number is chosen; until all are readable. `found` gives the bytes of all."""
    def send(count):
        return source(namespaces.client, ENGINE_IPV4, count, SOURCE_CONNECTIONS, PAYLOAD)
    first = effort.pick(20, WARM_UP, WARM_UP)
    warm = send(first).seconds
    wait_until(lambda: present() == first, 60, "the first messages")
    count = max(first, round(first / warm * effort.pick(0, 3, 8)))
    used, began = machine.cpu_seconds(pid), time.monotonic()
    sent = send(count)
    wait_until(lambda: present() >= first + count, 120, "all messages to be readable")
    took = time.monotonic() - began
    if present() != first + count:
        raise AssertionError(f"{present()} messages are there, {first + count} were accepted")
    used = machine.cpu_seconds(pid) - used
    of_source(found(), first + count)
    return Sample(count / took, {"messages": count, "accepted/s": count / sent.seconds},
                  {"server": used / took, SOURCE: sent.cores})


def ours_by_source(effort):
    with engine_on(VETH, effort, EVERYWHERE, kernel_client=True) as engine:
        def present():
            return meter.metrics(engine.namespaces.engine)[ACCEPTED]

        def found():
            with pop3(engine.namespaces, f"alice@{DOMAIN}") as session:
                for number in range(1, session.stat()[0] + 1):
                    yield retrieve(session, number)
        return by_source(engine.namespaces, engine.process.pid, present, found, effort)


def beside_by_source(effort):
    with postfix_here() as postfix:
        postfix.namespaces.kernel_answers()
        postfix.start()
        return by_source(postfix.namespaces, postfix.pid, postfix.present, postfix.messages, effort)


def configuration():
    return f"{main_text('DIR', CONNECTIONS)}# master.cf\n{master_text(CONNECTIONS)}"


ROW = Row("durable", "4 KB messages accepted, stored and readable, a connection each", (
    Side(OURS, f"blast over veth to run (af_packet) on all CPUs, idle: adaptive, store on the disk, synced; {CONNECTIONS} sessions, each "
         "message read back by POP3 and compared", UNIT, ours),
    Side(BESIDE, "blast over veth to Postfix with Maildirs on the same disk; each message a file, once, its bytes compared by their sum", UNIT, beside,
         needs=("postfix",), configuration=configuration),
    Side("ours, smtp-source", f"smtp-source over veth to run, {SOURCE_CONNECTIONS} connections", UNIT, ours_by_source, needs=(SOURCE,),
         smoke=False),
    Side("beside, smtp-source", "smtp-source over veth to Postfix", UNIT, beside_by_source, needs=(SOURCE, "postfix"), smoke=False),
), ("the disk's sync bounds both sides; on a machine of its own with another disk both figures are others",), disk=True)
