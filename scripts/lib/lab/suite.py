# SPDX-License-Identifier: BSD-3-Clause
"""scripts/test: every test of a tier, one count of all their cases, each failure by name."""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import ROOT, cost, simulate
from lab.commands import end, signals_raise

BUILDS = {
    "build": [],
    # With the packet side: only there are frames fenced. The fuzzers belong to it, so that all is compiled once for both.
    # Less optimized: it takes a fifth less to compile, and the sanitizers find the same.
    "build-sanitized": ["-Ddpdk=enabled", "-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"],
    # Only that it compiles and links: what is compiled there runs nowhere.
    "build-bare": ["-Ddpdk=disabled", "-Doptimization=0", "-Ddebug=false"],
}
CLANG = ("build-sanitized", "build-bare")
ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:abort_on_error=1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
UNIT_TIMEOUT = 300
# What the sanitizers see in the short tier: the readers of foreign bytes, by their unit tests and by the fuzzers.
SANITIZED_SHORT = "proto_"
SYSTEM_TIMEOUT = 3600
JOBS = os.cpu_count() or 2
SLOWEST, SLOW = 12, 5  # so many are named when one takes longer
# System tests share two processors with each other and with a build. So many of them may fail there and pass alone; they are told.
UNSTEADY = 3


@dataclass
class Case:
    """One test case: its name, "passed", "failed" or "skipped", and what it said."""

    name: str
    outcome: str
    detail: str = ""
    seconds: float = 0


