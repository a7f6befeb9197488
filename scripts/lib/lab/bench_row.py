# SPDX-License-Identifier: BSD-3-Clause
"""
A row of the comparison: its sides are measured in turn, A B A B, in one run on one machine, then told side by side.

A side's `measure` sets up what it needs, runs once and gives a Sample. Everything else is here: whose turn it is,
medians, spread, ratios, the table, the JSON of a row, the closing line.
"""

import json
import shutil
import statistics
import time
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Callable

from lab import table
from lab.commands import CommandFailed

PAIRS = 5
OURS, BESIDE = "ours", "beside"
SAME_OURS, SAME_BESIDE = "ours, same client", "beside, same client"


class Effort(IntEnum):
    """How much of it: to see that the harness runs, one short pair, all pairs, and more where the row has more."""

    SMOKE = 0
    QUICK = 1
    FULL = 2
    LONG = 3

    def pick(self, smoke, quick, full, long=None):
        return (smoke, quick, full, full if long is None else long)[self]


@dataclass(frozen=True)
class Sample:
    """One run of one side."""

    value: float  # what the row compares, in the side's unit
    figures: dict = field(default_factory=dict)  # what is told beside it, by name
    cores: dict = field(default_factory=dict)  # CPU seconds by seconds of the clock, by process


