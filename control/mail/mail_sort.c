/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_digest.h"
#include "control/mail/mail_match.h"
#include "control/mail/mail_saved.h"
#include "control/mail/mail_tell.h"
#include "control/mail/mail_verb.h"
#include "proto/base/index_sort.h"
#include "proto/imap/imap_sort.h"

/*
 * SORT (RFC 5256 section 3, RFC 5957, RFC 5267 section 3): what SEARCH finds, in another order. In
 * steps, so that others get their turn: messages are found, what they are compared by is read or
 * remembered, they are sorted, they are told.
 */
enum {
    READ_STEP = 64,     /* digests that had to be made */
    VALUES_STEP = 4096, /* or were remembered */
    COMPARED_STEP = 1 << 14,
};

enum stage { FINDING, READING, SORTING, TELLING };

struct sort {
    struct mail_match match;
    struct imap_sort sort;
    struct mail_tell tell;
    struct mail_box *held;
    union imap_sort_value *values; /* sort.count of each message found */
    uint32_t *memory;
    struct index_sort order;
    struct mail_found *sorted;
    uint32_t read; /* messages whose values are known */
    uint8_t stage; /* enum stage */
    uint16_t parts;
};

void mail_sort_end(struct mail_run *r)
{
    struct sort *f = r->state;

    if (!f)
        return;
    if (f->held)
        mail_digests_release(f->held);
    mail_match_fini(&f->match);
    free(f->values);
    free(f->memory);
    free(f->sorted);
    free(f);
}

/* Which part of a digest a key is compared by; none: the index knows it. */
static int part_of(unsigned key)
{
    static const int8_t parts[IMAP_SORT_KEYS] = {
        [IMAP_SORT_ARRIVAL] = -1,
        [IMAP_SORT_CC] = MAIL_DIGEST_CC,
        [IMAP_SORT_DATE] = MAIL_DIGEST_SENT,
        [IMAP_SORT_FROM] = MAIL_DIGEST_FROM,
        [IMAP_SORT_SIZE] = -1,
        [IMAP_SORT_SUBJECT] = MAIL_DIGEST_SUBJECT,
        [IMAP_SORT_TO] = MAIL_DIGEST_TO,
        [IMAP_SORT_DISPLAYFROM] = MAIL_DIGEST_DISPLAYFROM,
        [IMAP_SORT_DISPLAYTO] = MAIL_DIGEST_DISPLAYTO,
    };

    return parts[key];
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct sort *f = calloc(1, sizeof(*f));

    r->state = f;
    if (!f) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!mail_match_init(&f->match, s, r))
        return false;
    if (!imap_sort_parse(&r->args, &f->sort, &f->match.program)) {
        mail_run_bad(r);
        return false;
    }
    for (unsigned i = 0; i < f->sort.count; i++)
        if (part_of(f->sort.keys[i]) >= 0)
            f->parts |= (uint16_t)(1u << part_of(f->sort.keys[i]));
    r->goal = 2 * s->view.exists;
    return mail_match_ready(&f->match, r);
}

/* ---- what is compared ---- */

static bool prepare(struct sort *f)
{
    struct imap_session *s = f->match.session;
    size_t count = f->match.count;

    f->values = malloc((count * f->sort.count + 1) * sizeof(*f->values));
    f->memory = malloc((2 * count + 1) * sizeof(*f->memory));
    f->sorted = malloc((count + 1) * sizeof(*f->sorted));
    if (!f->values || !f->memory || !f->sorted)
        return false;
    if (f->parts) {
        f->held = s->view.box;
        mail_digests_hold(mail_service_digests(s->service), f->held);
    }
    return true;
}

static union imap_sort_value value_of(const struct mail_message *m, const struct mail_digest *g,
                                      unsigned key)
{
    int64_t arrived = (int64_t)(m->internal_ms / 1000);

    switch (key) {
    case IMAP_SORT_ARRIVAL:
        return (union imap_sort_value){.number = arrived};
    case IMAP_SORT_DATE:
        return (union imap_sort_value){.number = g->dated ? g->sent : arrived};
    case IMAP_SORT_SIZE:
        return (union imap_sort_value){.number = (int64_t)m->size};
    default:
        return (union imap_sort_value){.text = mail_digest_text(g, (unsigned)part_of(key))};
    }
}

/* STORE_OK: all are read, or *more. */
static enum store_status read_some(struct sort *f, bool *more)
{
    struct imap_session *s = f->match.session;
    struct mail_box *box = s->view.box;
    uint32_t made = 0, looked = 0;

    for (*more = true; f->read < f->match.count; f->read++) {
        uint32_t slot = f->match.found[f->read].slot;
        const struct mail_digest *g = NULL;
        bool read = false;

        if (made == READ_STEP || looked++ == VALUES_STEP)
            return STORE_OK;
        if (f->parts) {
            enum store_status status = mail_digest_get(
                mail_service_digests(s->service), f->match.store, box, slot, f->parts, &g, &read);

            if (status != STORE_OK)
                return status;
        }
        made += read;
        for (unsigned i = 0; i < f->sort.count; i++)
            f->values[f->read * f->sort.count + i] =
                value_of(&box->messages[slot], g, f->sort.keys[i]);
    }
    *more = false;
    return STORE_OK;
}

static bool before(const void *context, uint32_t a, uint32_t b)
{
    const struct sort *f = context;

    return imap_sort_before(&f->sort, &f->values[(size_t)a * f->sort.count],
                            &f->values[(size_t)b * f->sort.count]);
}

/* ---- stage by stage ---- */

static enum mail_step read_values(struct sort *f, struct mail_run *r)
{
    bool more;
    enum store_status status = read_some(f, &more);

    r->progress = f->match.session->view.exists + f->read;
    if (status == STORE_LIMIT)
        return mail_match_refuse(&f->match, r, "[LIMIT]", "too much to be sorted at once");
    if (status != STORE_OK)
        return mail_match_refuse(&f->match, r, "[SERVERBUG]", "the store has failed");
    if (more)
        return MAIL_STEP_YIELD;
    index_sort_init(&f->order, f->memory, f->match.count, before, f);
    f->stage = SORTING;
    return MAIL_STEP_YIELD;
}

static enum mail_step sort_values(struct sort *f, struct mail_run *r)
{
    struct mail_match *m = &f->match;

    if (!index_sort_step(&f->order, COMPARED_STEP))
        return MAIL_STEP_YIELD;
    for (uint32_t i = 0; i < m->count; i++)
        f->sorted[i] = m->found[f->order.from[i]];
    if (!mail_saved_keep(m->session, m->program.wanted, m->found, m->count, f->sorted,
                         f->sorted + (m->count ? m->count - 1 : 0)))
        return mail_match_refuse(m, r, "[NOTSAVED]", "too much to be saved");
    f->stage = TELLING;
    return MAIL_STEP_AGAIN;
}

enum mail_step mail_sort(struct imap_session *s, struct mail_run *r)
{
    struct sort *f = r->state;

    if (!f && !begin(s, r))
        return MAIL_STEP_OVER;
    f = r->state;
    switch ((enum stage)f->stage) {
    case FINDING:
        if (!mail_match_step(&f->match, r))
            return MAIL_STEP_YIELD;
        if (!prepare(f))
            return mail_match_refuse(&f->match, r, "[LIMIT]", "no memory for that many");
        f->stage = READING;
        return MAIL_STEP_AGAIN;
    case READING:
        return read_values(f, r);
    case SORTING:
        return sort_values(f, r);
    case TELLING:
        break;
    }
    return mail_tell_step(&f->tell, r, &f->match, "SORT", f->sorted);
}
