/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_listed.h"
#include "control/mail/mail_status.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_list.h"
#include "proto/imap/imap_pattern.h"
#include "proto/imap/imap_use.h"

/*
 * LIST (RFC 3501 section 6.3.8, RFC 9051 section 6.3.9) with its extensions (RFC 5258, RFC 5819,
 * RFC 6154), and LSUB (RFC 3501 section 6.3.9). Names that have inferior ones and no mailbox of
 * their own are listed with \Noselect, or \NonExistent where the client knows that.
 */

_Static_assert((int)IMAP_USE_IMPORTANT == (int)STORE_USE_IMPORTANT &&
                   (int)IMAP_USE_ALL == (int)STORE_USE_ALL &&
                   (int)IMAP_USE_SENT == (int)STORE_USE_SENT,
               "the store's uses are those of the wire");

enum {
    LINES = 256,      /* nodes in one piece of the answer */
    EFFORT = 1 << 20, /* words of patterns gone over before others have their turn */
};

struct listing {
    struct imap_list asked;
    struct imap_pattern *patterns;
    uint32_t pattern_count;
    bool lsub;
    bool counting; /* the status of the node before `at` */
    struct mail_nodes nodes;
    size_t matched, at; /* nodes whose names were looked at; that were told */
    struct mail_status status;
};

void mail_list_end(struct mail_run *r)
{
    struct listing *l = r->state;

    if (!l)
        return;
    mail_nodes_free(&l->nodes);
    free(l->patterns);
    free(l);
}

/* ---- which of them ---- */

/* True: all were looked at. Within its bound one command is no more work than many. */
static bool match_some(struct listing *l)
{
    uint64_t effort = 0;

    for (; l->matched < l->nodes.count && effort < EFFORT; l->matched++) {
        struct mail_node *node = &l->nodes.nodes[l->matched];

        for (uint32_t i = 0; i < l->pattern_count && !(node->marks & MAIL_NODE_MATCHES); i++) {
            effort += (node->name.len + 1) * l->patterns[i].words;
            if (imap_pattern_match(&l->patterns[i], node->name) == IMAP_PATTERN_YES)
                node->marks |= MAIL_NODE_MATCHES;
        }
    }
    return l->matched == l->nodes.count;
}

static bool is_selected(const struct listing *l, const struct mail_node *node)
{
    if (l->lsub)
        return node->marks & MAIL_NODE_SUBSCRIBED;
    if ((l->asked.select & IMAP_LIST_SELECT_SPECIAL_USE) && !node->uses)
        return false;
    return node->marks & (l->asked.select & IMAP_LIST_SELECT_SUBSCRIBED ? MAIL_NODE_SUBSCRIBED
                                                                        : MAIL_NODE_EXISTS);
}

/* Once all names were looked at: what is selected, and what those above it have to know. */
static void select_nodes(struct listing *l)
{
    for (size_t i = 0; i < l->nodes.count; i++) {
        struct mail_node *node = &l->nodes.nodes[i];

        if (!is_selected(l, node))
            continue;
        node->marks |= MAIL_NODE_SELECTED;
        if (node->parent)
            l->nodes.nodes[node->parent - 1].marks |=
                MAIL_NODE_BELOW | (node->marks & MAIL_NODE_MATCHES ? 0 : MAIL_NODE_HIDDEN);
    }
    mail_nodes_raise(&l->nodes, 0, MAIL_NODE_BELOW);
    mail_nodes_raise(&l->nodes, 0, MAIL_NODE_HIDDEN);
}

/*
 * What is selected; with RECURSIVEMATCH also what is above something selected that is not told
 * itself (RFC 5258 section 4); and levels that are no mailboxes, where nothing is asked for but
 * names.
 */
static bool is_told(const struct listing *l, const struct mail_node *node)
{
    const uint8_t selecting = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_SELECT_SPECIAL_USE;

    if (!(node->marks & MAIL_NODE_MATCHES))
        return false;
    if (node->marks & MAIL_NODE_SELECTED)
        return true;
    if (l->asked.select & IMAP_LIST_SELECT_RECURSIVE)
        return node->marks & MAIL_NODE_HIDDEN;
    return !(l->asked.select & selecting) && (node->marks & MAIL_NODE_BELOW);
}

/* ---- lines ---- */

/* The attributes, each behind a blank. */
static void put_attributes(const struct listing *l, struct writer *w, const struct mail_node *node)
{
    bool subscribed = (l->asked.select & IMAP_LIST_SELECT_SUBSCRIBED) ||
                      (l->asked.returns & IMAP_LIST_RETURN_SUBSCRIBED);

    if (l->lsub) {
        writer_text(w, node->marks & MAIL_NODE_SELECTED ? "" : " \\Noselect \\HasChildren");
        return;
    }
    mail_listed_attributes(w, node,
                           (subscribed ? MAIL_LISTED_SUBSCRIBED : 0) |
                               (l->asked.extended ? MAIL_LISTED_NONEXISTENT : 0));
}

/* childinfo-extended-item = "CHILDINFO" SP "(" list-select-base-opt-quoted *(SP ...) ")" */
static void put_child_info(const struct listing *l, struct writer *w)
{
    bool both = true;

    writer_text(w, " (\"CHILDINFO\" (");
    if (l->asked.select & IMAP_LIST_SELECT_SUBSCRIBED)
        writer_text(w, "\"SUBSCRIBED\"");
    else
        both = false;
    if (l->asked.select & IMAP_LIST_SELECT_SPECIAL_USE)
        writer_text(w, both ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"");
    writer_text(w, "))");
}

