/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRACE_TRACE_H
#define CONTROL_TRACE_TRACE_H

#include "control/record/record_writer.h"
#include "control/store/store.h"
#include "control/trace/trace_query.h"

/*
 * Everything that is known of a message, in the order of time: from the files of records, back to
 * front, from the store and from its audit log. Looks at no more than TRACE_MESSAGES messages and
 * for no longer than TRACE_MS; what was not looked at is told ("complete": false). Runs on the
 * caller's thread, which is not the engine's.
 */
enum { TRACE_MESSAGES = 100, TRACE_MS = 5000 };

struct trace_source {
    struct store *store;
    struct record_writer *records; /* for the keys */
    const char *path;              /* records.path, which cannot change: a file or a directory */
};

/* `since_ms`: records that ended before are passed over; 0: none. As
 * control/schema/ctl-trace.schema.json has it; a new reference, NULL with the reason in `why`. */
json_t *trace(const struct trace_source *source, struct span query, uint64_t since_ms,
              struct writer *why);

#endif
