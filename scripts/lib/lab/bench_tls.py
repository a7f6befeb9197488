# SPDX-License-Identifier: BSD-3-Clause
"""The row tls: handshakes, full and resumed, beside OpenSSL's own arithmetic and servers that use it; records; an idle connection."""

import functools
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lab import ROOT, bench_idle, machine, meter
from lab.bench_row import BESIDE, OURS, SAME_BESIDE, SAME_OURS, Row, Sample, Side
from lab.certificates import Authority
from lab.commands import end, run, start, wait_until
from lab.engine import HOSTNAME
from lab.measured import MEMIF, RECIPIENTS, VETH, blast, engine_on, failures, in_memory
from lab.meter import finish
from lab.namespaces import ENGINE_IPV4, Namespaces
from lab.postfix import Postfix

PORTS = {"P-256": 465, "RSA-2048": 466}
KINDS = {"P-256": "ecdsa", "RSA-2048": "rsa"}
SESSIONS = 16
UNIT = "handshakes/s and core"
GIGABITS = "Gbit/s and core"
CONNECTED = re.compile(r"(\d+) connections in (\d+) real seconds")
MEASURE = ROOT / "build/tests/tls/measure_tls"
TOOK = re.compile(r": ([\d.]+) us$", re.MULTILINE)
TAKES = re.compile(r"^(\S+) (full|resumed): SSL_do_handshake ([\d.]+) us tls_handshake ([\d.]+) us$", re.MULTILINE)
CARRIES = re.compile(r"^(\S+) (seal|open): EVP ([\d.]+) Gbit/s tls_record ([\d.]+) Gbit/s$", re.MULTILINE)
POSTFIX_TLS = """\
smtpd_tls_security_level = may
smtpd_tls_chain_files = {ecdsa}
smtpd_tls_session_cache_database = btree:$data_directory/sessions
"""
POSTFIX_PORTS = """\
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
465       inet  n       -       n       -       -       smtpd -o smtpd_tls_wrappermode=yes
466       inet  n       -       n       -       -       smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_chain_files={rsa}
"""


@functools.cache
def _folder():
    folder = tempfile.TemporaryDirectory(prefix="wirepost-bench-tls-", dir="/var/tmp")
    Path(folder.name).chmod(0o755)
    return folder


@functools.cache
def certificates():
    """By kind of key: what an item of tls.certificates says of it, in a set of its own."""
    authority = Authority(_folder().name)
    return {name: authority.sign(name, HOSTNAME, kind=kind) | {"set": kind} for name, kind in KINDS.items()}


def changes(more):
    """A listener for each kind of key."""
    return more | {
        "listeners": [{"port": 25, "protocol": "smtp"}, *({"port": port, "protocol": "smtp", "tls": "implicit", "certificates": [KINDS[name]]}
                                                          for name, port in PORTS.items())],
        "tls": {"certificates": list(certificates().values())}}


def napping(effort):
    """The worker has little to do, and a CPU that spins may be the other half of the core that the handshakes are on."""
    return changes(in_memory(effort) | {"engine": {"idle": "adaptive"}})


def idle_changes(settings):
    """And room for what a connection under TLS keeps: two small chunks."""
    room = settings["engine"]["connections"]
    return changes(settings | {"engine": settings["engine"] | {"chunks_small": 2 * room + 16384}})


class Spent:
    """What an engine has used between two looks, in seconds of CPU time: its handshakes' arithmetic, all of it, its workers."""

    def __init__(self, engine):
        self.engine = engine
        self.before = self.now()

    def now(self):
        busy = meter.metrics(self.engine.namespaces.engine)["cycles_busy_total"] / machine.counter_hertz()
        crypto = self.engine.ask("counters")["tls_crypto_ms"] / 1000
        return crypto, busy + machine.control_seconds(self.engine.process.pid), busy

    def since(self):
        time.sleep(0.3)
        return tuple(now - before for now, before in zip(self.now(), self.before))


def load(engine, port, effort, *words):
    """Sessions of one small message each; their result."""
    seconds = effort.pick(0, 2, 4)
    told = blast(*engine.client(), "--tls", "implicit", "--sessions", SESSIONS, "--rcpt", RECIPIENTS, "--size", 256, *words,
                 *(("--seconds", seconds) if seconds else ("--messages", 40)), target=f"{ENGINE_IPV4}:{port}")
    if failures(told) or told["errors"]:
        raise AssertionError(f"not all went well: {failures(told)}, errors: {told['errors']}")
    return told


