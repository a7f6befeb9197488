# SPDX-License-Identifier: BSD-3-Clause
"""The JSON Schemas of what is told in JSON: validation of it, what a new version may change, their tables in docs."""

import copy
import functools
import importlib.util
import json

from lab import ROOT

FOLDER = ROOT / "control" / "schema"
PUBLISHED = ROOT / "tests" / "schema"
CLASSES = ("envelope", "content", "secret")


def names():
    return sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))


@functools.cache
def schema(name):
    return json.loads((FOLDER / f"{name}.schema.json").read_text())


def closed(value):
    """The schema with no property allowed that it does not name. Readers must take more; our tests must not see more."""
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: closed(inner) for key, inner in value.items()}
    if isinstance(value.get("properties"), dict):
        value.setdefault("additionalProperties", False)
    return value


def available():
    """True when values can be validated: the module is one of the test packages, and what only runs an engine does without."""
    return importlib.util.find_spec("fastjsonschema") is not None


@functools.cache
def _validator(name):
    import fastjsonschema
    return fastjsonschema.compile(closed(schema(name)))


def check(name, value):
    """Raises AssertionError when the value is not as the schema of this name says."""
    try:
        _validator(name)(value)
    except Exception as fault:
        raise AssertionError(f"not as control/schema/{name}.schema.json has it: {fault}\n{json.dumps(value)[:2000]}") from None


def check_record(row):
    assert row.get("kind") in names(), f"no schema for a record of kind {row.get('kind')!r}"
    check(row["kind"], row)
    name, _, version = row["schema"].partition("/")
    assert (name, version) == (row["kind"], schema(name)["x-version"]), f"{row['schema']}: not what {name} has"


def check_lines(data):
    """
    Each line of these bytes must be a record as its schema says. Lines that are no JSON are passed over: the half line that a
    kill leaves. Returns how many there were.
    """
    count = 0
    for line in data.split(b"\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        check_record(row)
        count += 1
    return count


def of_command(words):
    """The name of the schema of a ctl command's result, None where there is none."""
    for count in range(len(words), 0, -1):
        name = "-".join(("ctl", *words[:count]))
        if (FOLDER / f"{name}.schema.json").exists():
            return name
    return None


# ---- what a version may change ----

def incompatible(old, new, where=""):
    """
    What a reader of the old schema would stumble over in what the new one allows. Fields may be added, and what is written may
    become narrower; nothing that was there may go, become optional, or have other values.
    """
    for key in ("const", "pattern", "$ref"):
        if key in old and old[key] != new.get(key) and not (key == "pattern" and "enum" in new):
            yield f"{where}: {key} was {old[key]!r}"
    if "type" in old and not _types(new) <= _types(old):
        yield f"{where}: type was {old['type']!r}"
    if "enum" in old and not set(new.get("enum", [None])) <= set(old["enum"]) and not old.get("x-open"):
        yield f"{where}: was one of {old['enum']}"
    if "minimum" in old and new.get("minimum", old["minimum"] - 1) < old["minimum"]:
        yield f"{where}: was at least {old['minimum']}"
    for name in old.get("required", []):
        if name not in new.get("required", []):
            yield f"{where}/{name}: was always there"
    for name, inner in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from incompatible(inner, new["properties"][name], f"{where}/{name}")
        else:
            yield f"{where}/{name}: was there"
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            if isinstance(new.get(key), dict):
                yield from incompatible(old[key], new[key], f"{where}/{key}")
            else:
                yield f"{where}: {key} was told"
    if old.get("x-class") != new.get("x-class"):
        yield f"{where}: class was {old.get('x-class')}"


def _types(value):
    if "type" in value:
        return {value["type"]} if isinstance(value["type"], str) else set(value["type"])
    return {"string"} if "const" in value else {"any"}


def published(name):
    """The schema as it was published first in its major version."""
    major = schema(name)["x-version"].partition(".")[0]
    path = PUBLISHED / f"{name}-{major}.json"
    return json.loads(path.read_text()) if path.exists() else None


def publish(name):
    major = schema(name)["x-version"].partition(".")[0]
    (PUBLISHED / f"{name}-{major}.json").write_text(json.dumps(schema(name), indent=1) + "\n")


# ---- fields, for docs/events.md and the table of classes ----

def fields(value, path=""):
    """(path, what it is) of each property, in order; a list's items are `path[]`."""
    for name, inner in value.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, inner
        deeper = inner
        while isinstance(deeper.get("items"), dict):
            here, deeper = here + "[]", deeper["items"]
            if "x-class" in deeper:
                yield here, deeper
        yield from fields(deeper, here)


def table(name):
    """The fields of a schema as a Markdown table."""
    required = dict(fields(schema(name)))
    lines = ["| field | type | class | since | what it is |", "|---|---|---|---|---|"]
    for path, field in required.items():
        kind = field.get("type", "text" if "const" in field else "")
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        lines.append(f"| `{path}` | {kind} | {field.get('x-class', 'plain')} | {field.get('x-since', '1.0')} "
                     f"| {field.get('description', '')} |")
    return "\n".join(lines)


def with_tables(text):
    """The text with each table between <!-- schema NAME --> and <!-- end --> made anew."""
    out, rest = "", text
    while "<!-- schema " in rest:
        head, _, rest = rest.partition("<!-- schema ")
        name, _, rest = rest.partition(" -->")
        rest = rest.partition("<!-- end -->")[2]
        out += f"{head}<!-- schema {name} -->\n{table(name)}\n<!-- end -->"
    return out + rest


def changed(name, change):
    """A copy of a schema with a change made to it, to try the check above."""
    value = copy.deepcopy(schema(name))
    change(value)
    return value


def main():
    """Publishes schemas that were not yet, and makes the tables in docs/events.md anew."""
    for name in names():
        if published(name) is None:
            publish(name)
    path = ROOT / "docs" / "events.md"
    path.write_text(with_tables(path.read_text()))


if __name__ == "__main__":
    main()
