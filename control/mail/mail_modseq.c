/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_modseq.h"

#include <stdio.h>

uint64_t mail_modseq_highest(const struct imap_session *s)
{
    const struct mail_view *v = &s->view;
    const struct mail_box *box = v->box;
    uint64_t highest = box->read_to;

    if (v->losses == box->losses)
        return highest;
    for (uint32_t slot = box->first_gone; slot < v->slots; slot++) {
        const struct mail_message *m = &box->messages[slot];

        if (m->gone > v->losses && m->modseq <= highest)
            highest = m->modseq - 1;
    }
    return highest;
}

static void put_highest(struct imap_session *s, struct mail_text *t)
{
    size_t mark;

    do {
        mark = mail_text_mark(t);
        writer_text(&t->w, "* OK [HIGHESTMODSEQ ");
        writer_number(&t->w, mail_modseq_highest(s));
        writer_text(&t->w, "] changes are known up to here\r\n");
    } while (!mail_text_fits(t, mark));
}

void mail_modseq_enable(struct imap_session *s, struct mail_text *t)
{
    if (s->condstore)
        return;
    s->condstore = true;
    if (s->view.box)
        put_highest(s, t);
}

void mail_modseq_put(struct imap_session *s, struct writer *w, const struct mail_message *m)
{
    writer_text(w, "MODSEQ (");
    writer_number(w, m->modseq);
    writer_byte(w, ')');
    if (m->modseq > s->run->modseq)
        s->run->modseq = m->modseq;
}

void mail_modseq_finish(struct imap_session *s, struct mail_run *r)
{
    uint64_t highest;

    if (!s->condstore || !s->view.box || s->view.box->deleted)
        return;
    if (!r->highest && (!s->qresync || r->modseq == 0))
        return;
    highest = mail_modseq_highest(s);
    if (!r->highest && r->modseq <= highest)
        return;
    if (r->code || !r->tag.data || r->outcome != MAIL_OK) {
        put_highest(s, &r->text);
        return;
    }
    snprintf(r->code_text, sizeof(r->code_text), "[HIGHESTMODSEQ %llu]",
             (unsigned long long)highest);
    r->code = r->code_text;
}