def missing(tools):
    """What to say of those that are not there; empty when all are."""
    absent = [tool for tool in tools if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else ""


@dataclass(frozen=True)
class Side:
    name: str
    what: str  # what runs, in a line
    unit: str
    measure: Callable[[Effort], Sample]
    needs: tuple = ()  # programs; the side is skipped where one is missing
    configuration: Callable[[], str] | None = None  # how a peer is tuned
    smoke: bool = True  # false: nothing in it that another side's smoke does not try

    def missing(self):
        return missing(self.needs)


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    sides: tuple  # the first two are compared in the closing line
    notes: tuple = ()  # what a reader must know to understand the figures
    same: tuple = (SAME_OURS, SAME_BESIDE)  # the sides with one client and one path
    less_is_better: bool = False
    disk: bool = False  # what syncing the disk takes is told beside the figures
    lines: tuple = ()  # further ratios that are told: what of, and its two sides
    long_pairs: int = 0  # pairs with --long at most; 0: as many as were asked for

    def run(self, effort, pairs, place, say):
        return run(self, effort, pairs, place, say)


@dataclass(frozen=True)
class Told:
    """What has nothing beside it: `tell` says its figures, and gives them by name."""

    name: str
    title: str
    tell: Callable[[Effort, Callable[[str], None]], dict]
    needs: tuple = ()

    def run(self, effort, _pairs, place, say):
        say(f"== {self.name}: {self.title}")
        say(f"machine: {place['text']}")
        if missing(self.needs):
            say(f"bench {self.name}: skipped ({missing(self.needs)})")
            return {"bench": self.name, "at": now(), "skipped": missing(self.needs)}
        figures = self.tell(effort, say)
        say(f"bench {self.name}: {named(figures)}")
        return {"bench": self.name, "title": self.title, "at": now(), "effort": effort.name.lower(), "machine": place,
                "figures": figures}


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def number(value):
    """As many digits as mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def named(values, unit=""):
    return ", ".join(f"{name} {number(value)}{unit}" for name, value in values.items())


def medians(samples, attribute):
    """Of each name in that attribute, over the samples."""
    names = list(dict.fromkeys(name for sample in samples for name in getattr(sample, attribute)))
    return {name: statistics.median(getattr(sample, attribute)[name] for sample in samples
                                    if name in getattr(sample, attribute)) for name in names}


@dataclass
class Result:
    """What all runs of a side came to."""

    side: Side
    samples: list
    skipped: str = ""

    @property
    def median(self):
        return statistics.median(sample.value for sample in self.samples)

    def line(self):
        if self.skipped:
            return (self.side.name, f"skipped: {self.skipped}", "", "", "", "")
        values = [sample.value for sample in self.samples]
        cores = medians(self.samples, "cores")
        return (self.side.name, number(self.median), f"{number(min(values))}..{number(max(values))}", self.side.unit,
                f"{sum(cores.values()):.2f} ({named(cores)})" if cores else "", named(medians(self.samples, "figures")))

    def told(self):
        if self.skipped:
            return {"what": self.side.what, "skipped": self.skipped}
        values = [sample.value for sample in self.samples]
        return {"what": self.side.what, "unit": self.side.unit, "median": self.median, "least": min(values),
                "most": max(values), "cores": medians(self.samples, "cores"), "figures": medians(self.samples, "figures"),
                "samples": [asdict(sample) for sample in self.samples]}


def ratio(results, names):
    """Of the two medians; None where one is missing."""
    mine, theirs = (results.get(name) for name in names)
    if not mine or not theirs or mine.skipped or theirs.skipped or not theirs.median:
        return None
    return {"ours": mine.median, "beside": theirs.median, "ratio": mine.median / theirs.median, "sides": list(names)}


def closing(row, results):
    """The line that a row ends with."""
    found = ratio(results, (row.sides[0].name, row.sides[1].name))
    if found:
        return f"bench {row.name}: ours {number(found['ours'])}, beside {number(found['beside'])}, ratio {number(found['ratio'])}"
    parts = [f"{name} skipped ({result.skipped})" if result.skipped else f"{name} {number(result.median)}"
             for name, result in zip((OURS, BESIDE), (results[side.name] for side in row.sides[:2]))]
    return f"bench {row.name}: {', '.join(parts)}"


def introduce(row, place, say):
    say(f"== {row.name}: {row.title}")
    say(f"machine: {place['text']}")
    if row.disk:
        say(f"disk: fdatasync of 4 KiB in /var/tmp takes {place['fdatasync_us']:.0f} us")
    for side in row.sides:
        say(f"{side.name}: {side.what}")
    for side in row.sides:
        if side.configuration and not side.missing():
            say(f"configuration of {side.name}:\n" + "\n".join(f"    {line}" for line in side.configuration().splitlines()))
    for note in row.notes:
        say(f"note: {note}")


def measure(row, effort, pairs, say):
    """All sides in turn, as often as there are pairs; by name."""
    results = {side.name: Result(side, [], side.missing()) for side in row.sides if side.smoke or effort}
    for turn in range(pairs):
        for name, result in results.items():
            if result.skipped:
                continue
            try:
                sample = result.side.measure(effort)
            except (AssertionError, CommandFailed, OSError, TimeoutError) as error:
                raise CommandFailed(f"{row.name}, {name}: {error}") from error
            result.samples.append(sample)
            cores = f"; cores: {named(sample.cores)}" if sample.cores else ""
            say(f"pair {turn + 1} {name}: {number(sample.value)} {result.side.unit}; {named(sample.figures)}{cores}")
    return results


def run(row, effort, pairs, place, say):
    """Measures the row, tells it, and gives its JSON."""
    if effort == Effort.LONG and row.long_pairs:
        pairs = min(pairs, row.long_pairs)
    introduce(row, place, say)
    results = measure(row, effort, pairs, say)
    say(table.text(("side", "median", "spread", "unit", "cores burned", "beside it"),
                   [result.line() for result in results.values()]))
    same = ratio(results, row.same)
    if same:
        say(f"same client, same path: ours {number(same['ours'])}, beside {number(same['beside'])}, ratio {number(same['ratio'])}")
    further = {what: found for what, *sides in row.lines if (found := ratio(results, sides))}
    for what, found in further.items():
        say(f"{what}: ours {number(found['ours'])}, beside {number(found['beside'])}, ratio {number(found['ratio'])}")
    if row.less_is_better:
        say("less is better")
    say(closing(row, results))
    return {"bench": row.name, "title": row.title, "at": now(),
            "effort": effort.name.lower(), "pairs": pairs, "less_is_better": row.less_is_better, "machine": place,
            "sides": {name: result.told() for name, result in results.items()},
            "ratio": ratio(results, (row.sides[0].name, row.sides[1].name)), "same_client": same, "lines": further, "notes": list(row.notes)}


def append(path, told):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="ascii") as file:
        file.write(json.dumps(told) + "\n")
