/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRACE_TRACE_QUERY_H
#define CONTROL_TRACE_TRACE_QUERY_H

#include <jansson.h>

#include "control/record/record_keys.h"
#include "proto/base/id128.h"
#include "proto/base/writer.h"

/*
 * What is looked for: an id of 26 characters, an address, or a Message-ID (in brackets; without
 * them it reads as an address and is looked for as both). Records in which texts are hashed are
 * found by the hashes under the keys that there are.
 */
enum trace_by { TRACE_BY_ID, TRACE_BY_MESSAGE_ID, TRACE_BY_ADDRESS };

enum { TRACE_QUERY_MAX = 1024, TRACE_NEEDLES = 2 + 6 * RECORD_KEYS_MAX };

struct trace_query {
    enum trace_by by;
    struct id128 id;                /* by id */
    struct span text;               /* borrowed */
    uint32_t count;                 /* what fields may say, and lines must contain */
    json_t *needles[TRACE_NEEDLES]; /* texts; the first ones as they are, the others hashes */
    char *escaped[TRACE_NEEDLES];   /* the same as they stand in a line */
};

const char *trace_by_name(enum trace_by by);
/* False, with the reason in `why`: it is none of these. */
bool trace_query_init(struct trace_query *query, struct span text, const struct record_keys *keys,
                      struct writer *why);
void trace_query_fini(struct trace_query *query);
/* Whether a line may be one that is looked for: cheap, and never wrongly false. */
bool trace_query_may(const struct trace_query *query, struct span line);
/* Whether a record, of which anything may be missing or of another type, is looked for. */
bool trace_query_is(const struct trace_query *query, const json_t *record);

#endif
