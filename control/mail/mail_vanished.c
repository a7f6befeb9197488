/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_vanished.h"

#include <stdlib.h>

enum { RESPONSE = 2048 }; /* octets of one response, about */

/* ---- reading ---- */

struct reading {
    const struct mail_view *view;
    struct mail_vanished *vanished;
};

static bool has_uid(const struct mail_view *v, uint32_t uid)
{
    uint32_t slot = mail_box_slot(v->box, uid);

    return slot < v->slots && v->box->messages[slot].uid == uid && mail_view_has(v, slot);
}

static bool add(struct mail_vanished *v, uint32_t uid)
{
    if (v->count == v->cap) {
        uint32_t cap = v->cap ? 2 * v->cap : 64;
        uint32_t *more = realloc(v->uids, cap * sizeof(*more));

        if (!more)
            return false;
        v->uids = more;
        v->cap = cap;
    }
    v->uids[v->count++] = uid;
    return true;
}

static bool visit(void *context, const struct store_entry *e)
{
    struct reading *r = context;
    struct mail_vanished *v = r->vanished;

    if (e->uid <= v->above || (v->asked && !imap_set_contains(v->asked, e->uid)) ||
        has_uid(r->view, e->uid))
        return true;
    v->failed = !add(v, e->uid);
    return !v->failed;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

enum store_status mail_vanished_read(struct imap_session *s, uint64_t since,
                                     const struct imap_set *asked, uint32_t above,
                                     struct mail_vanished *vanished_out)
{
    const struct mail_box *box = s->view.box;
    struct mail_vanished *v = vanished_out;
    struct reading reading = {.view = &s->view, .vanished = v};
    enum store_status status;

    *v = (struct mail_vanished){.asked = asked, .above = above};
    status = store_tombstones(mail_service_store(s->service), box->id, since + 1, visit, &reading);
    if (status == STORE_TOO_OLD) {
        v->forgotten = true;
        v->at = above + 1;
        /* What has come and was not told yet is no loss. */
        v->last =
            (s->view.slots < box->count ? box->messages[s->view.slots].uid : box->uid_next) - 1;
        return STORE_OK;
    }
    if (status == STORE_OK && v->failed)
        status = STORE_FAILED;
    if (v->count)
        qsort(v->uids, v->count, sizeof(*v->uids), compare);
    return status;
}

void mail_vanished_free(struct mail_vanished *v)
{
    free(v->uids);
    v->uids = NULL;
}

/* ---- writing ---- */

/* Neighbours among those that were lost. */
static bool next_lost(struct mail_vanished *v, struct imap_range *r)
{
    if (v->at == v->count)
        return false;
    *r = (struct imap_range){v->uids[v->at], v->uids[v->at]};
    while (++v->at < v->count && v->uids[v->at] == r->high + 1)
        r->high++;
    return true;
}

/* From UID `at` on: whether it is there, and the last one of which the same is true. */
static bool is_there(const struct mail_view *view, struct mail_vanished *v, uint32_t *last_out)
{
    const struct mail_message *messages = view->box->messages;

    while (v->slot < view->slots &&
           (messages[v->slot].uid < v->at || !mail_view_has(view, v->slot)))
        v->slot++;
    *last_out = v->last;
    if (v->slot == view->slots)
        return false;
    if (messages[v->slot].uid == v->at) {
        *last_out = v->at;
        return true;
    }
    if (messages[v->slot].uid - 1 < *last_out)
        *last_out = messages[v->slot].uid - 1;
    return false;
}

/* The range that `at` is in, as far as it is asked for. */
static uint32_t asked_to(const struct mail_vanished *v, uint32_t last)
{
    const struct imap_set *set = v->asked;
    uint32_t low = 0, high = set ? set->count : 0;

    if (!set)
        return last;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (set->ranges[middle].low <= v->at)
            low = middle;
        else
            high = middle;
    }
    return set->ranges[low].high < last ? set->ranges[low].high : last;
}

static bool next_missing(const struct mail_view *view, struct mail_vanished *v,
                         struct imap_range *r)
{
    while (v->at && v->at <= v->last) {
        uint32_t last;

        if (v->asked)
            v->at = imap_set_next(v->asked, v->at);
        if (v->at == 0 || v->at > v->last)
            break;
        if (is_there(view, v, &last)) {
            v->at++;
            continue;
        }
        last = asked_to(v, last);
        *r = (struct imap_range){v->at, last};
        v->at = last + 1;
        return true;
    }
    return false;
}

static bool next_range(const struct mail_view *view, struct mail_vanished *v, struct imap_range *r)
{
    return v->forgotten ? next_missing(view, v, r) : next_lost(v, r);
}

bool mail_vanished_put(struct imap_session *s, struct mail_vanished *v, struct mail_text *t)
{
    struct mail_vanished before = *v;
    struct imap_range r;
    size_t mark;

    do {
        struct imap_set_writer set;

        *v = before;
        mark = mail_text_mark(t);
        if (!next_range(&s->view, v, &r))
            return false;
        writer_text(&t->w, "* VANISHED (EARLIER) ");
        set = imap_set_writer_of(&t->w);
        imap_set_writer_range(&set, r.low, r.high);
        while (!t->w.full && t->w.len - mark < RESPONSE && next_range(&s->view, v, &r))
            imap_set_writer_range(&set, r.low, r.high);
        imap_set_writer_end(&set);
        writer_text(&t->w, "\r\n");
    } while (!mail_text_fits(t, mark));
    return true;
}
