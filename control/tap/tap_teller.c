/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_teller.h"

#include <stdlib.h>

enum { BATCH = 64 };

/* Records of a worker in the order of their events, as a circle. */
struct tap_pending {
    struct record **records;
    uint32_t first, count, size;
};

bool tap_teller_init(struct tap_teller *t, uint32_t records)
{
    uint32_t workers = handoff_workers(t->handoff);

    t->pending = calloc(workers, sizeof(*t->pending));
    for (uint32_t i = 0; t->pending && i < workers; i++) {
        struct tap_pending *p = &t->pending[i];

        p->size = records;
        p->records = calloc(records, sizeof(*p->records));
        if (!p->records)
            return false;
    }
    return t->pending != NULL;
}

void tap_teller_fini(struct tap_teller *t)
{
    for (uint32_t i = 0; t->pending && i < handoff_workers(t->handoff); i++)
        free(t->pending[i].records);
    free(t->pending);
    t->pending = NULL;
    json_line_fini(&t->json.line);
}

static void take(struct tap_teller *t, struct record *record)
{
    struct tap_pending *p = &t->pending[record->worker];

    if (record->kind == RECORD_MESSAGE && p->count < p->size)
        p->records[(p->first + p->count++) % p->size] = record;
    else
        record_return(t->handoff, record);
}

void tap_teller_collect(struct tap_teller *t)
{
    struct record *records[BATCH];
    uint32_t n;

    while ((n = record_collect(t->handoff, records, BATCH)))
        for (uint32_t i = 0; i < n; i++)
            take(t, records[i]);
}

static void put_part(void *context, const struct json_line *line)
{
    struct tap_teller *t = context;

    t->put(t->context, RECORD_TYPE_message, line);
}

static void on_message(struct tap_teller *t, uint32_t worker, const struct tap_event *event)
{
    struct tap_pending *p = &t->pending[worker];
    struct record *record;

    tap_teller_collect(t);
    if (!p->count)
        return;
    record = p->records[p->first];
    p->first = (p->first + 1) % p->size;
    p->count--;
    tap_json_message(&t->json, record);
    put_part(t, &t->json.line);
    tap_json_parts(&t->json, event, record, put_part, t);
    record_return(t->handoff, record);
}

void tap_teller_event(struct tap_teller *t, uint32_t worker, const struct tap_event *event)
{
    if (event->kind == TAP_EVENT_MESSAGE)
        on_message(t, worker, event);
    else if (tap_json_event(&t->json, event))
        t->put(t->context, RECORD_TYPE_connection, &t->json.line);
    /* Slots of messages that never came. */
    if (event->kind == TAP_EVENT_FLOW)
        tap_teller_collect(t);
}

void tap_teller_statistics(struct tap_teller *t, const struct tap_tally *tally,
                           const struct tap_json_when *when)
{
    tap_json_statistics(&t->json, when, tally->rows, tally->count);
    t->put(t->context, RECORD_TYPE_engine, &t->json.line);
}
