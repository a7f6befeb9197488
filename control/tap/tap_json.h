/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_JSON_H
#define CONTROL_TAP_TAP_JSON_H

#include "control/record/record_json.h"
#include "dataplane/handoff/tap_source.h"

/*
 * What a tap tells, as objects of JSON, one a line; docs/tap-events.md names them all, and each has
 * a schema. Texts of peers are made safe by peer_text().
 */
struct tap_json {
    struct json_line line;
    bool secrets;  /* told as they stand */
    bool commands; /* commands and replies are told at all */
};

/* The event as a line in j->line. False: it is not told. Messages: see tap_json_message(). */
bool tap_json_event(struct tap_json *j, const struct tap_event *event);
/* The record of a message, `context` with its flow. */
void tap_json_message(struct tap_json *j, const struct record *record);
/* The parts that are leaves, and the rules that hit, each as a line for `put`. */
void tap_json_parts(struct tap_json *j, const struct tap_event *event, const struct record *record,
                    void (*put)(void *context, const struct json_line *line), void *context);
/* When statistics of live ports were taken. */
struct tap_json_when {
    uint64_t time_ms; /* since 1970 */
    bool last;        /* the tap has ended */
};

/* Numbers by group, those of a group in a row. `when` NULL: of captures, which is once, at the end.
 */
void tap_json_statistics(struct tap_json *j, const struct tap_json_when *when,
                         const struct tap_statistic *statistics, size_t count);

#endif
