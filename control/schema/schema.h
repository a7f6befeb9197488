/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SCHEMA_SCHEMA_H
#define CONTROL_SCHEMA_SCHEMA_H

#include <stdint.h>

/*
 * The JSON Schemas of everything that is told in JSON: records, lines of the log, what commands
 * print with --json. One file each beside this one; they are built into the program, so that a
 * reader can ask the engine that wrote the lines.
 */
struct schema {
    const char *name;
    const char *version; /* major.minor: fields are added in a minor one, and changed in a major one
                            only */
    const char *text;    /* what it describes */
    const char *json;
};

extern const struct schema schemas[]; /* by name */
extern const uint32_t schema_count;

#endif
