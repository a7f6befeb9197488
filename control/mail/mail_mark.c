/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_mark.h"

#include <stdlib.h>

#include "control/mail/mail_flag.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"

/* STORE (RFC 9051 section 6.4.6): new flags of messages, one change of the store for all of them.
 */

/* ---- keywords ---- */

static bool is_named(const struct imap_flags *flags, struct span word)
{
    for (uint8_t i = 0; i < flags->keyword_count; i++)
        if (span_equal_nocase(flags->keywords[i], word))
            return true;
    return false;
}

/* The keywords of a message after the change, to the end of `w`. */
static struct span change_words(struct span before, const struct imap_store *c, struct writer *w)
{
    size_t start = w->len;

    if (c->action != IMAP_STORE_REPLACE) {
        struct cursor words = cursor_of(before);
        struct span word;

        while (mail_words_next(&words, &word))
            if (c->action == IMAP_STORE_ADD || !is_named(&c->flags, word))
                writer_blob(w, word);
    }
    if (c->action != IMAP_STORE_REMOVE)
        for (uint8_t i = 0; i < c->flags.keyword_count; i++)
            if (c->action == IMAP_STORE_REPLACE || !mail_words_has(before, c->flags.keywords[i]))
                writer_blob(w, c->flags.keywords[i]);
    return span_skip(writer_span(w), start);
}

static uint32_t change_flags(uint32_t before, const struct imap_store *c)
{
    uint32_t named = mail_flag_stored(c->flags.system);

    switch (c->action) {
    case IMAP_STORE_REPLACE:
        return named;
    case IMAP_STORE_ADD:
        return before | named;
    case IMAP_STORE_REMOVE:
        break;
    }
    return before & ~named;
}

/* ---- the change ---- */

enum { WORDS_ROOM = 8192 }; /* octets of the keywords of one message, at most */

/* The change of `count` messages at `slots`, of which `rows` has room for all. */
static enum store_status apply(struct imap_session *s, struct store_mark_row *rows,
                               const uint32_t *slots, uint32_t count)
{
    struct store *store = mail_service_store(s->service);
    struct mail_box *box = s->view.box;
    struct store_mark mark = {.mailbox = box->id, .rows = rows, .count = count};
    struct store_change change = {.kind = STORE_MARK, .mark = &mark};

    store_apply(store, &change, 1);
    if (change.status_out != STORE_OK)
        return change.status_out;
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].gone_out)
            continue;
        mail_box_mark(box, slots[i], rows[i].flags, mail_box_words(box, rows[i].keywords),
                      mark.modseq_out);
    }
    return STORE_OK;
}

enum store_status mail_mark(struct imap_session *s, struct mail_set *set,
                            const struct imap_store *c)
{
    const struct mail_box *box = s->view.box;
    struct store_mark_row *rows = malloc((s->view.exists + 1) * sizeof(*rows));
    uint32_t *slots = malloc((s->view.exists + 1) * sizeof(*slots));
    uint8_t *text = malloc(WORDS_ROOM);
    enum store_status status = rows && slots && text ? STORE_OK : STORE_FAILED;
    struct writer w = writer_of(text, WORDS_ROOM);
    uint32_t count = 0, slot;

    mail_set_rewind(set);
    while (status == STORE_OK && mail_set_next(&s->view, set, &slot)) {
        const struct mail_message *m = &box->messages[slot];
        uint32_t flags = change_flags(m->flags, c), words;

        w.len = 0;
        words =
            mail_box_words(s->view.box, change_words(mail_box_keywords(box, m->keywords), c, &w));
        if (w.full || words == UINT32_MAX)
            status = STORE_LIMIT;
        if (status != STORE_OK || m->gone || (flags == m->flags && words == m->keywords))
            continue;
        slots[count] = slot;
        rows[count++] = (struct store_mark_row){
            .uid = m->uid, .flags = flags, .keywords = mail_box_keywords(box, words)};
    }
    for (uint32_t at = 0, n; at < count && status == STORE_OK; at += n) {
        n = count - at < STORE_UIDS ? count - at : STORE_UIDS;
        status = apply(s, rows + at, slots + at, n);
    }
    free(rows);
    free(slots);
    free(text);
    return status;
}

/* ---- the command ---- */

struct marking {
    struct mail_set set;
    struct imap_store change;
};

void mail_store_end(struct mail_run *r)
{
    struct marking *m = r->state;

    if (m)
        mail_set_free(&m->set);
    free(m);
}

/* What the change made of each message, a piece at a time; the session needs no news of it then. */
static enum mail_step put_changed(struct imap_session *s, struct mail_run *r, struct marking *m)
{
    uint32_t slot;

    while (r->text.w.len < MAIL_TEXT_FIRST) {
        if (!mail_set_next(&s->view, &m->set, &slot))
            return mail_run_ok(r);
        if (!s->view.box->messages[slot].gone)
            mail_news_flags(s, &r->text, m->set.number, slot, r->uid);
    }
    return MAIL_STEP_AGAIN;
}

/* The arguments. False: the run is answered. */
static bool read_marking(struct imap_session *s, struct mail_run *r, struct marking *m)
{
    if (!mail_set_read(s, r, &m->set))
        return false;
    imap_cursor_space(&r->args);
    if (!imap_store_parse(&r->args, &m->change) || m->change.flags.unknown || m->change.unchanged)
        mail_run_bad(r);
    else if (s->read_only)
        mail_run_end(r, MAIL_NO, "[CANNOT]", "the mailbox is read-only");
    else if (m->change.flags.too_many)
        mail_run_end(r, MAIL_NO, "[LIMIT]", "too many keywords");
    else
        return true;
    return false;
}

enum mail_step mail_store(struct imap_session *s, struct mail_run *r)
{
    struct marking *m = r->state;
    enum store_status status;
    uint64_t told;

    if (m)
        return put_changed(s, r, m);
    m = calloc(1, sizeof(*m));
    r->state = m;
    if (!m)
        return mail_run_failed(r, STORE_FAILED);
    if (!read_marking(s, r, m))
        return MAIL_STEP_OVER;
    told = s->view.box->changed;
    status = mail_mark(s, &m->set, &m->change);
    /* What others changed before is still news. */
    if (told <= s->view.modseq)
        s->view.modseq = s->view.box->modseq;
    if (status != STORE_OK || m->change.silent)
        return mail_run_failed(r, status);
    mail_set_rewind(&m->set);
    return put_changed(s, r, m);
}
