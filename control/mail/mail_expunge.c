/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_set.h"
#include "control/mail/mail_verb.h"

/* EXPUNGE and UID EXPUNGE (RFC 9051 section 6.4.3, 6.4.9), CLOSE (section 6.4.1). */

enum { PIECE = 1000 }; /* messages of one change of the store */

/* One under way. */
struct expunging {
    struct mail_set set; /* of UID EXPUNGE */
    uint32_t slot;       /* the next one to look at */
    uint32_t uids[PIECE];
};

void mail_expunge_end(struct mail_run *r)
{
    struct expunging *e = r->state;

    if (e)
        mail_set_free(&e->set);
    free(e);
}

/* The next of what has \Deleted, of the set or of all. */
static uint32_t collect(const struct imap_session *s, struct expunging *e, bool all)
{
    const struct mail_box *box = s->view.box;
    uint32_t count = 0;

    for (; e->slot < s->view.slots && count < PIECE; e->slot++) {
        const struct mail_message *m = &box->messages[e->slot];

        if (!m->gone && m->flags & STORE_FLAG_DELETED &&
            (all || imap_set_contains(&e->set.set, m->uid)))
            e->uids[count++] = m->uid;
    }
    return count;
}

/* Removes a piece. False: there is more, and others get their turn. */
static bool expunge(struct imap_session *s, struct mail_run *r, bool all,
                    enum store_status *status_out)
{
    struct expunging *e = r->state;
    struct store_expunge x = {.mailbox = s->view.box->id,
                              .uids = e->uids,
                              .count = collect(s, e, all)};
    struct store_change change = {.kind = STORE_EXPUNGE, .expunge = &x};

    *status_out = STORE_OK;
    if (x.count == 0)
        return true;
    s->view.box->news = true;
    store_apply(mail_service_store(s->service), &change, 1);
    *status_out = change.status_out;
    r->highest = r->highest || (change.status_out == STORE_OK && x.gone_out);
    return change.status_out != STORE_OK || e->slot == s->view.slots;
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct expunging *e = calloc(1, sizeof(*e));

    r->state = e;
    if (!e) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (r->uid && !mail_set_read(s, r, &e->set))
        return false;
    if (r->uid ? !imap_cursor_done(&r->args) : r->spaced) {
        mail_run_bad(r);
        return false;
    }
    return true;
}

enum mail_step mail_expunge(struct imap_session *s, struct mail_run *r)
{
    enum store_status status;

    if (!r->state && !begin(s, r))
        return MAIL_STEP_OVER;
    if (s->read_only)
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "the mailbox is read-only");
    return expunge(s, r, !r->uid, &status) ? mail_run_failed(r, status) : MAIL_STEP_YIELD;
}

enum mail_step mail_close(struct imap_session *s, struct mail_run *r)
{
    enum store_status status = STORE_OK;

    if (!r->state && !begin(s, r))
        return MAIL_STEP_OVER;
    if (!s->read_only && !expunge(s, r, true, &status))
        return MAIL_STEP_YIELD;
    mail_service_tell(s->service, s->view.box);
    mail_service_unselect(s);
    return mail_run_failed(r, status);
}
