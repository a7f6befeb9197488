/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_match.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_flag.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_saved.h"
#include "control/mail/mail_words.h"
#include "proto/charset/charset.h"
#include "proto/imap/imap_date.h"
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_tree.h"

enum {
    JUDGED_STEP = 4096,
    READ_STEP = 64,
    OCTETS_STEP = 1 << 20, /* that were looked through for a text; one message may be more */
    TEXTS_MAX = 64,        /* keys that look through messages: each does on its own */
};

void mail_match_fini(struct mail_match *m)
{
    if (m->reading)
        store_reading_close(m->store, m->reading);
    for (uint32_t i = 0; m->needles && i < m->program.count; i++)
        free(m->needles[i].text);
    free(m->needles);
    free(m->code);
    mail_candidates_fini(&m->candidates);
    free(m->program.nodes);
    free(m->program.ranges);
    free(m->found);
}

/* ---- one message ---- */

static const struct store_reading *reading_of(struct mail_match *m)
{
    const struct mail_box *box = m->session->view.box;

    if (!m->opened) {
        m->opened = true;
        m->reads++;
        if (store_reading_open(m->store, box->id, box->messages[m->slot].uid, &m->reading) !=
            STORE_OK)
            m->reading = NULL;
    }
    return m->reading;
}

static void close_reading(struct mail_match *m)
{
    if (m->reading)
        store_reading_close(m->store, m->reading);
    m->reading = NULL;
    m->opened = false;
}

/* The day in the Date field, which the part tree has. */
static void read_sent(struct mail_match *m, struct imap_search_facts *facts)
{
    const struct store_reading *reading = reading_of(m);
    struct mime_tree_read tree;
    struct mime_tree_part root;
    struct mime_date date;

    if (!reading || !mime_tree_read_init(&tree, reading->tree) ||
        mime_tree_read_next(&tree, &root) != MIME_TREE_NEXT ||
        !mime_date_parse(root.attributes[MIME_TREE_DATE], &date))
        return;
    facts->sent =
        imap_date_days(&(struct imap_date){.year = date.year, .month = date.month, .day = date.day},
                       &facts->sent_days);
}

static enum imap_search_result has_keyword(const struct mail_match *m, struct span name)
{
    const struct mail_box *box = m->session->view.box;
    struct span words = mail_box_keywords(box, box->messages[m->slot].keywords);

    return mail_words_has(words, name) ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

/* What cannot be read is not found in: one broken message does not end all searches. */
static enum imap_search_result grep(struct mail_match *m, const struct imap_search_node *node)
{
    struct mail_grep what = mail_candidates_text(node, &m->needles[node - m->program.nodes]);
    const struct mail_message *e = &m->session->view.box->messages[m->slot];
    enum imap_search_result known;
    bool found = false;

    /* Every text has nothing in it. */
    if (what.needle->len == 0 && what.where != MAIL_GREP_FIELD)
        return IMAP_SEARCH_YES;
    known = mail_candidates_has(&m->candidates, e->uid, what.needle);
    if (known != IMAP_SEARCH_UNKNOWN || !m->deep)
        return known;
    if (!reading_of(m))
        return IMAP_SEARCH_NO;
    m->octets += m->reading->size;
    (void)mail_grep(m->store, m->reading, &what, &found);
    return found ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

/* RFC 8474 section 5.4 */
static enum imap_search_result is_email(struct mail_match *m, struct span id)
{
    const struct mail_box *box = m->session->view.box;
    struct mail_email email;

    if (!m->deep)
        return IMAP_SEARCH_UNKNOWN;
    m->reads++;
    return mail_email_find(m->store, box->id, box->messages[m->slot].uid, &email) == STORE_OK &&
                   mail_email_is(&email, id)
               ? IMAP_SEARCH_YES
               : IMAP_SEARCH_NO;
}

static enum imap_search_result judge(void *context, const struct imap_search_node *node)
{
    struct mail_match *m = context;
    const struct mail_message *e = &m->session->view.box->messages[m->slot];
    struct imap_search_facts facts = {.sequence = m->number,
                                      .uid = e->uid,
                                      .flags = (uint8_t)mail_flag_wire(&m->session->view, e),
                                      .internal_date = (int64_t)(e->internal_ms / 1000),
                                      .saved = true,
                                      .save_date = (int64_t)(e->saved_ms / 1000),
                                      .size = e->size,
                                      .modseq = e->modseq,
                                      .now = m->now};

