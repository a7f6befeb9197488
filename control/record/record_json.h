/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_JSON_H
#define CONTROL_RECORD_RECORD_JSON_H

#include "control/record/record_privacy.h"
#include "dataplane/handoff/record.h"
#include "proto/base/writer.h"

enum { RECORD_JSON_VERSION = 1, RECORD_MESSAGE_VERSION = 2 };

/* Names of the schemas that records say they keep to, with major and minor version; one each in
 * control/schema. */
#define RECORD_SCHEMA_message "message/2.3"
#define RECORD_SCHEMA_connection "connection/1.2"
#define RECORD_SCHEMA_audit "audit/2.0"
#define RECORD_SCHEMA_engine "engine/1.0"

/*
 * Puts a record into a line as an object; docs/events.md describes it. `message` is a function of
 * the bytes on the wire alone, `context` says when, where and how fast, `result` what this role
 * did. Texts of peers are written as `privacy` has it.
 */
void record_json_put(struct json_line *line, const struct record *record,
                     const struct record_privacy *privacy);
/* The same as a value of the library. A new reference, NULL: no memory. */
json_t *record_json(const struct record *record, const struct record_privacy *privacy);

/*
 * An object as a line with its LF, in memory from malloc that the caller frees; takes the
 * reference. NULL: no memory, or `json` is NULL.
 */
char *record_json_dump(json_t *json, size_t *len_out);

/* What records and events have in common, under `key`. */
void record_json_put_id(struct json_line *line, const char *key, const struct id128 *id);
/* Milliseconds since 1970 as RFC 3339 has them, in UTC; null where it has not. */
void record_json_put_time(struct json_line *line, const char *key, uint64_t ms);
/* {address, port} */
void record_json_put_end(struct json_line *line, const char *key, const struct ip_address *address,
                         uint16_t port);

/* Each a new reference, NULL: no memory. */

/* Bytes of a peer as a JSON text, through peer_text(). */
json_t *record_json_text(struct span bytes);
json_t *record_json_id(const struct id128 *id);
/* Milliseconds since 1970 as RFC 3339 has them, in UTC; null where it has not. */
json_t *record_json_time(uint64_t ms);

#endif