def call(command, timeout, cwd=ROOT, **environment):
    """Runs a command; returns its exit status (or "timeout") and its output. It may clean up whatever ends it."""
    process = subprocess.Popen([str(word) for word in command], cwd=cwd, env={**os.environ, **ENVIRONMENT, **environment},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, status = process.communicate(timeout=timeout)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.terminate()
        output, status = process.communicate()[0], "timeout"
    except BaseException:
        end(process, patience=60)
        raise
    return status, output.decode(errors="replace")


# ---- builds ----

def build(directory, niceness=0, what="build"):
    """One case: that this configuration compiles without a warning; `what` is a function of build.sh."""
    script = f'root="{ROOT}"; . "$root/scripts/lib/build.sh"; {what} {directory} {" ".join(BUILDS[directory])}'
    # mold takes a quarter of ld's time. Not for what is shipped, and measured: its calls cost other instructions.
    linker = {"CC_LD": "mold"} if shutil.which("mold") else {}
    compiler = {"CC": "clang", **linker} if directory in CLANG else {}
    status, output = call(["nice", "-n", niceness, "bash", "-c", script], 1200, **compiler)
    return [Case(f"{directory}: compiles", "passed" if status == 0 else "failed", tail(output))]


class Ahead:
    """
    Parts that begin while the suites and the system tests run: those leave a processor free, or wait for clients and for time to
    pass. One after the other, at the lowest priority, which each part takes as its argument.
    """

    def __init__(self, wanted):
        self.pool = ThreadPoolExecutor(1)
        self.wanted = wanted
        self.begun = {}

    def begin(self, rows):
        for name, part in rows:
            if self.wanted in name:
                self.begun[name] = self.pool.submit(part, 19)

    def row(self, name, part):
        """The part's row: its result where it has begun, else it runs now."""
        return name, lambda: self.begun[name].result() if name in self.begun else part(0)


# ---- unit tests, which print TAP ----

TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*?)(?:\s*#\s*(SKIP|TODO)\b\s*(.*))?$", re.IGNORECASE)


def tap_cases(name, status, output):
    """The cases of one program; that it ends well and runs all it planned is part of them."""
    cases, notes, planned = [], [], None
    for line in output.splitlines():
        found = TAP_LINE.match(line)
        plan = re.match(r"^1\.\.(\d+)", line)
        if plan:
            planned = int(plan.group(1))
        elif found:
            outcome = "skipped" if (found.group(3) or "").upper() == "SKIP" else "failed" if found.group(1) else "passed"
            cases.append(Case(f"{name}: {found.group(2)}", outcome, "\n".join(notes) or (found.group(4) or "")))
            notes = []
        else:
            notes.append(line)
    failed = any(case.outcome == "failed" for case in cases)
    if planned != len(cases) or (status != 0 and not failed):
        fault = f"exit {status}, {len(cases)} cases of {planned} planned\n{tail(output)}"
        cases.append(Case(f"{name}: runs to its end", "failed", fault))
    return cases


def unit_tests(directory, niceness=0, prefix=""):
    """All programs that meson knows as tests in this build and whose names begin so, two at a time."""
    listing = ROOT / directory / "meson-info" / "intro-tests.json"
    if not listing.exists():
        return [Case(f"{directory}: unit tests", "failed", "there is no build")]
    tests = json.loads(listing.read_text())

    def one(test):
        # Where meson itself runs them: some are given paths relative to the build.
        status, output = call(["nice", "-n", niceness, *test["cmd"]], max(test["timeout"], UNIT_TIMEOUT), cwd=ROOT / directory, **test["env"])
        name = f"{directory}/{test['name']}"
        if test["protocol"] != "tap":
            return [Case(name, "passed" if status == 0 else "failed", tail(output))]
        return tap_cases(name, status, output)

    with ThreadPoolExecutor(JOBS) as pool:
        return [case for cases in pool.map(one, [test for test in tests if test["name"].startswith(prefix)]) for case in cases]


def power_loss(seeds=4, cuts=250):
    """So many cuts in each of so many recordings, under seeds that nobody chose; each is named with its result."""
    listing = json.loads((ROOT / "build/meson-info/intro-tests.json").read_text())
    program, shim = next(test["cmd"][:2] for test in listing if test["name"] == "control_powerloss")
    cases = []
    for _ in range(seeds):
        seed = random.randrange(1, 1 << 31)
        status, output = call([program, shim, str(cuts), str(seed)], 3600, cwd=ROOT / "build")
        print(indented("\n".join(line for line in output.splitlines() if line.startswith("#"))), flush=True)
        cases += tap_cases(f"power loss, {cuts} cuts, seed {seed}", status, output)
    return cases


# ---- fuzzers ----

def fuzzers(seconds, more=(), niceness=0):
    """Each fuzzer on its seeds and then on, `seconds` of time shared by all of them; (name, seconds) in `more`."""
    programs = [path for path in sorted((ROOT / "build-sanitized/tests/fuzz").glob("fuzz_*")) if path.is_file()]
    if not programs:
        return [Case("fuzzers", "failed", "none was built")]
    each, longer = max(1, seconds * JOBS // len(programs)), dict(more)
    with ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(lambda program: fuzz(program, longer.get(program.name, each), niceness), programs))


def fuzz(program, seconds, niceness):
    subject = program.name.removeprefix("fuzz_")
    seeds, words = ROOT / "tests/fuzz/corpus" / subject, ROOT / "tests/fuzz" / f"{subject}.dict"
    with tempfile.TemporaryDirectory(prefix="wirepost-fuzz-") as found:
        # Without the entropic schedule, whose own books cost most of the time here.
        command = ["nice", "-n", niceness, program, "-entropic=0", f"-max_total_time={seconds}", f"-artifact_prefix={found}/", "-rss_limit_mb=1024",
                   "-timeout=10", "-print_final_stats=1", found]
        command += [f"-dict={words}"] if words.exists() else []
        command += [seeds] if seeds.exists() else []
        status, output = call(command, seconds + 60)
        crashes = "".join(f"{path.name}: {path.read_bytes().hex()}\n"
                          for path in Path(found).glob("[clot]*-*") if path.stat().st_size < 4096)
    runs = re.search(r"number_of_executed_units: (\d+)", output)
    detail = f"{runs.group(1)} runs in {seconds} s" if status == 0 and runs else f"{tail(output)}\n{crashes}"
    return Case(f"fuzz: {subject}", "passed" if status == 0 else "failed", detail)


# ---- the simulator ----

def simulation(seeds, each, seconds=None):
    """Seeds nobody chose, within a time, and each named scenario; a case for each block of a kind."""
    start = random.randrange(1, 1 << 40)
    kinds = [(f"simulation: {name}", 1, each, name, None) for name in simulate.scenarios()]
    kinds.append((f"simulation: drawn from seeds, {start} on", start, seeds, None, seconds))
    cases = []
    for title, first, count, name, limit in kinds:
        totals = simulate.run(first, count, name, limit)
        faults = "\n".join(f"{line}\n    {simulate.replay(line)}" for line in totals.failures)
        cases.append(Case(title, "failed" if faults or not totals.figures else "passed", faults))
    print(indented(simulate.told(totals.figures)), flush=True)
    return cases


# ---- instructions ----

def instructions():
    """A case for each fixed piece of work: it costs what the tree says, within 1 %."""
    names = {workload: f"cost: instructions of a message: {workload}" for workload in cost.WORKLOADS}
    reason = cost.available()
    if not reason and cost.limits() is None:
        reason = f"no limits are kept for {cost.versions()}; scripts/cost --write adds them"
    if reason:
        return [Case(name, "skipped", reason) for name in names.values()]
    cases, limits = [], cost.limits()
    with tempfile.TemporaryDirectory(prefix="wirepost-cost-") as folder:
        for workload, counted in cost.count_all(cost.WORKLOADS, folder).items():
            fault = str(counted) if isinstance(counted, Exception) else cost.judge(workload, counted, limits[workload])
            cases.append(Case(names[workload], "failed" if fault else "passed", fault or ""))
    return cases


# ---- pytest: the tree, the running engine ----

def pytest(folder, *options, **environment):
    with tempfile.TemporaryDirectory(prefix="wirepost-pytest-") as directory:
        report = Path(directory) / "report.xml"
        status, output = call(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                               f"--junit-xml={report}", "-o", "junit_logging=no", *map(str, options), ROOT / folder],
                              SYSTEM_TIMEOUT, **environment)
        nodes = ElementTree.parse(report).iter("testcase") if report.exists() else []
        cases = [junit_case(folder, node) for node in nodes]
    if status not in (0, 1) or not cases:
        cases.append(Case(f"{folder}: runs to its end", "failed", f"exit {status}\n{tail(output)}"))
    return cases


