/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/mail/mail_flag.h"
#include "control/mail/mail_name.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_store.h"

/*
 * append = "APPEND" SP mailbox SP [flag-list SP] [date-time SP] literal    ; RFC 9051
 * section 6.3.12
 *
 * The arguments come before the message: who names no mailbox of theirs does not send it.
 */
struct append {
    uint64_t mailbox;
    uint64_t internal_ms; /* 0: when it came */
    uint32_t flags;
    struct writer keywords;
    uint8_t words[IMAP_KEYWORDS_MAX * (IMAP_KEYWORD_MAX + 4)];
};

/* False: the run is answered. */
static bool read_message(struct mail_run *r, struct append *a)
{
    struct imap_append what = {0};

    if (!imap_append_parse(&r->args, &what) || what.flags.unknown || what.utf8) {
        mail_run_bad(r);
        return false;
    }
    if (what.flags.too_many) {
        mail_run_end(r, MAIL_NO, "[LIMIT]", "too many keywords");
        return false;
    }
    a->flags = mail_flag_stored(what.flags.system);
    for (uint8_t i = 0; i < what.flags.keyword_count; i++)
        writer_blob(&a->keywords, what.flags.keywords[i]);
    if (what.dated)
        a->internal_ms = what.date > 0 ? (uint64_t)what.date * 1000 : 1;
    return true;
}

enum mail_step mail_append(struct imap_session *s, struct mail_run *r)
{
    struct append *a = calloc(1, sizeof(*a));
    struct mail_name name;

    r->state = a;
    if (!a)
        return mail_run_failed(r, STORE_FAILED);
    a->keywords = writer_of(a->words, sizeof(a->words));
    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!read_message(r, a))
        return MAIL_STEP_OVER;
    if (mail_name_quarantine(&name))
        return mail_run_end(r, MAIL_NO, "[CANNOT]", "nothing is put into the quarantine");
    if (!mail_name_find(s, r, &name, "[TRYCREATE]", &a->mailbox))
        return MAIL_STEP_OVER;
    return MAIL_STEP_WAIT;
}

bool mail_append_message(struct imap_session *s, struct mail_run *r, struct message *message,
                         const char *fault)
{
    struct append *a = r->state;
    struct store_append_row row = {.message = message, .flags = a->flags};
    struct store_append append = {.mailbox = a->mailbox, .rows = &row, .count = 1};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};

    r->waits = false;
    r->over = true;
    if (fault) {
        mail_run_end(r, MAIL_NO, NULL, fault);
        return false;
    }
    row.keywords = writer_span(&a->keywords);
    if (a->internal_ms)
        message->received_ms = a->internal_ms;
    store_apply(mail_service_store(s->service), &change, 1);
    if (change.status_out == STORE_NONE) /* deleted while the message came */
        mail_run_end(r, MAIL_NO, "[TRYCREATE]", "no such mailbox");
    else
        mail_run_failed(r, change.status_out);
    if (change.status_out != STORE_OK)
        return false;
    snprintf(r->code_text, sizeof(r->code_text), "[APPENDUID %u %u]",
             mail_uid_validity(mail_service_store(s->service), a->mailbox), row.uid_out);
    r->code = r->code_text;
    return true;
}
