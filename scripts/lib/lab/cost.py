# SPDX-License-Identifier: BSD-3-Clause
"""
Counts the instructions of worker_turn() in fixed pieces of work (tests/cost) under callgrind, and compares them with the limits
that the tree keeps for each set of library versions.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import ROOT

PROGRAM = ROOT / "build/tests/cost/cost"
RULES = ROOT / "rules/starter.yaml"
LIMITS = ROOT / "tests/cost/limits.json"
WORKLOADS = ("accept", "bulk", "pop3")
SHARE = 0.01  # more than this above its limit is a failure, below it asks for a new one
# What is linked and decides how many instructions there are.
LIBRARIES = {"hyperscan": "libhyperscan5", "openssl": "libssl3", "libc": "libc6", "dpdk": "librte-mbuf23", "urcu": "liburcu8", "xxhash": "libxxhash0",
             "valgrind": "valgrind"}
# valgrind counts each turn of a `rep movsb` as an instruction: the C library is to copy and clear by vectors.
ENVIRONMENT = {"LD_BIND_NOW": "1",
               "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000"}
TIMEOUT = 300


class CostFailed(Exception):
    """The workload did not run to its end."""


def available():
    """None, or why nothing can be counted here."""
    return None if shutil.which("valgrind") else "valgrind is not installed"


def compiler():
    """The C compiler of the program, and how it was asked to optimize."""
    text = subprocess.run(["readelf", "-p", ".comment", PROGRAM], capture_output=True, text=True, check=True).stdout
    options = {option["name"]: option["value"] for option in json.loads((ROOT / "build/meson-info/intro-buildoptions.json").read_text())}
    flags = "".join(f" {name}={options[name]}" for name in ("b_lto", "b_pgo", "b_sanitize")
                    if options.get(name) not in (False, "off", "none", None))
    return f"{'; '.join(re.findall(r'] +(.+)', text))} -O{options['optimization']}{flags}"


def versions():
    """What the limits of a row hold for."""
    def version(package):
        result = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False)
        return result.stdout.strip() or "none"

    avx2 = re.search(r"\bavx2\b", Path("/proc/cpuinfo").read_text()) is not None
    return {**{name: version(package) for name, package in LIBRARIES.items()}, "compiler": compiler(), "avx2": avx2}


def row(rows, wanted):
    return next((found for found in rows if found["versions"] == wanted), None)


def limits():
    """The limits for these versions, None where there are none."""
    found = row(json.loads(LIMITS.read_text()), versions())
    return found["instructions"] if found else None


def valgrind(tool, *words):
    command = ["valgrind", f"--tool={tool}", *words]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                            env={**os.environ, **ENVIRONMENT})
    if result.returncode != 0:
        raise CostFailed(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def count(workload, cache, out):
    """Instructions a message; the profile is left in `out`."""
    result = valgrind("callgrind", "--toggle-collect=worker_turn", f"--callgrind-out-file={out}", PROGRAM, workload, RULES, cache)
    messages = int(re.search(r"^messages (\d+)", result.stdout, re.M).group(1))
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1)) / messages


def count_all(workloads, folder):
    """Instructions a message of each, or what went wrong. Rules are compiled once, before, for the processor that valgrind plays."""
    cache = Path(folder) / "rules"
    valgrind("none", PROGRAM, "none", RULES, cache)

    def one(workload):
        try:
            return count(workload, cache, Path(folder) / workload)
        except (CostFailed, subprocess.TimeoutExpired) as failure:
            return failure

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return dict(zip(workloads, pool.map(one, workloads)))


def judge(workload, counted, limit):
    """None, or what is wrong with a count."""
    if counted > limit * (1 + SHARE):
        return f"{workload}: {counted:.0f} instructions a message, {counted / limit - 1:.1%} more than the limit of {limit}"
    if counted < limit * (1 - SHARE):
        return (f"{workload}: {counted:.0f} instructions a message, {1 - counted / limit:.1%} fewer than the limit of {limit}: "
                "lower it with scripts/cost --write")
    return None


def write(counted):
    """Makes these counts the limits for these versions."""
    rows, wanted = json.loads(LIMITS.read_text()), versions()
    found = row(rows, wanted)
    if not found:
        found = {"versions": wanted, "instructions": {}}
        rows.append(found)
    found["instructions"].update({workload: round(value) for workload, value in counted.items()})
    LIMITS.write_text(json.dumps(rows, indent=2) + "\n")


def top(workload, folder, lines, inclusive):
    """The functions in which the instructions are."""
    options = ["--inclusive=yes"] if inclusive else []
    text = subprocess.run(["callgrind_annotate", "--threshold=100", *options, Path(folder) / workload], capture_output=True, text=True,
                          check=True).stdout
    found = [re.sub(r"\s*\[/.*", "", re.sub(r"\S*build/\.\./", "", line)) for line in text.splitlines()
             if re.match(r"\s*[\d,]+ \(", line)]
    print("\n".join(found[:lines + 1]))


def main():
    parser = argparse.ArgumentParser(prog="scripts/cost", description=__doc__)
    parser.add_argument("workload", nargs="*", choices=[*WORKLOADS, []], help=f"{', '.join(WORKLOADS)}; all without")
    parser.add_argument("--top", type=int, metavar="N", default=0, help="print the N functions with the most instructions of their own")
    parser.add_argument("--inclusive", action="store_true", help="with --top: instructions of what they call count as well")
    parser.add_argument("--write", action="store_true", help="make the counts the limits for these versions of the libraries")
    options = parser.parse_args()
    reason = available()
    if reason:
        sys.exit(f"scripts/cost: {reason}")
    kept, wrong = limits(), 0
    with tempfile.TemporaryDirectory(prefix="wirepost-cost-") as folder:
        counted = count_all(options.workload or WORKLOADS, folder)
        for workload, value in counted.items():
            if isinstance(value, Exception):
                sys.exit(f"scripts/cost: {value}")
            fault = kept and judge(workload, value, kept[workload])
            wrong += bool(fault)
            print(fault or f"{workload}: {value:.0f} instructions a message")
            if options.top:
                top(workload, folder, options.top, options.inclusive)
    if options.write:
        write(counted)
        return 0
    if not kept:
        print(f"no limits are kept for {versions()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