def junit_case(folder, node):
    name = f"{folder}/{node.get('classname', '').rpartition('.')[2]}: {node.get('name')}"
    for kind in ("failure", "error"):
        for found in node.iter(kind):
            return Case(name, "failed", found.text or found.get("message") or "")
    for found in node.iter("skipped"):
        return Case(name, "skipped", found.get("message") or "")
    told = [found.get("value") for found in node.iter("property") if found.get("name") == "told"]
    return Case(name, "passed", "\n".join(told), float(node.get("time") or 0))


def once_more(cases):
    """
    The short tier's second look at system tests: the few that failed beside others run again with nothing beside them. One that passes
    then is called unsteady, with what it said before: a race of the test's or of the engine's, which is to be found.
    """
    failed = [case for case in cases if case.outcome == "failed" and " to its end" not in case.name]
    if not 0 < len(failed) <= UNSTEADY:
        return cases
    told = {}
    for case in failed:
        file, _, test = case.name.partition(": ")
        again = pytest(f"tests/system/{file.rpartition('/')[2]}.py::{test}")
        if all(row.outcome == "passed" for row in again):
            told[case.name] = Case(case.name, "passed")
            print(f"UNSTEADY {case.name}: it failed, and passed alone\n{indented(tail(case.detail, 40))}", flush=True)
    return [told.get(case.name, case) for case in cases]


def suites(thorough):
    """The public suites, whose counts are told also when all is well; in the long tier every capture is changed 30 times."""
    cases = pytest("tests/suites", **({"TAP_RANDOM_COUNT": "30", "TAP_RANDOM_CAPTURES": "1000"} if thorough else {}))
    for case in cases:
        if case.outcome == "passed" and case.detail:
            print(f"{case.name}: {case.detail}", flush=True)
    return cases


def sanitized_engine():
    """The running engine under the sanitizers, over each driver."""
    return pytest("tests/system/test_sanitized.py", WIREPOST_ASAN=str(ROOT / "build-sanitized/wirepost"))


# ---- the comparison ----

def bench():
    """That scripts/bench runs: each row is a case, and so little is done that no figure means anything."""
    with tempfile.TemporaryDirectory(prefix="wirepost-bench-") as directory:
        status, output = call(["/usr/bin/python3", "-m", "lab.bench", "--smoke", "--results", Path(directory) / "rows"], 300,
                              PYTHONPATH=str(ROOT / "scripts/lib"))
    cases = []
    for name, told in re.findall(r"^bench (\S+): (.*)$", output, re.MULTILINE):
        failed, skipped = told.startswith("failed"), "skipped" in told
        cases.append(Case(f"bench: {name}", "failed" if failed else "skipped" if skipped else "passed", told))
    if status != 0 or not cases:
        cases.append(Case("bench: runs to its end", "failed", f"exit {status}\n{tail(output)}"))
    return cases


