/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_flag.h"
#include "control/mail/mail_grep.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_verb.h"
#include "control/mail/mail_words.h"
#include "proto/charset/charset.h"
#include "proto/imap/imap_date.h"
#include "proto/imap/imap_search.h"
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_tree.h"

/*
 * SEARCH (RFC 9051 section 6.4.4): by what the index knows first, and only where that does not
 * decide by the message itself, some messages at a time, so that others get their turn.
 */
enum {
    JUDGED_STEP = 4096,
    READ_STEP = 64,
    OCTETS_STEP = 1 << 20, /* that were looked through for a text; one message may be more */
    TEXTS_MAX = 64,        /* keys that look through messages: each does on its own */
};

struct search {
    struct imap_search program;
    struct mail_needle *needles; /* by node */
    struct store *store;
    struct imap_session *session;
    uint32_t *found; /* numbers, or UIDs */
    uint32_t count;
    uint32_t slot, number; /* of the message that is judged */
    const struct store_reading *reading;
    bool opened; /* it was tried */
    bool deep;   /* messages may be read */
    uint32_t reads;
    uint64_t octets;
    enum store_status status;
    size_t told;     /* of `found` */
    uint64_t modseq; /* the highest of what was found */
};

void mail_search_end(struct mail_run *r)
{
    struct search *f = r->state;

    if (!f)
        return;
    if (f->reading)
        store_reading_close(f->store, f->reading);
    for (uint32_t i = 0; f->needles && i < f->program.count; i++)
        free(f->needles[i].text);
    free(f->needles);
    free(f->program.nodes);
    free(f->program.ranges);
    free(f->found);
    free(f);
}

/* ---- one message ---- */

static const struct store_reading *reading_of(struct search *f)
{
    const struct mail_box *box = f->session->view.box;

    if (!f->opened) {
        f->opened = true;
        f->reads++;
        if (store_reading_open(f->store, box->id, box->messages[f->slot].uid, &f->reading) !=
            STORE_OK)
            f->reading = NULL;
    }
    return f->reading;
}

static void close_reading(struct search *f)
{
    if (f->reading)
        store_reading_close(f->store, f->reading);
    f->reading = NULL;
    f->opened = false;
}

