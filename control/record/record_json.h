/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_JSON_H
#define CONTROL_RECORD_RECORD_JSON_H

#include <jansson.h>

#include "dataplane/handoff/record.h"

enum { RECORD_JSON_VERSION = 1 };

/*
 * A record as JSON; docs/events.md describes it. `message` is a function of the bytes on the wire alone, `context` says
 * when, where and how fast, `result` what this role did. Texts of peers are made well-formed UTF-8 without
 * control characters by peer_text(). A new reference, NULL: no memory.
 */
json_t *record_json(const struct record *record);

/*
 * The same as a line with its LF, in memory from malloc that the caller frees. NULL: no memory.
 */
char *record_json_line(const struct record *record, size_t *len_out);

#endif
