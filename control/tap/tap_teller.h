/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_TELLER_H
#define CONTROL_TAP_TAP_TELLER_H

#include "control/record/record_type.h"
#include "control/tap/tap_json.h"
#include "control/tap/tap_tally.h"
#include "dataplane/handoff/handoff.h"

/* From events of a tap to lines, the same for captures and for live ports. One thread. */
struct tap_pending;

struct tap_teller {
    struct tap_json json;
    struct handoff *handoff; /* that has the records */
    /* A line; `type` says which file of a directory it belongs to. */
    void (*put)(void *context, enum record_type type, const struct json_line *line);
    void *context;
    struct tap_pending *pending; /* records that were taken before their events, by worker */
};

/* The fields before `pending` are filled in; each worker has so many records. False: no memory. */
bool tap_teller_init(struct tap_teller *teller, uint32_t records);
/* An event of a worker's; a message's record is taken from the handoff. */
void tap_teller_event(struct tap_teller *teller, uint32_t worker, const struct tap_event *event);
/* Takes what the handoff has; to be called now and then, so that workers get empty slots back. */
void tap_teller_collect(struct tap_teller *teller);
void tap_teller_statistics(struct tap_teller *teller, const struct tap_tally *tally,
                           const struct tap_json_when *when);
void tap_teller_fini(struct tap_teller *teller);

#endif
