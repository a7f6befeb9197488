# SPDX-License-Identifier: BSD-3-Clause
"""Puts the JSON Schemas into the program: schema_generate.py OUTPUT SCHEMA..."""

import json
import sys
from pathlib import Path


def literal(text):
    """The text as C string literals, a line each."""
    lines = text.split("\n")
    return "\n".join(json.dumps(line + "\n", ensure_ascii=True) for line in lines[:-1])


def main():
    output, *files = sys.argv[1:]
    rows = []
    for path in sorted(map(Path, files), key=lambda path: path.name):
        text = path.read_text()
        schema = json.loads(text)
        name = path.name.removesuffix(".schema.json")
        if schema["title"] != name or not text.isascii():
            sys.exit(f"{path}: its title is not its name, or it is not ASCII")
        rows.append(f'{{"{name}", "{schema["x-version"]}", {json.dumps(schema["description"])},\n{literal(text)}}},')
    body = "\n".join(rows)
    Path(output).write_text('#include "control/schema/schema.h"\n\n'
                            f"const struct schema schemas[] = {{\n{body}\n}};\n"
                            "const uint32_t schema_count = sizeof(schemas) / sizeof(schemas[0]);\n")


if __name__ == "__main__":
    main()