class Shaken(NamedTuple):
    """Handshakes a second of CPU time: of the crypto threads' jobs, of all the engine, of its worker; what blast tells; bare ones meanwhile."""

    crypto: float
    whole: float
    worker: float
    told: dict
    bare: float | None


class Meanwhile:
    """Bare handshakes on the CPU of the crypto threads while they work: what else is there takes as much of its caches from both."""

    def __init__(self, effort, resumed):
        self.process = start("taskset", "-c", machine.places().control, MEASURE, "count", "bare", "resumed" if resumed else "full",
                             effort.pick(10, 400, 1500), log=subprocess.PIPE)

    def a_second(self):
        return 1e6 / float(TOOK.search(self.process.communicate(timeout=60)[0].decode())[1])


def of_engine(engine, name, resumed, effort):
    """Handshakes by the seconds of the crypto threads' jobs, and by those of all the engine, messages included; bare ones meanwhile."""
    spent = Spent(engine)
    meanwhile = Meanwhile(effort, resumed) if name == "P-256" else None
    told = load(engine, PORTS[name], effort, "--tls-resume", 100 if resumed else 0)
    crypto, whole, busy = spent.since()
    counts = told["counts"]
    if resumed and counts["tls_resumed"] < counts["tls_handshakes"] / 2:
        raise AssertionError(f"{counts['tls_resumed']} of {counts['tls_handshakes']} were resumed")
    return Shaken(*(counts["tls_handshakes"] / seconds for seconds in (crypto, whole, busy)), told, meanwhile.a_second() if meanwhile else None)


def ours(effort):
    with engine_on(MEMIF, effort, napping(effort)) as engine:
        found = {(name, resumed): of_engine(engine, name, resumed, effort) for name in PORTS for resumed in (False, True)}
    figures = {f"{name} {'resumed' if resumed else 'full'}": each.crypto for (name, resumed), each in found.items()}
    full, told = found["P-256", False], found["P-256", False].told
    BARE.meanwhile = {"full": full.bare, "resumed": found["P-256", True].bare}
    return Sample(full.crypto, {**figures, "P-256 full, % of bare meanwhile": 100 * full.crypto / full.bare,
                                "P-256 resumed, % of bare meanwhile": 100 * found["P-256", True].crypto / found["P-256", True].bare,
                                "P-256 full by the worker, messages too": full.worker, "P-256 full by all the engine": full.whole,
                                "handshake p50 us": told["latency_us"]["handshake"]["p50"],
                                "a second by the clock": told["counts"]["tls_handshakes"] / told["seconds"]})


@functools.cache
def measured(effort, turn):
    """What measure_tls prints. `turn` makes each pair measure anew."""
    del turn
    return finish("taskset", "-c", machine.places().worker, MEASURE, effort.pick(10, 300, 1000)).output


@functools.cache
def arithmetic(smoke):
    """What the parts of a handshake take by `openssl speed`: a signature, and a key of ours and what it agrees on with the client's."""
    if smoke:
        return {}
    text = run("taskset", "-c", str(machine.places().worker), "openssl", "speed", "-seconds", "1", "ecdsap256", "rsa2048", "ecdhx25519",
               timeout=60).stdout.decode()
    sign = {"P-256": float(re.search(r"256 bits ecdsa \(nistp256\)\s+\S+s\s+\S+s\s+([\d.]+)", text)[1]),
            "RSA-2048": float(re.search(r"rsa 2048 bits\s+\S+s\s+\S+s\s+([\d.]+)", text)[1])}
    agree = float(re.search(r"253 bits ecdh \(X25519\)\s+\S+s\s+([\d.]+)", text)[1])
    return {f"{name} by openssl speed": 1 / (1 / each + 2 / agree) for name, each in sign.items()}


