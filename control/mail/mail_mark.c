/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_mark.h"

#include <stdlib.h>

#include "control/mail/mail_flag.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"

/* STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3): new flags of messages, a thousand in one
 * change of the store. */

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

enum {
    PIECE = 1024,      /* messages of one change, */
    LOOKED_AT = 16384, /* of so many at most */
    WORDS_ROOM = 8192, /* octets of the keywords of one message, at most */
};

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

/* Rows of the next messages that change, in the order of the set. */
static enum store_status collect(struct imap_session *s, struct mail_marking *k,
                                 struct store_mark_row *rows, uint32_t *slots, uint32_t *count_out)
{
    const struct mail_box *box = s->view.box;
    uint8_t text[WORDS_ROOM];
    struct writer w = writer_of(text, sizeof(text));
    uint32_t count = 0, slot;

    for (uint32_t looked_at = 0; count < PIECE && looked_at < LOOKED_AT; looked_at++) {
        const struct mail_message *m;
        uint32_t flags, words;

        if (!mail_set_next(&s->view, k->set, &slot)) {
            k->over = true;
            break;
        }
        m = &box->messages[slot];
        if (k->modified && (m->gone || m->modseq > k->change->unchanged_since)) {
            k->modified->numbers[k->modified->count++] =
                k->modified->uid ? m->uid : k->set->number;
            continue;
        }
        flags = change_flags(m->flags, k->change);
        w.len = 0;
        words = mail_box_words(s->view.box,
                               change_words(mail_box_keywords(box, m->keywords), k->change, &w));
        if (w.full || words == UINT32_MAX)
            return STORE_LIMIT;
        if (m->gone || (flags == m->flags && words == m->keywords))
            continue;
        slots[count] = slot;
        rows[count++] = (struct store_mark_row){
            .uid = m->uid, .flags = flags, .keywords = mail_box_keywords(box, words)};
    }
    *count_out = count;
    return STORE_OK;
}

enum store_status mail_mark(struct imap_session *s, struct mail_marking *k)
{
    struct store_mark_row *rows = malloc(PIECE * sizeof(*rows));
    uint32_t *slots = malloc(PIECE * sizeof(*slots));
    enum store_status status = rows && slots ? STORE_OK : STORE_FAILED;
    bool told = s->view.box->changed <= s->view.modseq;
    uint32_t count = 0;

    if (status == STORE_OK)
        status = collect(s, k, rows, slots, &count);
    if (status == STORE_OK && count)
        status = apply(s, rows, slots, count);
    if (status == STORE_OK && count) {
        k->changed = true;
        /* What others changed before is still news. */
        if (told)
            s->view.modseq = s->view.box->modseq;
    }
    free(rows);
    free(slots);
    return status;
}

/* ---- the command ---- */

struct marking {
    struct mail_set set;
    struct imap_store change;
    struct mail_marking making;
    uint64_t told; /* flags that the session knew before */
    struct mail_modified modified;
    uint32_t modified_at;  /* the next of them */
    struct mail_text code; /* MODIFIED */
};

void mail_store_end(struct mail_run *r)
{
    struct marking *m = r->state;

    if (m) {
        mail_set_free(&m->set);
        free(m->modified.numbers);
        mail_text_free(&m->code);
    }
    free(m);
}

/* resp-text-code =/ "MODIFIED" SP sequence-set                          ; RFC 7162 section 7 */
static enum mail_step put_modified(struct mail_run *r, struct marking *m)
{
    const struct mail_modified *modified = &m->modified;
    size_t mark;

    if (modified->count == 0)
        return mail_run_ok(r);
    do {
        struct imap_set_writer set = imap_set_writer_of(&m->code.w);

        mark = mail_text_mark(&m->code);
        writer_text(&m->code.w, "[MODIFIED ");
        for (uint32_t i = 0; i < modified->count; i++)
            imap_set_writer_put(&set, modified->numbers[i]);
        imap_set_writer_end(&set);
        writer_text(&m->code.w, "]");
        writer_byte(&m->code.w, 0);
    } while (!mail_text_fits(&m->code, mark));
    if (m->code.failed)
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "too many have changed");
    return mail_run_end(r, MAIL_OK, (const char *)m->code.w.data, "some have changed before");
}

