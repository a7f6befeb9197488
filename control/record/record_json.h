/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_JSON_H
#define CONTROL_RECORD_RECORD_JSON_H

#include "control/record/record_privacy.h"
#include "dataplane/handoff/record.h"

enum { RECORD_JSON_VERSION = 1 };

/* Names of the schemas that records say they keep to, with major and minor version; one each in
 * control/schema. */
#define RECORD_SCHEMA_message "message/1.0"
#define RECORD_SCHEMA_connection "connection/1.0"
#define RECORD_SCHEMA_audit "audit/1.0"
#define RECORD_SCHEMA_engine "engine/1.0"

/*
 * A record as JSON; docs/events.md describes it. `message` is a function of the bytes on the wire
 * alone, `context` says when, where and how fast, `result` what this role did. Texts of peers are
 * written as `privacy` has it. A new reference, NULL: no memory.
 */
json_t *record_json(const struct record *record, const struct record_privacy *privacy);

/*
 * The same as a line with its LF, in memory from malloc that the caller frees. NULL: no memory.
 */
char *record_json_line(const struct record *record, const struct record_privacy *privacy,
                       size_t *len_out);
/* Any object as such a line; takes the reference, NULL is passed on. */
char *record_json_dump(json_t *json, size_t *len_out);

/* Milliseconds since 1970 as RFC 3339 has them, in UTC; null where it has not. A new reference. */
json_t *record_json_time(uint64_t ms);

#endif