    switch ((enum imap_search_kind)node->kind) {
    case IMAP_SEARCH_KEYWORD:
        return has_keyword(m, node->text);
    case IMAP_SEARCH_HEADER:
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
        return grep(m, node);
    case IMAP_SEARCH_EMAILID:
        return is_email(m, node->text);
    case IMAP_SEARCH_THREADID: /* no message has one */
        return IMAP_SEARCH_NO;
    case IMAP_SEARCH_SENTBEFORE:
    case IMAP_SEARCH_SENTON:
    case IMAP_SEARCH_SENTSINCE:
        if (!m->deep)
            return IMAP_SEARCH_UNKNOWN;
        read_sent(m, &facts);
        break;
    default:
        break;
    }
    return imap_search_by_facts(node, &facts);
}

static bool matches(struct mail_match *m)
{
    enum imap_search_result result;

    m->deep = false;
    result = imap_search_judge(&m->program, judge, m);
    m->deep = true;
    if (result == IMAP_SEARCH_UNKNOWN)
        result = imap_search_judge(&m->program, judge, m);
    close_reading(m);
    return result == IMAP_SEARCH_YES;
}

/* ---- the program ---- */

static bool is_text(const struct imap_search_node *n)
{
    return n->kind == IMAP_SEARCH_HEADER || n->kind == IMAP_SEARCH_BODY ||
           n->kind == IMAP_SEARCH_TEXT;
}

static bool too_many_texts(const struct mail_match *m)
{
    uint32_t texts = 0;

    for (uint32_t i = 0; i < m->program.count; i++)
        texts += is_text(&m->program.nodes[i]);
    return texts > TEXTS_MAX;
}

/* Is it UTF-8 in any case? */
static bool is_plain(struct span charset)
{
    return !charset.data || span_equal_nocase(charset, span_text("UTF-8")) ||
           span_equal_nocase(charset, span_text("US-ASCII"));
}

/* A text of another charset. False: it has what is none of it, or there is no memory. */
static bool make_converted(struct span charset, struct span text, struct mail_needle *needle_out)
{
    /* An octet is a character of three octets at most, or a half of one of four. */
    size_t room = 4 * text.len + 16;
    struct writer w = writer_of(malloc(room), room);
    bool made = w.data && mime_charset_to_utf8(&charset_all, charset, text, &w) && !w.full &&
                !memmem(w.data, w.len, "\xef\xbf\xbd", 3) &&
                mail_needle_make(writer_span(&w), needle_out);

    free(w.data);
    return made;
}

/* What it looks for, as UTF-8 and as it is compared. False: not of that charset. */
static bool make_needles(struct mail_match *m)
{
    struct span charset = m->program.charset;
    struct mail_needle none;

    /* It is known also where there is no text of it. */
    if (!is_plain(charset)) {
        if (!make_converted(charset, span_text(""), &none))
            return false;
        free(none.text);
    }
    for (uint32_t i = 0; i < m->program.count; i++) {
        const struct imap_search_node *n = &m->program.nodes[i];

        if (is_text(n) && !(is_plain(charset) ? mail_needle_make(n->text, &m->needles[i])
                                              : make_converted(charset, n->text, &m->needles[i])))
            return false;
    }
    return true;
}

/* resp-text-code = "BADCHARSET" [SP "(" charset *(SP charset) ")" ] / ... */
static void refuse_charset(struct mail_match *m, struct mail_run *r)
{
    static const char format[] = "[BADCHARSET (%s)]";
    size_t room = sizeof(format) + strlen(charset_known);

    m->code = malloc(room);
    if (m->code)
        snprintf(m->code, room, format, charset_known);
    mail_match_refuse(m, r, m->code ? m->code : "[BADCHARSET]",
                      "texts of that charset are not searched for");
}

bool mail_match_init(struct mail_match *m, struct imap_session *s, struct mail_run *r)
{
    /* A node takes two octets at least, a range one and its comma. */
    uint32_t cap = (uint32_t)(r->args.end - r->args.at) / 2 + 4;

    *m = (struct mail_match){.session = s, .store = mail_service_store(s->service)};
    m->program = imap_search_of(calloc(cap, sizeof(*m->program.nodes)), cap,
                                calloc(cap, sizeof(*m->program.ranges)), cap);
    m->needles = calloc(cap, sizeof(*m->needles));
    m->found = malloc((s->view.exists + 1) * sizeof(*m->found));
    if (m->program.nodes && m->program.ranges && m->needles && m->found)
        return true;
    mail_run_failed(r, STORE_FAILED);
    return false;
}

enum mail_step mail_match_refuse(struct mail_match *m, struct mail_run *r, const char *code,
                                 const char *words)
{
    if (m->program.wanted & IMAP_RETURN_SAVE)
        mail_saved_clear(m->session);
    return mail_run_end(r, MAIL_NO, code, words);
}

/* RECENT, OLD, NEW */
static bool has_recent(const struct imap_search *program)
{
    for (uint32_t i = 0; i < program->count; i++)
        if (program->nodes[i].kind == IMAP_SEARCH_NEW ||
            (program->nodes[i].kind == IMAP_SEARCH_FLAG &&
             program->nodes[i].flag == IMAP_FLAG_RECENT))
            return true;
    return false;
}

bool mail_match_ready(struct mail_match *m, struct mail_run *r)
{
    struct imap_session *s = m->session;

    if (s->rev2 && has_recent(&m->program)) {
        mail_run_bad(r);
        return false;
    }
    if (too_many_texts(m)) {
        mail_match_refuse(m, r, "[LIMIT]", "too many texts to look for");
        return false;
    }
    if (!make_needles(m)) {
        refuse_charset(m, r);
        return false;
    }
    if (mail_match_modseq(m))
        mail_modseq_enable(s, &r->text);
    m->now = time(NULL);
    imap_search_resolve(&m->program, s->view.exists, mail_view_largest(&s->view), &s->saved);
    mail_candidates_ask(&m->candidates, m->session, r, &m->program, m->needles);
    return true;
}

bool mail_match_step(struct mail_match *m, struct mail_run *r)
{
    const struct mail_view *v = &m->session->view;

    if (r->asked)
        return false;
    m->reads = 0;
    m->octets = 0;
    for (uint32_t judged = 0; m->slot < v->slots; m->slot++) {
        if (judged++ == JUDGED_STEP || m->reads >= READ_STEP || m->octets >= OCTETS_STEP) {
            r->progress = m->number;
            return false;
        }
        if (!mail_view_has(v, m->slot))
            continue;
        m->number++;
        if (!v->box->messages[m->slot].gone && matches(m))
            m->found[m->count++] = (struct mail_found){m->slot, m->number};
    }
    r->progress = m->number;
    return true;
}
