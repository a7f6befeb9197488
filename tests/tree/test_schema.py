# SPDX-License-Identifier: BSD-3-Clause
"""What is told in JSON has a schema; a schema keeps its promises within a major version; the documentation tells it."""

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from lab import schemas  # noqa: E402

RECORD_TYPES = re.findall(r"^RECORD_TYPE\((\w+),", (ROOT / "control/record/record_type.def").read_text(), re.MULTILINE)
# Its answer is the message itself.
WITHOUT_SCHEMA = {"message export"}


@pytest.mark.parametrize("name", schemas.names())
def test_is_a_schema(name):
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))
    for path, field in schemas.fields(schemas.schema(name)):
        assert field.get("description") or "x-class" in field, f"{path}: says nothing"


@pytest.mark.parametrize("name", schemas.names())
def test_adds_only(name):
    old = schemas.published(name)
    assert old, f"{name} was never published: PYTHONPATH=scripts/lib python3 -m lab.schemas"
    faults = list(schemas.incompatible(old, schemas.schema(name)))
    assert not faults, f"{name}: changed within its major version\n" + "\n".join(faults)
    added = [path for path, field in schemas.fields(schemas.schema(name)) if path not in dict(schemas.fields(old))]
    if added:
        assert schemas.schema(name)["x-version"] != old["x-version"], f"{name}: {added} need a new minor version"
        assert all(dict(schemas.fields(schemas.schema(name)))[path].get("x-since") for path in added), "since when?"


# (what is done to the schema of messages, the fault that is found)
CHANGES = [
    (lambda s: s["properties"]["message"]["properties"].pop("size"), "/message/size: was there"),
    (lambda s: s["properties"]["message"]["required"].remove("size"), "/message/size: was always there"),
    (lambda s: s["properties"]["message"]["properties"]["size"].update(type="string"), "/message/size: type was 'integer'"),
    (lambda s: s["properties"]["id"].update(type=["string", "null"]), "/id: type was 'string'"),
    (lambda s: s["properties"]["id"].update(pattern=".*"), "/id: pattern was"),
    (lambda s: s["properties"]["kind"].update(const="mail"), "/kind: const was 'message'"),
    (lambda s: s["properties"]["message"]["properties"]["subject"].pop("x-class"), "/message/subject: class was content"),
    (lambda s: s["properties"]["message"]["properties"]["parts"].pop("items"), "/message/parts: items was told"),
    (lambda s: s["properties"]["message"]["properties"]["parts"]["items"]["properties"]["kind"]["enum"].append("x"),
     "/message/parts/items/kind: was one of"),
]


@pytest.mark.parametrize("change, fault", CHANGES)
def test_incompatible_change_is_found(change, fault):
    found = list(schemas.incompatible(schemas.schema("message"), schemas.changed("message", change)))
    assert len(found) == 1 and found[0].startswith(fault), found


def test_addition_is_compatible():
    def add(s):
        s["properties"]["message"]["properties"]["new"] = {"type": "string"}
        s["properties"]["message"]["required"].append("new")
    assert not list(schemas.incompatible(schemas.schema("message"), schemas.changed("message", add)))


def test_unknown_field_is_found():
    row = {"time": "2026-01-01T00:00:00.000Z", "level": "info", "text": "x"}
    schemas.check("log", row)
    with pytest.raises(AssertionError):
        schemas.check("log", {**row, "more": 1})
    with pytest.raises(AssertionError):
        schemas.check("log", {**row, "level": "loud"})


@pytest.mark.parametrize("name", RECORD_TYPES)
def test_record_type_has_its_version(name):
    assert name in schemas.names()
    text = (ROOT / "control/record/record_json.h").read_text()
    assert f'RECORD_SCHEMA_{name} "{name}/{schemas.schema(name)["x-version"]}"' in text
    options = (ROOT / "control/config/config_option.def").read_text()
    assert f"records.retention.{name}" in options


def test_classes_are_those_of_the_table():
    text = (ROOT / "control/record/record_field.def").read_text()
    table = set(re.findall(r'^RECORD_FIELD\(\w+, "([^"]+)", (\w+),', text, re.MULTILINE))
    told = {(path, field["x-class"]) for name in RECORD_TYPES for path, field in schemas.fields(schemas.schema(name))
            if "x-class" in field}
    assert table == told
    assert {kind for _, kind in table} <= set(schemas.CLASSES)


def test_ctl_commands_have_schemas():
    text = (ROOT / "control/ctl/ctl_command.def").read_text()
    commands = set(re.findall(r'^CTL_COMMAND\(\w+, \w+, \w+, "([^"]+)"', text, re.MULTILINE))
    missing = {name for name in commands - WITHOUT_SCHEMA if f"ctl-{name.replace(' ', '-')}" not in schemas.names()}
    assert not missing, f"control/schema has nothing for: {', '.join(sorted(missing))}"


def test_events_tells_all_fields():
    text = (ROOT / "docs/events.md").read_text()
    assert schemas.with_tables(text) == text, "make it anew: PYTHONPATH=scripts/lib python3 -m lab.schemas"
    for name in (*RECORD_TYPES, "log"):
        assert f"<!-- schema {name} -->" in text


def test_program_has_them():
    binary = ROOT / "build" / "wirepost"
    if not binary.exists():
        pytest.skip("there is no build")
    for name in schemas.names():
        printed = subprocess.run([binary, "schema", name], capture_output=True, check=True).stdout
        assert printed.decode() == (schemas.FOLDER / f"{name}.schema.json").read_text()
