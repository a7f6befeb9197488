/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_status.h"

#include <stdlib.h>

#include "control/mail/mail_modseq.h"
#include "control/mail/mail_name.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_status.h"

enum {
    PIECE = 4096, /* messages in one turn */
    AGAIN = 3,    /* times that counting begins anew because of what changed meanwhile */
};

#define WANTS(st, NAME) (((st)->wanted & 1u << IMAP_STATUS_##NAME) != 0)

static bool wants_counts(const struct mail_status *st)
{
    return WANTS(st, UNSEEN) || WANTS(st, DELETED) || WANTS(st, DELETED_STORAGE);
}

bool mail_status_may(const struct imap_session *s, uint32_t wanted)
{
    return !s->rev2 || !(wanted & 1u << IMAP_STATUS_RECENT);
}

void mail_status_init(struct mail_status *st, uint64_t mailbox, uint32_t wanted)
{
    *st = (struct mail_status){.mailbox = mailbox, .wanted = wanted};
}

/* ---- of a mailbox that is in memory ---- */

static void take_box(struct mail_status *st, const struct mail_box *box)
{
    st->now = (struct store_mailbox){.uid_validity = box->uid_validity,
                                     .uid_next = box->uid_next,
                                     .modseq = box->modseq,
                                     .messages = box->present,
                                     .octets = box->octets};
    st->counts = box->counts;
    st->recent = 0;
    for (uint32_t i = mail_box_slot(box, box->recent_from); i < box->count; i++)
        st->recent += box->messages[i].gone == 0;
    st->done = true;
}

/* ---- of another ---- */

static bool take_state(void *context, const struct store_mailbox *m)
{
    struct store_mailbox *now = context;

    *now = *m;
    now->name = now->keywords = span_of(NULL, 0);
    return true;
}

static bool count_entry(void *context, const struct store_entry *e)
{
    struct mail_status *st = context;

    /* What comes while we count is counted once the mailbox is looked at again. */
    if (st->left == 0 || e->uid >= st->now.uid_next)
        return false;
    st->left--;
    if (e->uid >= st->counts_from)
        mail_counts_add(&st->counts, e->flags, e->size);
    st->recent += e->uid >= st->recent_from;
    st->next = e->uid + 1;
    return true;
}

/* Where counting begins: behind what is known. */
static enum store_status begin(struct mail_service *service, struct mail_status *st)
{
    const struct mail_tally *known = mail_tallies_find(mail_service_tallies(service), st->mailbox);
    enum store_status status =
        store_mailbox_show(mail_service_store(service), st->mailbox, take_state, &st->now);

    st->begun = true;
    if (status != STORE_OK)
        return status;
    st->recent_from = WANTS(st, RECENT) ? mail_service_recent(service, st->mailbox) : UINT32_MAX;
    st->counts = (struct mail_counts){0};
    st->counts_from = wants_counts(st) ? 1 : UINT32_MAX;
    if (wants_counts(st) && known && mail_tally_goes_on(known, st->now.modseq, st->now.uid_next)) {
        st->counts = known->counts;
        st->counts_from = known->uid_next;
    }
    /* All of them, when nobody was told of any. */
    st->recent = st->recent_from <= 1 ? st->now.messages : 0;
    if (st->recent_from <= 1)
        st->recent_from = UINT32_MAX;
    st->next = st->recent_from < st->counts_from ? st->recent_from : st->counts_from;
    return STORE_OK;
}

/* Everything up to the UID that was the next one was counted: is that still so? */
static enum store_status settle(struct mail_service *service, struct mail_status *st)
{
    struct mail_tally tally = {.mailbox = st->mailbox,
                               .modseq = st->now.modseq,
                               .uid_next = st->now.uid_next,
                               .counts = st->counts};
    enum store_status status =
        store_mailbox_show(mail_service_store(service), st->mailbox, take_state, &st->now);

    if (status != STORE_OK)
        return status;
    if (!wants_counts(st)) {
        st->done = true;
        return STORE_OK;
    }
    if (!mail_tally_goes_on(&tally, st->now.modseq, st->now.uid_next)) {
        /* A mailbox that never rests is told as it was on the way. */
        st->done = ++st->again == AGAIN;
        st->begun = st->done;
        return STORE_OK;
    }
    mail_tallies_keep(mail_service_tallies(service), &tally);
    st->done = tally.modseq == st->now.modseq;
    return STORE_OK;
}

static enum store_status count(struct mail_service *service, struct mail_status *st)
{
    enum store_status status = STORE_OK;

