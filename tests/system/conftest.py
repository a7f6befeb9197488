# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: an engine in namespaces, made for one test or shared by a module."""

import atexit
import copy
import functools
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "lib"))

from lab import engine as lab_engine  # noqa: E402
from lab.memif import MemifEngine  # noqa: E402
from lab.namespaces import Namespaces  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="whole sizes and counts")
    parser.addoption("--packets", metavar="DIR", help="keep a capture of each test that fails in this folder")


def pytest_collection_modifyitems(config, items):
    if os.geteuid() != 0:
        raise pytest.UsageError("network namespaces need root")
    if not lab_engine.binary().exists():
        raise pytest.UsageError(f"{lab_engine.binary()} is not there")
    if not config.getoption("--long"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    for item in items:
        for tool in (mark.args[0] for mark in item.iter_markers("needs")):
            if not shutil.which(tool):
                item.add_marker(pytest.mark.skip(reason=f"{tool} is not installed"))


def pytest_configure(config):
    # Ended from outside, the run still tears its fixtures down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("markers", "long: runs in the long tier alone")
    config.addinivalue_line("markers", "needs(tool): skipped where the tool is not installed")


def first_short(values):
    """Parameters of which the first alone belongs to the short tier."""
    def marked(value):
        plain = value if hasattr(value, "marks") else pytest.param(value)
        return pytest.param(*plain.values, marks=(*plain.marks, pytest.mark.long))
    return [values[0], *map(marked, values[1:])]


@functools.cache
def rule_cache():
    """Where the engines of this process leave compiled rules for each other."""
    folder = tempfile.mkdtemp(prefix="wirepost-rules-", dir="/var/tmp")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def thrifty(changes):
    """Many engines share two processors: they look for frames less often, and compile the same rules once. No test asks for either."""
    saving = {"engine": {"nap": "250us"}}
    # Others than root cannot read what root made.
    if changes.get("engine", {}).get("user", "root") == "root":
        saving["rules"] = {"cache": rule_cache()}
    return lab_engine.merged(saving, changes)


class Bench:
    """Makes engines, each with namespaces of its own, and closes them all."""

    def __init__(self, packets=None):
        self._stack = ExitStack()
        self._packets = packets
        self.engines = []

    def __call__(self, pmd="af_packet", workers=1, vlan=0, changes=None, prepare=None, started=True):
        namespaces = self._stack.enter_context(Namespaces("wpt"))
        if vlan:
            namespaces.tag(vlan)
            changes = lab_engine.merged(changes or {}, {"network": {"vlan": vlan}})
        changes = thrifty(changes or {})
        made = MemifEngine(namespaces, workers, changes) if pmd == "memif" else \
            lab_engine.Engine(namespaces, pmd, workers, changes)
        engine = self._stack.enter_context(made)
        self.engines.append(engine)
        if self._packets:
            namespaces.capture(f"{self._packets}/{namespaces.client}.pcap")
        if prepare:
            prepare(namespaces)
        return engine.start() if started else engine

    def close(self):
        for engine in self.engines:
            engine.end()
        refused = [line for engine in self.engines for line in engine.log_lines()
                   if "was refused by engine.system_calls" in line]
        self._stack.close()
        assert not refused, f"the filter of system calls is too narrow: {refused}"


@pytest.fixture
def make_engine(request):
    """make_engine(pmd=, workers=, vlan=, changes=): an engine that runs; for tests that need their own."""
    bench = Bench(request.config.getoption("--packets"))
    request.node.engines = bench.engines
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def shared_bench(request):
    bench = Bench(request.config.getoption("--packets"))
    yield bench
    bench.close()


@pytest.fixture
def engine(request, shared_bench):
    """An engine shared by the tests of a module (af_packet, two workers): none of them may end it."""
    if shared_bench.engines and shared_bench.engines[0].process.poll() is not None:
        pytest.fail(f"the shared engine has ended:\n{shared_bench.engines[0].log_tail()}")
    if not shared_bench.engines:
        shared_bench(workers=2)
    request.node.engines = shared_bench.engines
    return shared_bench.engines[0]


@pytest.fixture(scope="module")
def lone_bench(request):
    bench = Bench(request.config.getoption("--packets"))
    yield bench
    bench.close()


@pytest.fixture
def lone_engine(request, lone_bench):
    """An engine (af_packet, one worker) for tests of a module that change its configuration or end it: each finds it running, as it was at first."""
    if not lone_bench.engines:
        lone_bench()
    engine = lone_bench.engines[0]
    request.node.engines = lone_bench.engines
    settings = copy.deepcopy(engine.settings)
    if engine.process.poll() is not None:
        engine.start()
    yield engine
    engine.settings = settings
    engine.write()
    if engine.process.poll() is None:
        engine.ctl("reload")


def told(engine):
    """The end of an engine's log and, while it runs, the counters that are not zero."""
    lines = [f"---- the log of the engine in {engine.directory} ends with", engine.log_tail(15)]
    if engine.process and engine.process.poll() is None:
        with suppress(Exception):
            counters = {name: value for name, value in engine.ask("counters").items() if value}
            lines.append(f"counters: {counters}")
    return "\n".join(lines)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that failed shows what its engines say."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.longrepr = "\n".join([report.longreprtext, *map(told, getattr(item, "engines", []))])
