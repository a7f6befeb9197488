/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRACE_TRACE_HISTORY_H
#define CONTROL_TRACE_TRACE_HISTORY_H

#include <jansson.h>

#include "control/store/store_audit.h"

/*
 * One message's history: rows {"time", "source", "event", "detail"}, each a text. `rows` is a JSON
 * array. What is missing in a record, or of another type than it should be, is told as "-": lines
 * may come from anywhere.
 */
void trace_history_record(json_t *rows, const json_t *record);
/* True when the store has the message. */
bool trace_history_store(json_t *rows, struct store *store, const struct id128 *id);
void trace_history_audit(json_t *rows, const struct store_audit *row);
/* A new array with the rows in the order of time; takes the reference. */
json_t *trace_history_sorted(json_t *rows);

#endif