    st->left = PIECE;
    while (status == STORE_OK && !st->done) {
        if (!st->begun)
            status = begin(service, st);
        if (status == STORE_OK && st->next < st->now.uid_next)
            status = store_entries_from(mail_service_store(service), st->mailbox, st->next,
                                        count_entry, st);
        if (status == STORE_OK && st->left == 0)
            return STORE_BUSY;
        if (status == STORE_OK)
            status = settle(service, st);
    }
    return status;
}

enum store_status mail_status_count(struct mail_service *service, struct mail_status *st)
{
    const struct mail_box *box;
    enum store_status status = STORE_OK;

    if (!st->begun) {
        status = mail_service_box(service, st->mailbox, &box);
        if (status == STORE_OK && box)
            take_box(st, box);
    }
    return status == STORE_OK && !st->done ? count(service, st) : status;
}

/* ---- what is told ---- */

static uint64_t value_of(const struct imap_session *s, const struct mail_status *st,
                         enum imap_status_item item)
{
    switch (item) {
    case IMAP_STATUS_MESSAGES:
        return st->now.messages;
    case IMAP_STATUS_RECENT:
        return st->recent;
    case IMAP_STATUS_UIDNEXT:
        return st->now.uid_next;
    case IMAP_STATUS_UIDVALIDITY:
        return st->now.uid_validity;
    case IMAP_STATUS_UNSEEN:
        return st->counts.unseen;
    case IMAP_STATUS_SIZE:
        return st->now.octets;
    case IMAP_STATUS_DELETED:
        return st->counts.deleted;
    case IMAP_STATUS_DELETED_STORAGE:
        return st->counts.deleted_octets;
    case IMAP_STATUS_APPENDLIMIT:
        return s->append_max;
    case IMAP_STATUS_HIGHESTMODSEQ:
        return st->now.modseq;
    case IMAP_STATUS_MAILBOXID:
    case IMAP_STATUS_ITEMS:
        break;
    }
    return 0;
}

static void put_value(struct writer *w, const struct imap_session *s, const struct mail_status *st,
                      enum imap_status_item item)
{
    if (item != IMAP_STATUS_MAILBOXID) {
        writer_number(w, value_of(s, st, item));
        return;
    }
    writer_byte(w, '(');
    mail_mailbox_put(w, st->mailbox);
    writer_byte(w, ')');
}

void mail_status_put(struct imap_session *s, struct mail_text *t, struct span name,
                     const struct mail_status *st)
{
    size_t mark;

    if (WANTS(st, HIGHESTMODSEQ))
        mail_modseq_enable(s, t);
    do {
        const char *between = "";

        mark = mail_text_mark(t);
        writer_text(&t->w, "* STATUS ");
        imap_name_put(&t->w, name, s->utf8);
        writer_text(&t->w, " (");
        for (unsigned item = 0; item < IMAP_STATUS_ITEMS; item++) {
            if (!(st->wanted & 1u << item))
                continue;
            writer_text(&t->w, between);
            writer_text(&t->w, imap_status_name((enum imap_status_item)item));
            writer_byte(&t->w, ' ');
            put_value(&t->w, s, st, (enum imap_status_item)item);
            between = " ";
        }
        writer_text(&t->w, ")\r\n");
    } while (!mail_text_fits(t, mark));
}

/* ---- the command ---- */

struct asked {
    struct mail_name name;
    struct mail_status status;
};

/* status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"; false: it is answered. */
static bool read_asked(struct imap_session *s, struct mail_run *r)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    uint64_t mailbox;
    uint32_t wanted;

    r->state = asked;
    if (!asked) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!mail_name_read(s, r, &asked->name))
        return false;
    imap_cursor_space(&r->args);
    wanted = imap_status_read(&r->args);
    if (!imap_cursor_done(&r->args) || !mail_status_may(s, wanted)) {
        mail_run_bad(r);
        return false;
    }
    if (!mail_name_find(s, r, &asked->name, "[NONEXISTENT]", &mailbox))
        return false;
    mail_status_init(&asked->status, mailbox, wanted);
    return true;
}

enum mail_step mail_status(struct imap_session *s, struct mail_run *r)
{
    enum store_status status;
    struct asked *asked;

    if (!r->state && !read_asked(s, r))
        return MAIL_STEP_OVER;
    asked = r->state;
    status = mail_status_count(s->service, &asked->status);
    if (status == STORE_BUSY)
        return MAIL_STEP_YIELD;
    if (status == STORE_OK)
        mail_status_put(s, &r->text, asked->name.text, &asked->status);
    return mail_run_failed(r, status);
}
