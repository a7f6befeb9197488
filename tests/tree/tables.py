# SPDX-License-Identifier: BSD-3-Clause
"""The documentation's tables from requirements to tests: each test that is named exists, each row names one."""

import re
from pathlib import Path

# `test_smtp_server.c: a_message_is_taken`, with its folders or without, with several names, or a file alone.
REFERENCE = re.compile(r"`((?:[\w./]+/)?(?:test|check|fuzz)_\w+\.(?:c|py))(?:: (\w+)[^`]*)?`((?:, `\w+(?:\[[^`]*)?`)*)")
NAME = re.compile(r"`(\w+)")
ROW = re.compile(r"^\|(.*)\|(.*)\|\s*$")
NO_MATTER = "not applicable: "


def cases(path):
    """The names of a test file's cases."""
    text = path.read_text()
    if path.suffix == ".py":
        return set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    return set(re.findall(r"CHECK_(?:CASE|DIES)\((\w+)\)", text))


def files(root):
    """Test files by their base name."""
    return {path.name: path for path in (root / "tests").rglob("*") if path.suffix in (".c", ".py")}


def reference_faults(root):
    """Tests that the documentation names and that do not exist."""
    known = files(root)
    for page in sorted((root / "docs").rglob("*.md")):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for path, first, more in REFERENCE.findall(line):
                file = known.get(Path(path).name)
                where = f"{page.relative_to(root)}:{number}"
                if file is None or ("/" in path and not str(file).endswith(f"/{path}")):
                    yield f"{where}: there is no {path}"
                    continue
                for name in filter(None, (first, *NAME.findall(more))):
                    if name not in cases(file):
                        yield f"{where}: {path} has no case {name}"


def row_faults(root):
    """Rows of a table whose head says `test` that neither name a test nor say why there is none."""
    for page in sorted((root / "docs").rglob("*.md")):
        in_table = False
        for number, line in enumerate(page.read_text().splitlines(), 1):
            row = ROW.match(line)
            if not row:
                in_table = False
            elif not in_table and row.group(2).strip() == "test":
                in_table = True
            elif in_table and not re.fullmatch(r"[\s|:-]+", line):
                told = row.group(2).strip()
                if not REFERENCE.search(told) and not (told.startswith(NO_MATTER) and len(told) > len(NO_MATTER)):
                    yield f"{page.relative_to(root)}:{number}: no test, and no reason why not"


CHECKS = {"references": reference_faults, "rows": row_faults}