class Bare:
    """Each pair measures once, for all the sides that tell of it."""

    def __init__(self):
        self.turn = 0
        self.meanwhile = None  # full and resumed, of this pair; ours is measured before

    def handshakes(self, effort):
        self.turn += 1
        text = measured(effort, self.turn)
        rows = {f"{name} {what}": (1e6 / float(bare), 1e6 / float(mine)) for name, what, bare, mine in TAKES.findall(text)}
        figures = {**{f"{name}, alone": bare for name, (bare, _mine) in rows.items()},
                   **{f"tls_handshake, {name}, alone": mine for name, (_bare, mine) in rows.items()}, **arithmetic(not effort)}
        if not self.meanwhile:
            return Sample(rows["P-256 full"][0], figures)
        return Sample(self.meanwhile["full"], {"P-256 resumed": self.meanwhile["resumed"], **figures})

    def records(self, which):
        """`which` is 0 for EVP alone, 1 for tls_record."""
        def measure(effort):
            rows = {f"{cipher} {way}": (float(bare), float(mine)) for cipher, way, bare, mine in CARRIES.findall(measured(effort, self.turn))}
            figures = {name: pair[which] for name, pair in rows.items()}
            if which:
                figures |= {f"{name} % of EVP": 100 * mine / bare for name, (bare, mine) in rows.items()}
            return Sample(rows["AES-128-GCM seal"][which], figures)
        return measure


def s_time(namespace, port, effort, resumed):
    """Handshakes of TLS 1.2 that openssl s_time makes, one after the other: in TLS 1.3 it goes before its server is done."""
    text = run("ip", "netns", "exec", namespace, "taskset", "-c", str(machine.places().client), "openssl", "s_time", "-connect",
               f"{ENGINE_IPV4}:{port}", "-time", str(effort.pick(1, 2, 3)), "-tls1_2", "-reuse" if resumed else "-new",
               check=False, timeout=60).stdout.decode()
    found = CONNECTED.findall(text)
    if not found or not int(found[-1][0]):
        raise AssertionError(f"s_time made no connection:\n{text[-500:]}")
    return int(found[-1][0])


def asked(namespace, effort, used):
    """The same of each server: handshakes of each kind by what `used` says they cost: in all, and of a part by its name."""
    figures = {}
    for name, port in list(PORTS.items())[:effort.pick(1, 2, 2)]:
        for resumed in (False, True)[:effort.pick(1, 2, 2)]:
            before = used()
            count = s_time(namespace, port, effort, resumed)
            time.sleep(0.3)
            for part, seconds in used().items():
                figures[f"{name} {'resumed' if resumed else 'full'}{part}"] = count / max(seconds - before[part], 0.01)
    return Sample(figures["P-256 full"], figures)


def ours_asked(effort):
    with engine_on(VETH, effort, napping(effort), kernel_client=True) as engine:
        spent = Spent(engine)
        return asked(engine.namespaces.client, effort, lambda: dict(zip((" by the crypto threads", "", " by the worker"), spent.now())))


def wait_for_listeners(namespaces):
    wait_until(lambda: run("ip", "netns", "exec", namespaces.engine, "ss", "-Hltn").stdout.count(b":46") == len(PORTS), 10, "a server's ports")


@contextmanager
def s_servers(namespaces):
    """One for each kind of key; their processes."""
    processes = []
    try:
        for name, port in PORTS.items():
            item = certificates()[name]
            processes.append(start("taskset", "-c", machine.places().control, "ip", "netns", "exec", namespaces.engine, "openssl", "s_server", "-accept", f"{ENGINE_IPV4}:{port}", "-cert",
                                   item["certificate"], "-key", item["key"], "-www", "-quiet"))
        wait_for_listeners(namespaces)
        yield processes
    finally:
        for process in processes:
            end(process)


def s_server(effort):
    with Namespaces() as namespaces:
        namespaces.kernel_answers()
        with s_servers(namespaces) as processes:
            return asked(namespaces.client, effort, lambda: {"": sum(machine.cpu_seconds(process.pid) for process in processes)})


class SecurePostfix(Postfix):
    """With a port under TLS for each kind of key, as a listener has it here."""

    def _write(self, main, master, users):
        chains = {}
        for name, kind in KINDS.items():
            item, chain = certificates()[name], self.directory / f"{kind}.chain"
            chain.write_text(Path(item["key"]).read_text() + Path(item["certificate"]).read_text())
            chains[kind] = chain
        super()._write(main.replace("smtpd_tls_security_level = none\n", POSTFIX_TLS.format(**chains)),
                       master + POSTFIX_PORTS.format(**chains), users)


