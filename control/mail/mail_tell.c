/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_tell.h"

enum { TOLD_STEP = 4096 }; /* numbers of a piece */

static uint32_t number_of(const struct mail_run *r, const struct mail_match *match,
                          const struct mail_found *f)
{
    return r->uid ? match->session->view.box->messages[f->slot].uid : f->number;
}

static uint64_t modseq_of(const struct mail_match *match, const struct mail_found *f)
{
    return match->session->view.box->messages[f->slot].modseq;
}

/* Of MIN and MAX alone that of those messages, else of all that were found (RFC 4731 section 3.2,
 * RFC 7162 section 3.1.10). */
static uint64_t highest(const struct mail_match *match, const struct mail_found *found)
{
    unsigned all = IMAP_RETURN_ALL | IMAP_RETURN_COUNT, wanted = match->program.wanted;
    uint64_t modseq = 0;

    if (!mail_match_modseq(match))
        return 0;
    for (uint32_t i = 0; i < match->count; i++) {
        bool told = !match->program.extended || wanted & all ||
                    (i == 0 && wanted & IMAP_RETURN_MIN) ||
                    (i == match->count - 1 && wanted & IMAP_RETURN_MAX);

        if (told && modseq_of(match, &found[i]) > modseq)
            modseq = modseq_of(match, &found[i]);
    }
    return modseq;
}

static struct imap_esearch answer_of(const struct mail_tell *t, const struct mail_run *r,
                                     const struct mail_match *match, const struct mail_found *found)
{
    struct imap_esearch a = {
        .wanted = match->program.wanted, .uid = r->uid, .count = match->count, .modseq = t->modseq};

    if (a.count) {
        a.min = number_of(r, match, &found[0]);
        a.max = number_of(r, match, &found[a.count - 1]);
    }
    return a;
}

static bool put_head(const struct mail_tell *t, struct mail_run *r, const struct mail_match *match,
                     const char *name, const struct mail_found *found)
{
    struct imap_esearch answer = answer_of(t, r, match, found);

    if (match->program.extended)
        return imap_esearch_put(&r->text.w, r->tag, &answer);
    writer_text(&r->text.w, "* ");
    writer_text(&r->text.w, name);
    return true;
}

static void put_numbers(struct mail_run *r, const struct mail_match *match,
                        struct imap_set_writer *set, const struct mail_found *found, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = number_of(r, match, &found[i]);

        if (match->program.extended) {
            imap_set_writer_put(set, number);
        } else {
            writer_byte(&r->text.w, ' ');
            writer_number(&r->text.w, number);
        }
    }
}

/* search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"          ; RFC 7162 section 7 */
static void put_end(struct mail_tell *t, struct mail_run *r, const struct mail_match *match,
                    const struct mail_found *found)
{
    struct imap_esearch answer = answer_of(t, r, match, found);

    if (match->program.extended) {
        imap_set_writer_end(&t->set);
        imap_esearch_end(&r->text.w, &answer);
        return;
    }
    if (t->modseq)
        writer_printf(&r->text.w, " (MODSEQ %llu)", (unsigned long long)t->modseq);
    writer_text(&r->text.w, "\r\n");
}

enum mail_step mail_tell_step(struct mail_tell *t, struct mail_run *r,
                              const struct mail_match *match, const char *name,
                              const struct mail_found *found)
{
    struct mail_tell next;
    uint32_t count;
    size_t mark;

    if (match->program.extended && match->program.wanted == IMAP_RETURN_SAVE)
        return mail_run_ok(r);
    if (t->begun && t->told == match->count)
        return mail_run_ok(r);
    do {
        mark = mail_text_mark(&r->text);
        next = *t;
        next.set.out = &r->text.w;
        if (!t->begun) {
            next.modseq = highest(match, found);
            next.lists = put_head(&next, r, match, name, found);
        }
        count = match->count - t->told;
        if (next.lists && count > TOLD_STEP)
            count = TOLD_STEP;
        if (next.lists)
            put_numbers(r, match, &next.set, found + t->told, count);
        next.told += count;
        next.begun = true;
        if (next.told == match->count)
            put_end(&next, r, match, found);
    } while (!mail_text_fits(&r->text, mark));
    *t = next;
    return MAIL_STEP_AGAIN;
}