static void put_line(struct imap_session *s, struct mail_run *r, const struct listing *l,
                     const struct mail_node *node)
{
    uint8_t bytes[256];
    struct writer attributes = writer_of(bytes, sizeof(bytes));
    struct mail_text *t = &r->text;
    size_t mark;

    put_attributes(l, &attributes, node);
    do {
        mark = mail_text_mark(t);
        writer_text(&t->w, l->lsub ? "* LSUB (" : "* LIST (");
        writer_span_put(&t->w, span_skip(writer_span(&attributes), attributes.len ? 1 : 0));
        writer_text(&t->w, ") \"/\" ");
        imap_name_put(&t->w, node->name, s->utf8);
        if ((l->asked.select & IMAP_LIST_SELECT_RECURSIVE) && (node->marks & MAIL_NODE_BELOW))
            put_child_info(l, &t->w);
        writer_text(&t->w, "\r\n");
    } while (!mail_text_fits(t, mark));
}

/* RFC 5819 section 2: of one that cannot be asked for, or is gone meanwhile, there is none. */
static enum mail_step tell_status(struct imap_session *s, struct mail_run *r, struct listing *l)
{
    enum store_status status = mail_status_count(s->service, &l->status);

    if (status == STORE_BUSY)
        return MAIL_STEP_YIELD;
    l->counting = false;
    if (status == STORE_OK)
        mail_status_put(s, &r->text, l->nodes.nodes[l->at - 1].name, &l->status);
    return MAIL_STEP_AGAIN;
}

static enum mail_step tell_some(struct imap_session *s, struct mail_run *r, struct listing *l)
{
    for (size_t i = 0; i < LINES && l->at < l->nodes.count; i++) {
        const struct mail_node *node = &l->nodes.nodes[l->at++];

        if (!is_told(l, node))
            continue;
        put_line(s, r, l, node);
        if (l->asked.status && (node->marks & MAIL_NODE_SELECTED) &&
            (node->marks & MAIL_NODE_EXISTS)) {
            mail_status_init(&l->status, node->mailbox, l->asked.status);
            l->counting = true;
            return MAIL_STEP_AGAIN;
        }
    }
    return l->at < l->nodes.count ? MAIL_STEP_AGAIN : mail_run_ok(r);
}

/* ---- the command ---- */

/* Reference and patterns together. What no name can be like matches nothing. */
static bool make_patterns(const struct imap_session *s, struct listing *l)
{
    uint8_t bytes[2 * IMAP_NAME_MAX];
    struct writer reference = writer_of(bytes, IMAP_NAME_MAX);

    l->patterns = malloc(l->asked.count * sizeof(*l->patterns));
    if (!l->patterns)
        return false;
    if (imap_name_read_pattern(l->asked.reference, s->utf8, &reference) != IMAP_NAME_OK)
        return true;
    for (uint32_t i = 0; i < l->asked.count; i++) {
        struct writer pattern = writer_of(bytes + IMAP_NAME_MAX, IMAP_NAME_MAX);

        if (imap_name_read_pattern(l->asked.patterns[i], s->utf8, &pattern) == IMAP_NAME_OK &&
            imap_pattern_init(&l->patterns[l->pattern_count], writer_span(&reference),
                              writer_span(&pattern)))
            l->pattern_count++;
    }
    return true;
}

/* An empty name asks for the separator (RFC 9051 section 6.3.9). */
static enum mail_step tell_separator(struct mail_run *r)
{
    size_t mark;

    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* LIST (\\Noselect) \"/\" \"\"\r\n");
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}

static enum mail_step begin(struct imap_session *s, struct mail_run *r, bool lsub)
{
    struct listing *l = calloc(1, sizeof(*l));
    bool subscriptions;
    enum store_status status;

    r->state = l;
    if (!l)
        return mail_run_failed(r, STORE_FAILED);
    l->lsub = lsub;
    if (!(lsub ? imap_list_read_lsub : imap_list_read)(&r->args, &l->asked) ||
        (l->asked.status && !mail_status_may(s, l->asked.status)))
        return mail_run_bad(r);
    if (l->asked.count > IMAP_LIST_PATTERNS)
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "too many patterns");
    if (!lsub && !l->asked.extended && l->asked.patterns[0].len == 0)
        return tell_separator(r);
    if (!make_patterns(s, l))
        return mail_run_failed(r, STORE_FAILED);
    subscriptions = lsub || (l->asked.select & IMAP_LIST_SELECT_SUBSCRIBED) ||
                    (l->asked.returns & IMAP_LIST_RETURN_SUBSCRIBED);
    status = mail_nodes_read(&l->nodes, mail_service_store(s->service), s->account, !lsub,
                             subscriptions);
    return status == STORE_OK ? MAIL_STEP_AGAIN : mail_run_failed(r, status);
}

static enum mail_step step(struct imap_session *s, struct mail_run *r, bool lsub)
{
    struct listing *l = r->state;

    if (!l)
        return begin(s, r, lsub);
    if (l->matched < l->nodes.count) {
        if (!match_some(l))
            return MAIL_STEP_YIELD;
        select_nodes(l);
    }
    return l->counting ? tell_status(s, r, l) : tell_some(s, r, l);
}

enum mail_step mail_list(struct imap_session *s, struct mail_run *r)
{
    return step(s, r, false);
}

enum mail_step mail_lsub(struct imap_session *s, struct mail_run *r)
{
    return step(s, r, true);
}