def postfix(effort):
    with Namespaces() as namespaces, SecurePostfix(namespaces, SESSIONS) as server:
        namespaces.kernel_answers()
        with machine.pinned(machine.places().control):
            server.start()
        wait_for_listeners(namespaces)
        return asked(namespaces.client, effort, lambda: {"": machine.cpu_seconds(server.pid)})


def bulk(effort):
    """1 MB messages to a store in memory, by the worker's busy time; the same in the clear beside it."""
    with engine_on(MEMIF, effort, changes(in_memory(effort))) as engine:
        figures = {}
        for name, words, port in (("TLS", ("--tls", "implicit"), 465), ("clear", (), 25)):
            spent = Spent(engine)
            told = blast(*engine.client(), *words, "--sessions", 4, "--reuse", 10, "--size", "1M", "--rcpt", RECIPIENTS, "--messages",
                         effort.pick(8, 300, 1000), target=f"{ENGINE_IPV4}:{port}")
            if failures(told):
                raise AssertionError(f"not all went well: {failures(told)}")
            figures[name] = told["counts"]["bytes_accepted"] * 8 / 1e9 / spent.since()[2]
    return Sample(figures["TLS"], {"in the clear": figures["clear"]})


class Once:
    """Measured in the first pair, and told in each."""

    def __init__(self, measure):
        self.measure = functools.cache(measure)

    def __call__(self, effort):
        return self.measure(effort)


BARE = Bare()
IDLE = bench_idle.ours(("smtp", 465), ("--tls", "implicit", "--tls-resume", 100), idle_changes, (200, 2000, 20_000, 100_000))

ROW = Row("tls", "handshakes of TLS, records, an idle connection", (
    Side(OURS, f"blast over memif to run, {SESSIONS} sessions, full handshakes of TLS 1.3 with P-256 certificates; by the CPU time of the crypto threads' jobs", UNIT, ours),
    Side(BESIDE, "the server's side of SSL_do_handshake() between memory BIOs, nothing else, one thread, on the CPU of the crypto threads in the same seconds; "
         "alone on the worker's CPU; and what openssl speed's arithmetic comes to", UNIT,
         BARE.handshakes, needs=("openssl",)),
    Side(SAME_OURS, "openssl s_time over veth to run (af_packet), one connection at a time; by the CPU time of the worker's busy cycles and all control threads",
         UNIT, ours_asked, needs=("openssl",)),
    Side(SAME_BESIDE, "openssl s_time over veth to openssl s_server on the kernel's TCP, on the CPU that the engine's crypto threads have; by its CPU time", UNIT,
         s_server, needs=("openssl",)),
    Side("Postfix", "openssl s_time over veth to Postfix on the kernel's TCP, on that CPU; by the CPU time of its processes", UNIT, postfix, needs=("postfix", "openssl"),
         configuration=lambda: POSTFIX_TLS.format(ecdsa="CHAIN") + POSTFIX_PORTS.format(rsa="CHAIN"), smoke=False),
    Side("ours, records", "tls_record, 16 KiB each, AES-128-GCM sealed", GIGABITS, BARE.records(1)),
    Side("beside, records", "EVP's AEAD alone with the same", GIGABITS, BARE.records(0)),
    Side("ours, messages", "blast over memif to run, 1 MB messages, AES-256-GCM; by the worker's busy cycles", GIGABITS, bulk, smoke=False),
    Side("ours, idle", "run, connections over memif under TLS that have said EHLO; resident memory as in the row idle", bench_idle.UNIT, Once(IDLE), smoke=False),
), ("to reach: 85 % of SSL_do_handshake() by ours, 80 % of EVP by its records, 3 KiB for an idle connection",
    "the arithmetic of openssl speed is one signature and two operations of X25519: hashes, key derivation, parsing are left out",
    "openssl s_time speaks TLS 1.2 here: in 1.3 it resets its connection before the server has had the end of the handshake, and waits for no ticket",
    "20,000 idle connections; with --long 100,000"), long_pairs=1)
