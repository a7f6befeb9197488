/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_recent.h"

#include <stdlib.h>

struct place {
    uint64_t mailbox; /* 0: free */
    uint32_t uid;
};

struct mail_recent {
    struct place *places;
    uint32_t size; /* a power of two, at most half full */
    uint32_t count;
};

struct mail_recent *mail_recent_new(void)
{
    struct mail_recent *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->size = 64;
    r->places = calloc(r->size, sizeof(*r->places));
    if (r->places)
        return r;
    free(r);
    return NULL;
}

void mail_recent_free(struct mail_recent *r)
{
    if (r)
        free(r->places);
    free(r);
}

static struct place *find(const struct mail_recent *r, uint64_t mailbox)
{
    uint32_t at = (uint32_t)(mailbox * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (r->size - 1);

    while (r->places[at].mailbox && r->places[at].mailbox != mailbox)
        at = (at + 1) & (r->size - 1);
    return &r->places[at];
}

uint32_t mail_recent_get(const struct mail_recent *r, uint64_t mailbox)
{
    return find(r, mailbox)->uid;
}

static bool grow(struct mail_recent *r)
{
    struct mail_recent larger = {.size = 2 * r->size, .count = r->count};

    larger.places = calloc(larger.size, sizeof(*larger.places));
    if (!larger.places)
        return false;
    for (uint32_t i = 0; i < r->size; i++)
        if (r->places[i].mailbox)
            *find(&larger, r->places[i].mailbox) = r->places[i];
    free(r->places);
    *r = larger;
    return true;
}

void mail_recent_set(struct mail_recent *r, uint64_t mailbox, uint32_t uid)
{
    struct place *p = find(r, mailbox);

    if (!p->mailbox) {
        if (2 * (r->count + 1) > r->size && !grow(r))
            return;
        p = find(r, mailbox);
        p->mailbox = mailbox;
        r->count++;
    }
    p->uid = uid;
}
