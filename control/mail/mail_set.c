/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_set.h"

#include <stdlib.h>

/* "$": a copy, since the command may go on when there is another. */
static bool take_saved(const struct imap_session *s, struct mail_run *r, struct mail_set *set)
{
    struct imap_range *ranges = realloc(set->set.ranges, (s->saved.count + 1) * sizeof(*ranges));

    if (!ranges) {
        mail_run_failed(r, STORE_FAILED);
        mail_set_free(set);
        return false;
    }
    if (s->saved.count)
        memcpy(ranges, s->saved.ranges, s->saved.count * sizeof(*ranges));
    set->set = imap_set_of(ranges, s->saved.count);
    set->set.count = s->saved.count;
    set->uid = true;
    return true;
}

bool mail_set_read(struct imap_session *s, struct mail_run *r, struct mail_set *set_out)
{
    /* A range takes an octet and a comma at least. */
    uint32_t cap = (uint32_t)(r->args.end - r->args.at) / 2 + 1;
    struct imap_range *ranges = malloc(cap * sizeof(*ranges));
    uint32_t largest;

    *set_out = (struct mail_set){.set = imap_set_of(ranges, cap), .uid = r->uid};
    if (!ranges) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!imap_set_parse(&r->args, &set_out->set)) {
        mail_run_bad(r);
        mail_set_free(set_out);
        return false;
    }
    if (set_out->set.saved)
        return take_saved(s, r, set_out);
    largest = r->uid ? mail_view_largest(&s->view) : s->view.exists;
    imap_set_resolve(&set_out->set, largest);
    if (r->uid || set_out->set.count == 0 ||
        set_out->set.ranges[set_out->set.count - 1].high <= s->view.exists)
        return true;
    mail_run_end(r, MAIL_BAD, NULL, "no such message");
    mail_set_free(set_out);
    return false;
}

void mail_set_free(struct mail_set *set)
{
    free(set->set.ranges);
    set->set.ranges = NULL;
}

void mail_set_rewind(struct mail_set *set)
{
    set->slot = set->number = 0;
}

/* Over what is not asked for, where nothing is gone in between. */
static void skip(const struct mail_view *v, struct mail_set *set)
{
    const struct mail_box *box = v->box;
    uint32_t next, slot;

    if (set->slot >= v->slots)
        return;
    next = imap_set_next(&set->set, set->uid ? box->messages[set->slot].uid : set->number + 1);
    if (next == 0) {
        set->slot = v->slots;
        return;
    }
    slot = set->uid ? mail_box_slot(box, next) : set->slot + (next - set->number - 1);
    if (slot > box->first_gone)
        slot = box->first_gone;
    if (slot > set->slot) {
        set->number += slot - set->slot;
        set->slot = slot;
    }
}

bool mail_set_next(const struct mail_view *v, struct mail_set *set, uint32_t *slot_out)
{
    if (set->set.count == 0)
        return false;
    skip(v, set);
    while (set->slot < v->slots) {
        uint32_t slot = set->slot++;

        if (!mail_view_has(v, slot))
            continue;
        set->number++;
        if (v->box->messages[slot].modseq > set->since &&
            imap_set_contains(&set->set, set->uid ? v->box->messages[slot].uid : set->number)) {
            *slot_out = slot;
            return true;
        }
    }
    return false;
}
