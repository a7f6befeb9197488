/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_binary.h"
#include "control/mail/mail_flag.h"
#include "control/mail/mail_listed.h"
#include "control/mail/mail_stage.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_set.h"
#include "proto/imap/imap_store.h"

/*
 * append = "APPEND" SP mailbox 1*append-message                          ; RFC 3502 section 6.3.11
 * append-message = SP [flag-list SP] [date-time SP] (literal / literal8 / utf8-literal)
 *                                                            ; RFC 9051 section 6.3.12, RFC 3516
 * utf8-literal = "UTF8" SP "(" literal8 ")"                          ; RFC 6855 section 4
 *
 * The arguments come before each message: who names no mailbox of theirs does not send it. All are
 * stored, or none: those before the last are staged.
 */
struct append {
    struct store *store;
    uint64_t mailbox;
    struct mail_stage stage;
    bool stored;
    bool utf8; /* a ")" is due behind the message that is to come */
    /* of the message that is to come */
    uint64_t internal_ms; /* 0: when it came */
    uint32_t flags;
    struct writer keywords;
    uint8_t words[IMAP_KEYWORDS_MAX * (IMAP_KEYWORD_MAX + 4)];
};

void mail_append_end(struct mail_run *r)
{
    struct append *a = r->state;

    if (!a)
        return;
    mail_stage_free(&a->stage, a->store, a->stored);
    free(a);
}

/* False: the run is answered. */
static bool read_message(struct mail_run *r, struct imap_cursor *args, struct append *a)
{
    struct imap_append what = {0};

    a->keywords = writer_of(a->words, sizeof(a->words));
    a->internal_ms = 0;
    if (a->utf8)
        imap_cursor_byte(args, ')');
    if (!imap_append_parse(args, &what) || what.flags.unknown) {
        mail_run_bad(r);
        return false;
    }
    if (what.flags.too_many) {
        mail_run_end(r, MAIL_NO, "[LIMIT]", "too many keywords");
        return false;
    }
    a->utf8 = what.utf8;
    a->flags = mail_flag_stored(what.flags.system);
    for (uint8_t i = 0; i < what.flags.keyword_count; i++)
        writer_blob(&a->keywords, what.flags.keywords[i]);
    if (what.dated)
        a->internal_ms = what.date > 0 ? (uint64_t)what.date * 1000 : 1;
    return true;
}

static enum mail_step begin(struct imap_session *s, struct mail_run *r)
{
    struct append *a = calloc(1, sizeof(*a));
    struct mail_name name;

    r->state = a;
    if (!a)
        return mail_run_failed(r, STORE_FAILED);
    a->store = mail_service_store(s->service);
    a->stage.all = mail_service_staged(s->service);
    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!read_message(r, &r->args, a))
        return MAIL_STEP_OVER;
    if (mail_name_quarantine(&name))
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "nothing is put into the quarantine");
    if (!mail_name_find(s, r, &name, "[TRYCREATE]", &a->mailbox))
        return MAIL_STEP_OVER;
    mail_listed_spelling(s, r, &name, NULL);
    return MAIL_STEP_WAIT;
}

enum mail_step mail_append(struct imap_session *s, struct mail_run *r)
{
    return r->state ? MAIL_STEP_WAIT : begin(s, r);
}

/* ---- a message that has come ---- */

/* resp-code-apnd = "APPENDUID" SP nz-number SP append-uid                  ; RFC 4315 section 4 */
static void put_code(struct mail_run *r, uint32_t validity, const struct store_append *done)
{
    struct writer w = writer_of((uint8_t *)r->code_text, sizeof(r->code_text) - 1);
    struct imap_set_writer uids = imap_set_writer_of(&w);

    writer_printf(&w, "[APPENDUID %u ", validity);
    for (uint32_t i = 0; i < done->count; i++)
        imap_set_writer_put(&uids, done->rows[i].uid_out);
    imap_set_writer_end(&uids);
    writer_byte(&w, ']');
    /* One change gives UIDs in a row: it fits. */
    if (w.full)
        return;
    r->code_text[w.len] = 0;
    r->code = r->code_text;
}

static enum store_status store_all(struct mail_run *r, struct append *a,
                                   const struct store_append_row *last)
{
    uint32_t count = a->stage.count + 1;
    struct store_append_row *rows = malloc(count * sizeof(*rows));
    struct store_append append = {.mailbox = a->mailbox, .rows = rows, .count = count};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};

    if (!rows) {
        mail_run_failed(r, STORE_FAILED);
        return STORE_FAILED;
    }
    mail_stage_rows(&a->stage, rows);
    rows[count - 1] = *last;
    store_apply(a->store, &change, 1);
    if (change.status_out == STORE_NONE) /* deleted while the messages came */
        mail_run_end(r, MAIL_NO, "[TRYCREATE]", "no such mailbox");
    else
        mail_run_failed(r, change.status_out);
    if (change.status_out == STORE_OK)
        put_code(r, mail_uid_validity(a->store, a->mailbox), &append);
    free(rows);
    return change.status_out;
}

/* One that another follows. True: it is kept until then. */
static bool stage(struct mail_run *r, struct append *a, const struct store_append_row *row,
                  struct span next)
{
    struct imap_cursor args = imap_cursor_of(next, false, NULL, 0);

    if (!mail_stage_put(&a->stage, row->message, row)) {
        mail_run_end(r, MAIL_NO, "[LIMIT]", "too much in one command");
        return false;
    }
    r->over = !read_message(r, &args, a);
    r->waits = !r->over;
    return true;
}

/* What the command says of the message does not suit it: the run is answered. */
static bool suits(const struct imap_session *s, struct mail_run *r, const struct job_imap *job)
{
    struct span tree = job->message->tree;

    /* RFC 3516 section 4.4: it must say of itself that it is binary. */
    if (job->nul && !mail_binary_in(tree)) {
        mail_run_end(r, MAIL_NO, "[UNKNOWN-CTE]", "NUL in a message without a binary part");
        return false;
    }
    /* RFC 6855 section 4: from clients that know such headers alone. */
    if (!s->utf8 && mime_tree_utf8(tree)) {
        mail_run_end(r, MAIL_NO, "[CANNOT]", "8-bit header fields need ENABLE UTF8=ACCEPT");
        return false;
    }
    return true;
}

/* Of the last message: is there nothing behind it but what must be? */
static bool ends_well(const struct append *a, struct span behind)
{
    return span_equal(behind, span_text(a->utf8 ? ")" : ""));
}

bool mail_append_message(struct imap_session *s, struct mail_run *r, const struct job_imap *job)
{
    struct append *a = r->state;
    struct store_append_row row = {.message = job->message, .flags = a->flags};

    r->waits = false;
    r->over = true;
    if (job->fault) {
        mail_run_end(r, job->fault_bad ? MAIL_BAD : MAIL_NO, NULL, job->fault);
        return false;
    }
    if (!suits(s, r, job))
        return false;
    row.keywords = writer_span(&a->keywords);
    if (a->internal_ms)
        job->message->received_ms = a->internal_ms;
    if (job->again)
        return stage(r, a, &row, job->command);
    if (!ends_well(a, job->command)) {
        mail_run_bad(r);
        return false;
    }
    a->stored = store_all(r, a, &row) == STORE_OK;
    return a->stored;
}
