/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_team.h"

#include <stdlib.h>

#include "control/mail/mail_index.h"
#include "control/mail/mail_service.h"
#include "control/service/read_service.h"

struct mail_team {
    struct store *store;
    struct mail_index *index;
    struct read_service *reader;
    struct mail_special specials[MAIL_SPECIALS];
    uint8_t special_names[MAIL_SPECIALS][MAIL_SPECIAL_NAME];
    uint32_t special_count;
    _Atomic size_t staged; /* octets, of all sessions */
    uint32_t count;
    struct mail_service *lanes[IMAP_LANES];
};

/* The configuration that they come from may be replaced. */
static void copy_specials(struct mail_team *t, const struct mail_team_options *o)
{
    for (uint32_t i = 0; i < o->special_count && i < MAIL_SPECIALS; i++) {
        struct span name = span_head(o->specials[i].name, MAIL_SPECIAL_NAME);

        memcpy(t->special_names[i], name.data, name.len);
        t->specials[i] = o->specials[i];
        t->specials[i].name = span_of(t->special_names[i], name.len);
        t->special_count++;
    }
}

static void on_change(void *context, uint64_t mailbox)
{
    struct mail_team *t = context;

    for (uint32_t i = 0; i < t->count; i++)
        mail_service_changed(t->lanes[i], mailbox);
}

static bool start_lanes(struct mail_team *t, const struct mail_team_options *o)
{
    struct mail_service_options lane = {.handoff = o->handoff,
                                        .store = o->store,
                                        .index = o->index,
                                        .staged = &t->staged,
                                        .specials = t->specials,
                                        .special_count = t->special_count};
    uint32_t wanted = handoff_imap_lanes(o->handoff);

    while (t->count < wanted) {
        lane.lane = (enum service)(SERVICE_IMAP + t->count);
        t->lanes[t->count] = mail_service_start(&lane);
        if (!t->lanes[t->count])
            return false;
        t->count++;
    }
    return true;
}

struct mail_team *mail_team_start(const struct mail_team_options *o)
{
    struct mail_team *t = calloc(1, sizeof(*t));

    if (!t) {
        mail_index_halt(o->index);
        mail_index_free(o->index);
        return NULL;
    }
    t->store = o->store;
    t->index = o->index;
    copy_specials(t, o);
    t->reader = read_service_start(o->handoff, o->store);
    if (t->reader && start_lanes(t, o)) {
        store_watch(o->store, on_change, t);
        return t;
    }
    mail_team_stop(t);
    return NULL;
}

void mail_team_stop(struct mail_team *t)
{
    mail_index_halt(t->index);
    for (uint32_t i = 0; i < t->count; i++)
        mail_service_halt(t->lanes[i]);
    store_watch(t->store, NULL, NULL);
    if (t->reader)
        read_service_stop(t->reader);
    mail_index_free(t->index);
    for (uint32_t i = 0; i < t->count; i++)
        mail_service_free(t->lanes[i]);
    free(t);
}
