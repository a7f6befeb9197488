/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_set.h"
#include "control/mail/mail_verb.h"

/* EXPUNGE and UID EXPUNGE (RFC 9051 section 6.4.3, 6.4.9), CLOSE (section 6.4.1). */

/* Removes what has \Deleted, of `set` or of all. */
static enum store_status expunge(struct imap_session *s, struct mail_run *r, struct mail_set *set)
{
    struct store *store = mail_service_store(s->service);
    const struct mail_box *box = s->view.box;
    struct store_expunge e = {.mailbox = box->id};
    struct store_change change = {.kind = STORE_EXPUNGE, .expunge = &e};
    uint32_t *uids = malloc((box->count + 1) * sizeof(*uids));
    enum store_status status = STORE_OK;
    uint32_t count = 0;

    if (!uids)
        return STORE_FAILED;
    for (uint32_t slot = 0; slot < s->view.slots; slot++) {
        const struct mail_message *m = &box->messages[slot];

        if (!m->gone && m->flags & STORE_FLAG_DELETED &&
            (!set || imap_set_contains(&set->set, m->uid)))
            uids[count++] = m->uid;
    }
    for (uint32_t at = 0; at < count && status == STORE_OK; at += e.count) {
        e.uids = uids + at;
        e.count = count - at < STORE_UIDS ? count - at : STORE_UIDS;
        store_apply(store, &change, 1);
        status = change.status_out;
        r->highest = r->highest || (status == STORE_OK && e.gone_out);
    }
    free(uids);
    if (count)
        s->view.box->news = true;
    return status;
}

enum mail_step mail_expunge(struct imap_session *s, struct mail_run *r)
{
    struct mail_set set = {0};
    enum store_status status;

    if (r->uid && !mail_set_read(s, r, &set))
        return MAIL_STEP_OVER;
    if (r->uid ? !imap_cursor_done(&r->args) : r->spaced) {
        mail_set_free(&set);
        return mail_run_bad(r);
    }
    if (s->read_only) {
        mail_set_free(&set);
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "the mailbox is read-only");
    }
    status = expunge(s, r, r->uid ? &set : NULL);
    mail_set_free(&set);
    return mail_run_failed(r, status);
}

enum mail_step mail_close(struct imap_session *s, struct mail_run *r)
{
    enum store_status status = STORE_OK;

    if (r->spaced)
        return mail_run_bad(r);
    if (!s->read_only)
        status = expunge(s, r, NULL);
    mail_service_tell(s->service, s->view.box);
    mail_service_unselect(s);
    return mail_run_failed(r, status);
}
