/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_resync.h"

#include <stdlib.h>

#include "control/mail/mail_vanished.h"

struct mail_resync {
    struct imap_select wanted;
    struct mail_vanished vanished;
    uint32_t slot, number; /* of the message behind those that were told */
    bool known;            /* the mailbox is the one that the client knew */
    struct imap_range ranges[];
};

struct mail_resync *mail_resync_read(struct imap_session *s, struct mail_run *r)
{
    /* A range takes an octet and a comma at least. */
    uint32_t cap = (uint32_t)(r->args.end - r->args.at) / 2 + 1;
    struct mail_resync *resync = calloc(1, sizeof(*resync) + cap * sizeof(*resync->ranges));

    if (!resync) {
        mail_run_failed(r, STORE_FAILED);
        return NULL;
    }
    if (imap_select_parse(&r->args, resync->ranges, cap, &resync->wanted) &&
        (s->qresync || !resync->wanted.qresync))
        return resync;
    mail_run_bad(r);
    mail_resync_free(resync);
    return NULL;
}

void mail_resync_free(struct mail_resync *resync)
{
    if (resync)
        mail_vanished_free(&resync->vanished);
    free(resync);
}

const struct imap_select *mail_resync_wanted(const struct mail_resync *resync)
{
    return &resync->wanted;
}

/*
 * The highest UID of which the client's number is ours too: then as many messages are in front of
 * it as the client knows there, so all of those are the same (section 3.2.5.2).
 */
static uint32_t matched(const struct mail_view *v, const struct imap_select *wanted)
{
    struct imap_select_pair pair = {0};
    uint32_t slot = 0, number = 0, uid = 0;

    if (!wanted->matched)
        return 0;
    while (imap_select_pair(wanted, &pair) && pair.number <= v->exists) {
        for (; slot < v->slots && number < pair.number; slot++)
            number += mail_view_has(v, slot);
        if (number == pair.number && v->box->messages[slot - 1].uid == pair.uid)
            uid = pair.uid;
    }
    return uid;
}

enum store_status mail_resync_begin(struct imap_session *s, struct mail_resync *resync)
{
    const struct imap_select *wanted = &resync->wanted;

    resync->known = wanted->qresync && wanted->uid_validity == s->view.box->uid_validity;
    if (!resync->known)
        return STORE_OK;
    return mail_vanished_read(s, wanted->modseq, wanted->known ? &wanted->uids : NULL,
                              matched(&s->view, wanted), &resync->vanished);
}

/* A message that is there, that the client knows or may know, and that has changed. */
static bool is_changed(const struct imap_select *wanted, const struct mail_message *m)
{
    return m->modseq > wanted->modseq &&
           (!wanted->known || imap_set_contains(&wanted->uids, m->uid));
}

bool mail_resync_put(struct imap_session *s, struct mail_run *r, struct mail_resync *resync)
{
    const struct mail_view *v = &s->view;

    if (!resync->known)
        return false;
    while (r->text.w.len < MAIL_TEXT_FIRST)
        if (!mail_vanished_put(s, &resync->vanished, &r->text))
            break;
    for (; r->text.w.len < MAIL_TEXT_FIRST; resync->slot++) {
        if (resync->slot == v->slots)
            return false;
        if (!mail_view_has(v, resync->slot))
            continue;
        resync->number++;
        if (is_changed(&resync->wanted, &v->box->messages[resync->slot]))
            mail_news_message(s, &r->text, resync->number, resync->slot,
                              MAIL_TOLD_UID | MAIL_TOLD_FLAGS | MAIL_TOLD_MODSEQ);
    }
    return true;
}
