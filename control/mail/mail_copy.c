/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_name.h"
#include "control/mail/mail_set.h"
#include "control/mail/mail_verb.h"

/* COPY (RFC 9051 section 6.4.7) and MOVE (section 6.4.8). */

static uint32_t collect(struct imap_session *s, struct mail_set *set, uint32_t *uids)
{
    uint32_t count = 0, slot;

    while (mail_set_next(&s->view, set, &slot))
        if (!s->view.box->messages[slot].gone)
            uids[count++] = s->view.box->messages[slot].uid;
    return count;
}

/*
 * resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set              ; RFC 4315 section 4
 */
static void put_code(struct writer *w, uint32_t validity, const struct store_copy *c)
{
    const uint32_t *sets[] = {c->uids, c->uids_out};

    writer_printf(w, "[COPYUID %u", validity);
    for (size_t which = 0; which < 2; which++) {
        struct imap_set_writer set = imap_set_writer_of(w);

        writer_byte(w, ' ');
        for (uint32_t i = 0; i < c->count; i++)
            if (c->uids_out[i])
                imap_set_writer_put(&set, sets[which][i]);
        imap_set_writer_end(&set);
    }
    writer_byte(w, ']');
}

/* Of a MOVE it comes before the EXPUNGEs (RFC 6851 section 4.3), of a COPY with the tagged
 * response. */
static void tell_uids(struct mail_run *r, uint32_t validity, const struct store_copy *c)
{
    struct mail_text code = {0}, *t = c->move ? &r->text : &code;
    size_t mark;

    do {
        mark = mail_text_mark(t);
        writer_text(&t->w, c->move ? "* OK " : "");
        put_code(&t->w, validity, c);
        if (c->move)
            writer_text(&t->w, " moved\r\n");
        else
            writer_byte(&t->w, 0);
    } while (!mail_text_fits(t, mark));
    if (code.failed)
        mail_text_free(&code);
    r->state = code.w.data;
}

static bool any(const struct store_copy *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->uids_out[i])
            return true;
    return false;
}

static enum store_status copy(struct imap_session *s, struct mail_run *r, struct mail_set *set,
                              uint64_t to, bool move)
{
    struct store *store = mail_service_store(s->service);
    uint32_t *uids = malloc(2 * ((size_t)s->view.exists + 1) * sizeof(*uids));
    struct store_copy c = {.from = s->view.box->id, .to = to, .move = move};
    struct store_change change = {.kind = STORE_COPY, .copy = &c};
    enum store_status status = STORE_OK;

    if (!uids)
        return STORE_FAILED;
    c.uids = uids;
    c.count = collect(s, set, uids);
    c.uids_out = uids + c.count;
    /* All or none (RFC 9051 section 6.4.7): so no more than one change can have. */
    if (c.count > STORE_UIDS)
        status = STORE_LIMIT;
    else if (c.count) {
        store_apply(store, &change, 1);
        status = change.status_out;
    }
    if (status == STORE_OK && c.count && any(&c)) {
        tell_uids(r, mail_uid_validity(store, to), &c);
        r->highest = move;
    }
    free(uids);
    return status;
}

static enum mail_step run(struct imap_session *s, struct mail_run *r, bool move)
{
    struct mail_name name;
    enum mail_step step = MAIL_STEP_OVER;
    struct mail_set set;
    uint64_t to;

    if (!mail_set_read(s, r, &set))
        return MAIL_STEP_OVER;
    imap_cursor_space(&r->args);
    if (mail_name_read(s, r, &name)) {
        if (!imap_cursor_done(&r->args))
            step = mail_run_bad(r);
        else if (move && s->read_only)
            step = mail_run_end(r, MAIL_NO, "[CANNOT]", "the mailbox is read-only");
        else if (mail_name_quarantine(&name))
            step = mail_run_end(r, MAIL_NO, "[CANNOT]", "nothing is put into the quarantine");
        else if (mail_name_find(s, r, &name, "[TRYCREATE]", &to))
            step = mail_run_failed(r, copy(s, r, &set, to, move));
        if (r->state && r->outcome == MAIL_OK)
            r->code = r->state;
    }
    mail_set_free(&set);
    return step;
}

enum mail_step mail_copy(struct imap_session *s, struct mail_run *r)
{
    return run(s, r, false);
}

enum mail_step mail_move(struct imap_session *s, struct mail_run *r)
{
    return run(s, r, true);
}
