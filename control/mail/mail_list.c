/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_name.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_pattern.h"

/*
 * LIST (RFC 3501 section 6.3.8, RFC 9051 section 6.3.9) and LSUB (RFC 3501 section 6.3.9). Names
 * that have inferior ones and no mailbox of their own are listed with \Noselect.
 */

struct listing {
    struct imap_session *session;
    struct mail_run *run;
    struct imap_pattern pattern;
    struct span *names; /* sorted; of mailboxes, or subscriptions */
    uint8_t *text;      /* where they lie */
    size_t count, cap, text_len, text_cap;
    bool failed;
};

/* ---- the names there are ---- */

static bool keep_name(void *context, struct span name)
{
    struct listing *l = context;

    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        struct span *names = realloc(l->names, cap * sizeof(*names));

        if (!names) {
            l->failed = true;
            return false;
        }
        l->names = names;
        l->cap = cap;
    }
    if (l->text_cap - l->text_len < name.len) {
        size_t cap = 2 * l->text_cap + name.len + 4096;
        uint8_t *text = realloc(l->text, cap);

        if (!text) {
            l->failed = true;
            return false;
        }
        for (size_t i = 0; i < l->count; i++)
            l->names[i].data = text + (l->names[i].data - l->text);
        l->text = text;
        l->text_cap = cap;
    }
    memcpy(l->text + l->text_len, name.data, name.len);
    l->names[l->count++] = span_of(l->text + l->text_len, name.len);
    l->text_len += name.len;
    return true;
}

static bool keep_mailbox(void *context, const struct store_mailbox *m)
{
    /* What is quarantined is not for whoever reads mail. */
    return m->place == MESSAGE_QUARANTINE || keep_name(context, m->name);
}

/* By levels, so that what is below a name follows it. */
static int by_name(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;

    for (size_t i = 0; i < n; i++) {
        int p = x->data[i] == STORE_SEPARATOR ? 0 : x->data[i] + 1;
        int q = y->data[i] == STORE_SEPARATOR ? 0 : y->data[i] + 1;

        if (p != q)
            return p < q ? -1 : 1;
    }
    return x->len == y->len ? 0 : x->len < y->len ? -1 : 1;
}

/* `name` is above `other`. */
static bool is_above(struct span name, struct span other)
{
    return other.len > name.len && other.data[name.len] == STORE_SEPARATOR &&
           span_equal(span_head(other, name.len), name);
}

/* ---- lines ---- */

static void put_line(struct listing *l, const char *what, struct span name, const char *attributes)
{
    struct mail_text *t = &l->run->text;
    size_t mark;

    do {
        mark = mail_text_mark(t);
        writer_printf(&t->w, "* %s (%s) \"/\" ", what, attributes);
        imap_name_put(&t->w, name, l->session->utf8);
        writer_text(&t->w, "\r\n");
    } while (!mail_text_fits(t, mark));
}

/* The levels above a name that are no names themselves: each once, with the first below it. */
static void put_above(struct listing *l, size_t at, const char *what)
{
    struct span name = l->names[at], before = at ? l->names[at - 1] : span_of(NULL, 0);

    for (size_t end = 1; end < name.len; end++) {
        struct span above = span_head(name, end);

        if (name.data[end] != STORE_SEPARATOR || span_equal(before, above) ||
            is_above(above, before))
            continue;
        if (imap_pattern_match(&l->pattern, above) == IMAP_PATTERN_YES)
            put_line(l, what, above, "\\Noselect \\HasChildren");
    }
}

static void put_all(struct listing *l, const char *what, bool lsub)
{
    for (size_t i = 0; i < l->count; i++) {
        bool children = i + 1 < l->count && is_above(l->names[i], l->names[i + 1]);

        put_above(l, i, what);
        if (imap_pattern_match(&l->pattern, l->names[i]) == IMAP_PATTERN_YES)
            put_line(l, what, l->names[i],
                     lsub       ? ""
                     : children ? "\\HasChildren"
                                : "\\HasNoChildren");
    }
}

static enum store_status read_names(struct listing *l, bool lsub)
{
    struct store *store = mail_service_store(l->session->service);
    enum store_status status = lsub ? store_subscriptions(store, l->session->account, keep_name, l)
                                    : store_mailboxes(store, l->session->account, keep_mailbox, l);

    if (status == STORE_OK && l->failed)
        status = STORE_FAILED;
    if (l->count)
        qsort(l->names, l->count, sizeof(*l->names), by_name);
    return status;
}

/* ---- the command ---- */

/* mailbox SP list-mailbox; false: the run is answered. */
static bool read_pattern(struct listing *l, bool *nothing_out)
{
    struct mail_run *r = l->run;
    uint8_t bytes[2 * IMAP_NAME_MAX];
    struct writer reference = writer_of(bytes, IMAP_NAME_MAX),
                  pattern = writer_of(bytes + IMAP_NAME_MAX, IMAP_NAME_MAX);
    struct span wire;
    enum imap_name_status status;

    imap_cursor_astring(&r->args, &wire);
    status =
        r->args.bad ? IMAP_NAME_OK : imap_name_read_pattern(wire, l->session->utf8, &reference);
    imap_cursor_space(&r->args);
    imap_cursor_list_mailbox(&r->args, &wire);
    if (!imap_cursor_done(&r->args)) {
        mail_run_bad(r);
        return false;
    }
    *nothing_out = wire.len == 0;
    if (status == IMAP_NAME_OK)
        status = imap_name_read_pattern(wire, l->session->utf8, &pattern);
    if (status != IMAP_NAME_OK ||
        !imap_pattern_init(&l->pattern, writer_span(&reference), writer_span(&pattern))) {
        /* Nothing has such a name. */
        mail_run_ok(r);
        return false;
    }
    return true;
}

static enum mail_step list(struct imap_session *s, struct mail_run *r, const char *what, bool lsub)
{
    struct listing *l = calloc(1, sizeof(*l));
    enum store_status status = STORE_FAILED;
    enum mail_step step = MAIL_STEP_OVER;
    bool nothing = false;

    if (!l)
        return mail_run_failed(r, STORE_FAILED);
    l->session = s;
    l->run = r;
    if (read_pattern(l, &nothing)) {
        status = STORE_OK;
        /* An empty pattern asks for the separator (RFC 9051 section 6.3.9). */
        if (nothing && !lsub)
            put_line(l, what, span_of("", 0), "\\Noselect");
        else
            status = read_names(l, lsub);
        if (status == STORE_OK && !(nothing && !lsub))
            put_all(l, what, lsub);
        step = mail_run_failed(r, status);
    }
    free(l->names);
    free(l->text);
    free(l);
    return step;
}

enum mail_step mail_list(struct imap_session *s, struct mail_run *r)
{
    return list(s, r, "LIST", false);
}

enum mail_step mail_lsub(struct imap_session *s, struct mail_run *r)
{
    return list(s, r, "LSUB", true);
}