/* The day in the Date field, which the part tree has. */
static void read_sent(struct search *f, struct imap_search_facts *facts)
{
    const struct store_reading *reading = reading_of(f);
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

static enum imap_search_result has_keyword(const struct search *f, struct span name)
{
    const struct mail_box *box = f->session->view.box;
    struct span words = mail_box_keywords(box, box->messages[f->slot].keywords);

    return mail_words_has(words, name) ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

static enum imap_search_result grep(struct search *f, const struct imap_search_node *node)
{
    struct mail_grep what = {.where = node->kind == IMAP_SEARCH_HEADER ? MAIL_GREP_FIELD
                                      : node->kind == IMAP_SEARCH_BODY ? MAIL_GREP_BODY
                                                                       : MAIL_GREP_TEXT,
                             .name = node->name,
                             .needle = &f->needles[node - f->program.nodes]};
    bool found = false;

    /* Every text has nothing in it. */
    if (what.needle->len == 0 && what.where != MAIL_GREP_FIELD)
        return IMAP_SEARCH_YES;
    if (!f->deep)
        return IMAP_SEARCH_UNKNOWN;
    if (!reading_of(f))
        return IMAP_SEARCH_NO;
    f->octets += f->reading->size;
    f->status = mail_grep(f->store, f->reading, &what, &found);
    return found ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
}

static enum imap_search_result judge(void *context, const struct imap_search_node *node)
{
    struct search *f = context;
    const struct mail_message *m = &f->session->view.box->messages[f->slot];
    struct imap_search_facts facts = {.sequence = f->number,
                                      .uid = m->uid,
                                      .flags = (uint8_t)mail_flag_wire(&f->session->view, m),
                                      .internal_date = (int64_t)(m->internal_ms / 1000),
                                      .size = m->size,
                                      .modseq = m->modseq,
                                      .now = time(NULL)};

    switch ((enum imap_search_kind)node->kind) {
    case IMAP_SEARCH_KEYWORD:
        return has_keyword(f, node->text);
    case IMAP_SEARCH_HEADER:
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
        return grep(f, node);
    case IMAP_SEARCH_SENTBEFORE:
    case IMAP_SEARCH_SENTON:
    case IMAP_SEARCH_SENTSINCE:
        if (!f->deep)
            return IMAP_SEARCH_UNKNOWN;
        read_sent(f, &facts);
        break;
    default:
        break;
    }
    return imap_search_by_facts(node, &facts);
}

static bool matches(struct search *f)
{
    enum imap_search_result result;

    f->deep = false;
    result = imap_search_judge(&f->program, judge, f);
    f->deep = true;
    if (result == IMAP_SEARCH_UNKNOWN)
        result = imap_search_judge(&f->program, judge, f);
    close_reading(f);
    return result == IMAP_SEARCH_YES;
}

/* ---- the program ---- */

static bool is_text(const struct imap_search_node *n)
{
    return n->kind == IMAP_SEARCH_HEADER || n->kind == IMAP_SEARCH_BODY ||
           n->kind == IMAP_SEARCH_TEXT;
}

static bool too_many_texts(const struct search *f)
{
    uint32_t texts = 0;

    for (uint32_t i = 0; i < f->program.count; i++)
        texts += is_text(&f->program.nodes[i]);
    return texts > TEXTS_MAX;
}

/* What it looks for, as UTF-8 and as it is compared. False: not of that charset. */
static bool make_needles(struct search *f)
{
    struct span charset = f->program.charset;
    bool plain = !charset.data || span_equal_nocase(charset, span_text("UTF-8")) ||
                 span_equal_nocase(charset, span_text("US-ASCII"));

    if (!plain)
        return false;
    for (uint32_t i = 0; i < f->program.count; i++) {
        const struct imap_search_node *n = &f->program.nodes[i];

        if (is_text(n) && !mail_needle_make(n->text, &f->needles[i]))
            return false;
    }
    return true;
}

static bool by_modseq(const struct search *f)
{
    return f->program.kinds & 1u << IMAP_SEARCH_MODSEQ;
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    /* A node takes two octets at least, a range one and its comma. */
    uint32_t cap = (uint32_t)(r->args.end - r->args.at) / 2 + 4;
    struct search *f = calloc(1, sizeof(*f));

    r->state = f;
    if (!f)
        return mail_run_failed(r, STORE_FAILED) && false;
    f->session = s;
    f->store = mail_service_store(s->service);
    f->program = imap_search_of(calloc(cap, sizeof(*f->program.nodes)), cap,
                                calloc(cap, sizeof(*f->program.ranges)), cap);
    f->needles = calloc(cap, sizeof(*f->needles));
    f->found = malloc((s->view.exists + 1) * sizeof(*f->found));
    if (!f->program.nodes || !f->program.ranges || !f->needles || !f->found)
        return mail_run_failed(r, STORE_FAILED) && false;
    if (!imap_search_parse(&r->args, &f->program) || f->program.extended)
        return mail_run_bad(r) && false;
    if (too_many_texts(f))
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "too many texts to look for") && false;
    if (!make_needles(f))
        return mail_run_end(r, MAIL_NO, "[BADCHARSET (UTF-8 US-ASCII)]",
                            "texts of that charset are not searched for") &&
               false;
    if (by_modseq(f))
        mail_modseq_enable(s, &r->text);
    imap_search_resolve(&f->program, s->view.exists, mail_view_largest(&s->view), NULL);
    return true;
}

/* ---- the answer ---- */

static enum mail_step put_found(struct mail_run *r, struct search *f)
{
    size_t mark;

    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* SEARCH");
        for (uint32_t i = 0; i < f->count; i++) {
            writer_byte(&r->text.w, ' ');
            writer_number(&r->text.w, f->found[i]);
        }
        /* search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"  ; RFC 7162 section 7 */
        if (f->count && by_modseq(f)) {
            writer_text(&r->text.w, " (MODSEQ ");
            writer_number(&r->text.w, f->modseq);
            writer_byte(&r->text.w, ')');
        }
        writer_text(&r->text.w, "\r\n");
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}

enum mail_step mail_search(struct imap_session *s, struct mail_run *r)
{
    const struct mail_view *v = &s->view;
    struct search *f = r->state;

    if (!f) {
        if (!begin(s, r))
            return MAIL_STEP_OVER;
        f = r->state;
    }
    f->reads = 0;
    f->octets = 0;
    for (uint32_t judged = 0; f->slot < v->slots; f->slot++) {
        if (judged++ == JUDGED_STEP || f->reads >= READ_STEP || f->octets >= OCTETS_STEP)
            return MAIL_STEP_YIELD;
        if (!mail_view_has(v, f->slot))
            continue;
        f->number++;
        if (!v->box->messages[f->slot].gone && matches(f)) {
            const struct mail_message *m = &v->box->messages[f->slot];

            f->found[f->count++] = r->uid ? m->uid : f->number;
            f->modseq = m->modseq > f->modseq ? m->modseq : f->modseq;
        }
    }
    return put_found(r, f);
}