/* Whether the change was not made to a message; they are asked in the order of the set. */
static bool is_modified(struct marking *m, uint32_t number)
{
    const struct mail_modified *modified = &m->modified;

    if (m->modified_at == modified->count || modified->numbers[m->modified_at] != number)
        return false;
    m->modified_at++;
    return true;
}

/* What is told of a message that the change was made to; of one that had changed before, all. */
static unsigned told_of(const struct imap_session *s, const struct mail_run *r,
                        const struct marking *m, bool modified)
{
    unsigned told = s->condstore ? MAIL_TOLD_MODSEQ : 0;

    if (modified || !m->change.silent)
        told |= MAIL_TOLD_FLAGS;
    return told && (r->uid || s->qresync) ? told | MAIL_TOLD_UID : told;
}

/* What the change made of each message, a piece at a time; the session needs no news of it then. */
static enum mail_step put_changed(struct imap_session *s, struct mail_run *r, struct marking *m)
{
    uint32_t slot;

    while (r->text.w.len < MAIL_TEXT_FIRST) {
        const struct mail_message *message;
        unsigned told;

        if (!mail_set_next(&s->view, &m->set, &slot))
            return put_modified(r, m);
        message = &s->view.box->messages[slot];
        told = told_of(s, r, m, is_modified(m, r->uid ? message->uid : m->set.number));
        if (told && !message->gone)
            mail_news_message(s, &r->text, m->set.number, slot, told);
    }
    return MAIL_STEP_AGAIN;
}

/* The arguments. False: the run is answered. */
static bool read_marking(struct imap_session *s, struct mail_run *r, struct marking *m)
{
    if (!mail_set_read(s, r, &m->set))
        return false;
    imap_cursor_space(&r->args);
    if (!imap_store_parse(&r->args, &m->change) || m->change.flags.unknown)
        mail_run_bad(r);
    else if (s->read_only)
        mail_run_end(r, MAIL_NO, "[CANNOT]", "the mailbox is read-only");
    else if (m->change.flags.too_many)
        mail_run_end(r, MAIL_NO, "[LIMIT]", "too many keywords");
    else
        return true;
    return false;
}

/* Room for those that fail the test; their condition makes the session know of sequences. */
static bool begin_condition(struct imap_session *s, struct mail_run *r, struct marking *m)
{
    mail_modseq_enable(s, &r->text);
    m->modified.uid = r->uid;
    m->modified.numbers = malloc(((size_t)s->view.exists + 1) * sizeof(*m->modified.numbers));
    return m->modified.numbers != NULL;
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct marking *m = calloc(1, sizeof(*m));

    r->state = m;
    if (!m) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    if (!read_marking(s, r, m))
        return false;
    m->told = s->view.modseq;
    m->making = (struct mail_marking){
        .set = &m->set, .change = &m->change, .modified = m->change.unchanged ? &m->modified : NULL};
    if (!m->change.unchanged || begin_condition(s, r, m))
        return true;
    mail_run_failed(r, STORE_FAILED);
    return false;
}

enum mail_step mail_store(struct imap_session *s, struct mail_run *r)
{
    struct marking *m = r->state;
    enum store_status status;

    if (!m) {
        if (!begin(s, r))
            return MAIL_STEP_OVER;
        m = r->state;
    }
    if (m->making.over)
        return put_changed(s, r, m);
    status = mail_mark(s, &m->making);
    if (status != STORE_OK) {
        /* What was changed before is told as news. */
        s->view.modseq = m->told;
        return mail_run_failed(r, status);
    }
    if (!m->making.over)
        return MAIL_STEP_YIELD;
    mail_set_rewind(&m->set);
    return put_changed(s, r, m);
}