# ---- all of it ----

def tail(output, lines=60):
    return "\n".join(output.splitlines()[-lines:])


def parts(options):
    """Name and function of each part, in order: what fails early says so early."""
    tier = ["--long"] if options.long else []
    ahead = Ahead(options.only)
    what, prefix = ("build", "") if options.long else ("build_readers", SANITIZED_SHORT)
    beside = [("sanitizers and fuzzers: build", lambda niceness: build("build-sanitized", niceness, what)),
              *([("build without DPDK", lambda niceness: build("build-bare", niceness, "build_libraries"))] if options.long else []),
              ("sanitizers: unit tests", lambda niceness: unit_tests("build-sanitized", niceness, prefix)),
              *([] if options.long else [("fuzzers", lambda niceness: fuzzers(30, niceness=niceness))])]

    def suites_and_more():
        # From here on a processor is often free.
        ahead.begin(beside)
        return suites(options.long)

    def system():
        # Each test has namespaces and an engine of its own; those of one file share some, and stay together. Hugepages are
        # the machine's: any engine beside that test would take them.
        alone = ROOT / "tests/system/test_hugepages.py"
        found = [*pytest("tests/system", "--ignore", ROOT / "tests/system/test_sanitized.py", "--ignore", alone,
                         "-n", JOBS, "--dist", "loadfile", *tier),
                 *pytest("tests/system/test_hugepages.py", *tier)]
        return found if options.long else once_more(found)

    rows = [("build", lambda: build("build")),
            ("tree", lambda: pytest("tests/tree")),
            ("unit tests", lambda: unit_tests("build")),
            ("instructions", instructions),
            ("simulation", lambda: simulation(*((10000, 300) if options.long else (10000, 4, 8)))),
            *([("power loss", power_loss)] if options.long else []),
            ("suites", suites_and_more),
            # What tests IMAP, itself tested against another server: all of it in the long tier, how scripts are read in both.
            ("imap", lambda: pytest("tests/imap" if options.long else "tests/imap/test_language.py")),
            ("system tests", system),
            ("bench", bench),
            *(ahead.row(*row) for row in beside),
            *([("sanitizers: engine", sanitized_engine), ("fuzzers", lambda: fuzzers(1200, [("fuzz_tcp_frames", 600)]))] if options.long else [])]
    return rows


def show(part, cases, seconds):
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("passed", "failed", "skipped")}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count or outcome != "skipped")
    print(f"{part}: {told}, {seconds:.0f} s", flush=True)
    for case in cases:
        if case.outcome == "failed":
            print(f"FAILED {case.name}\n{indented(tail(case.detail, 40))}", flush=True)
        elif case.outcome == "skipped":
            print(f"skipped {case.name}: {case.detail}", flush=True)
    slowest = sorted(cases, key=lambda case: case.seconds, reverse=True)[:SLOWEST]
    if slowest and slowest[0].seconds > SLOW:
        print("    slowest: " + ", ".join(f"{case.name.rpartition('/')[2]} {case.seconds:.0f} s" for case in slowest), flush=True)


def indented(text):
    return "\n".join(f"    {line}" for line in text.splitlines())


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument("--long", action="store_true", help="the long tier: whole sizes, many seeds, minutes a fuzzer")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the parts whose name contains this")
    parser.add_argument("--no-install", action="store_true", help="do not ask apt for what is missing")
    options = parser.parse_args()
    signals_raise()
    cases, began = [], time.monotonic()
    try:
        for name, part in parts(options):
            if options.only in name:
                before = time.monotonic()
                found = part()
                cases += found
                show(name, found, time.monotonic() - before)
    except KeyboardInterrupt:
        cases.append(Case("interrupted", "failed"))
    return close(cases, time.monotonic() - began)


def close(cases, seconds):
    """The last line, and the exit status."""
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("passed", "failed", "skipped")}
    for case in cases:
        if case.outcome == "failed":
            print(f"FAILED {case.name}")
    print(f"all of it took {seconds:.0f} s")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
