# SPDX-License-Identifier: BSD-3-Clause
"""Very many idle connections to a server, held by processes of Python on the kernel's stack."""

import multiprocessing
import select
import socket
from dataclasses import dataclass

from lab.commands import run
from lab.namespaces import ENGINE_IPV4, inside

SOURCES = 16       # client addresses, a process each: a process may not open more than some 16,000 files everywhere
AT_A_TIME = 50


@dataclass(frozen=True)
class Talk:
    """What a connection says until it is idle, and how it is asked whether it still is there."""

    port: int
    greeting: bytes
    hello: bytes
    answer: bytes
    ask: bytes
    asked: bytes


SMTP = Talk(25, b"220 ", b"EHLO client.test\r\n", b"250 ", b"NOOP\r\n", b"250 ")
POP3 = Talk(110, b"+OK", b"CAPA\r\n", b".", b"CAPA\r\n", b".")


class Crowd:
    """Connections that have said their hello and then nothing more, held by one process from one address."""

    def __init__(self, namespace, source, talk):
        self.namespace = namespace
        self.source = source
        self.talk = talk
        self.open = []

    def grow(self, count):
        """Opens so many more; each is greeted, says hello and gets its answer."""
        left = count
        poll = select.epoll()
        waiting = {}
        with inside(self.namespace):
            while left or waiting:
                while left and len(waiting) < AT_A_TIME:
                    left -= 1
                    one = self._connect()
                    waiting[one.fileno()] = (one, [self.talk.greeting, self.talk.answer])
                    poll.register(one, select.EPOLLIN)
                self._serve(poll, waiting)
        poll.close()

    def _connect(self):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by the whole four
        one.bind((self.source, 0))
        one.connect_ex((ENGINE_IPV4, self.talk.port))
        return one

    def _serve(self, poll, waiting):
        events = poll.poll(10)
        if not events:
            raise AssertionError(f"{len(waiting)} connections wait for their greeting")
        for fileno, _event in events:
            one, expected = waiting[fileno]
            answer = one.recv(4096)
            last = answer.rstrip().rpartition(b"\r\n")[2]
            if not answer.endswith(b"\r\n") or not last.startswith(expected[0]):
                raise AssertionError(f"expected {expected[0]}, not {answer!r}")
            expected.pop(0)
            if expected:
                one.send(self.talk.hello)
            else:
                poll.unregister(one)
                self.open.append(one)
                del waiting[fileno]

    def shrink(self, _count):
        for one in self.open:
            one.close()
        self.open = []

    def ask(self, count):
        """So many of them still answer."""
        for one in self.open[:: max(1, len(self.open) // count)]:
            one.setblocking(True)
            one.settimeout(5)
            one.send(self.talk.ask)
            if not one.recv(1024).rstrip().rpartition(b"\r\n")[2].startswith(self.talk.asked):
                raise AssertionError("an idle connection does not answer")


def serve_crowd(pipe, namespace, source, talk):
    """A crowd's process: does what comes through the pipe and says how it went."""
    crowd = Crowd(namespace, source, talk)
    while True:
        try:
            what, count = pipe.recv()
        except EOFError:
            return
        try:
            getattr(crowd, what)(count)
            pipe.send("")
        except (AssertionError, OSError) as error:
            pipe.send(f"{what}: {error}")


class Crowds:
    """Several processes, since one may not hold so many descriptors."""

    def __init__(self, namespaces, talk):
        self.size = 0
        self.pipes = []
        self.processes = []
        for i in range(SOURCES):
            address = f"198.18.0.{10 + i}"
            run("ip", "-n", namespaces.client, "address", "add", f"{address}/24", "dev", namespaces.client_port)
            mine, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=serve_crowd, args=(theirs, namespaces.client, address, talk),
                                              daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(mine)
            self.processes.append(process)

    def all(self, what, count):
        """Each does its share, side by side."""
        for pipe in self.pipes:
            pipe.send((what, max(1, count // SOURCES)))
        faults = [fault for pipe in self.pipes if (fault := pipe.recv())]
        if faults:
            raise AssertionError("; ".join(faults))
        if what == "grow":
            self.size += max(1, count // SOURCES) * SOURCES
        elif what == "shrink":
            self.size = 0

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for process in self.processes:
            process.kill()
            process.join()
