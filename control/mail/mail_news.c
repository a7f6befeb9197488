/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_flag.h"
#include "control/mail/mail_modseq.h"
#include "proto/imap/imap_set.h"

/* What a session has not been told of its mailbox: EXPUNGE or VANISHED, EXISTS, FETCH with FLAGS.
 */

static void put_number(struct mail_text *t, uint32_t number, const char *what)
{
    size_t mark;

    do {
        mark = mail_text_mark(t);
        writer_printf(&t->w, "* %u %s\r\n", number, what);
    } while (!mail_text_fits(t, mark));
}

void mail_news_message(struct imap_session *s, struct mail_text *t, uint32_t number, uint32_t slot,
                       unsigned told)
{
    const struct mail_message *m = &s->view.box->messages[slot];
    size_t mark;

    do {
        const char *between = "";

        mark = mail_text_mark(t);
        writer_printf(&t->w, "* %u FETCH (", number);
        if (told & MAIL_TOLD_UID) {
            writer_printf(&t->w, "UID %u", m->uid);
            between = " ";
        }
        if (told & MAIL_TOLD_FLAGS) {
            writer_printf(&t->w, "%sFLAGS ", between);
            mail_flag_put(&t->w, s, m);
            between = " ";
        }
        if (told & MAIL_TOLD_MODSEQ && s->condstore) {
            writer_text(&t->w, between);
            mail_modseq_put(s, &t->w, m);
        }
        writer_text(&t->w, ")\r\n");
    } while (!mail_text_fits(t, mark));
}

/* Each EXPUNGE lowers the numbers behind it, so they go from the front. */
static void put_losses(struct imap_session *s, struct mail_text *t)
{
    struct mail_view *v = &s->view;
    struct mail_box *box = v->box;
    uint32_t number = box->first_gone < v->slots ? box->first_gone : v->slots;

    for (uint32_t slot = number; slot < v->slots; slot++) {
        if (!mail_view_has(v, slot))
            continue;
        if (box->messages[slot].gone)
            put_number(t, number + 1, "EXPUNGE");
        else
            number++;
    }
    v->losses = box->losses;
    v->exists = number;
}

enum { VANISHED = 2048 }; /* octets of one response, about */

/* By their UIDs, several in one response (RFC 7162 section 3.2.10.2). */
static void put_vanished(struct imap_session *s, struct mail_text *t)
{
    struct mail_view *v = &s->view;
    struct mail_box *box = v->box;
    uint32_t slot = box->first_gone < v->slots ? box->first_gone : v->slots;

    while (slot < v->slots) {
        struct imap_set_writer set = imap_set_writer_of(&t->w);
        size_t mark = mail_text_mark(t);
        uint32_t from = slot, told = 0;

        writer_text(&t->w, "* VANISHED ");
        for (; slot < v->slots && t->w.len - mark < VANISHED; slot++) {
            if (!mail_view_has(v, slot) || !box->messages[slot].gone)
                continue;
            imap_set_writer_put(&set, box->messages[slot].uid);
            told++;
        }
        imap_set_writer_end(&set);
        writer_text(&t->w, "\r\n");
        if (told == 0 && !t->w.full)
            t->w.len = mark;
        if (!mail_text_fits(t, mark))
            slot = from;
        else
            v->exists -= told;
    }
    v->losses = box->losses;
    s->run->highest = true;
}

/* What came and is gone again is never told. */
static void put_arrivals(struct imap_session *s, struct mail_text *t)
{
    struct mail_view *v = &s->view;
    uint32_t before = v->exists;

    for (; v->slots < v->box->count; v->slots++)
        v->exists += mail_view_has(
            &(struct mail_view){.box = v->box, .slots = v->box->count, .losses = v->losses},
            v->slots);
    mail_view_claim(v);
    if (v->exists == before)
        return;
    put_number(t, v->exists, "EXISTS");
    if (!s->rev2)
        put_number(t, mail_view_recents(v), "RECENT");
}

static void put_flags(struct imap_session *s, struct mail_text *t)
{
    struct mail_view *v = &s->view;
    uint32_t number = 0;

    if (v->box->changed > v->modseq)
        for (uint32_t slot = 0; slot < v->slots; slot++) {
            if (!mail_view_has(v, slot))
                continue;
            number++;
            if (v->box->messages[slot].modseq > v->modseq && !v->box->messages[slot].gone)
                mail_news_message(s, t, number, slot,
                                  MAIL_TOLD_UID | MAIL_TOLD_FLAGS | MAIL_TOLD_MODSEQ);
        }
    v->modseq = v->box->modseq;
}

void mail_news_put(struct imap_session *s, struct mail_text *t, enum mail_news which)
{
    struct mail_box *box = s->view.box;

    if (!box || which == MAIL_NEWS_NONE)
        return;
    mail_service_look(s->service);
    /* What was lost before the last change of ours is to be known before that one's MODSEQ is. */
    if (box->news || (s->qresync && box->modseq > box->read_to))
        mail_box_refresh(mail_service_store(s->service), box);
    if (which == MAIL_NEWS_ALL && s->view.losses != box->losses) {
        if (s->qresync)
            put_vanished(s, t);
        else
            put_losses(s, t);
    }
    put_flags(s, t);
    if (s->view.slots != box->count)
        put_arrivals(s, t);
    mail_box_settle(box);
}
