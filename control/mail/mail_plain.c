/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_verb.h"

/* Commands that touch no message. */

enum mail_step mail_noop(struct imap_session *s, struct mail_run *r)
{
    (void)s;
    return r->spaced ? mail_run_bad(r) : mail_run_ok(r);
}

/*
 * namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace   ; RFC 9051 section 9
 */
enum mail_step mail_namespace(struct imap_session *s, struct mail_run *r)
{
    size_t mark;

    (void)s;
    if (r->spaced)
        return mail_run_bad(r);
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}

/* idle = "IDLE" CRLF "DONE"                                         ; RFC 9051 section 6.3.13 */
enum mail_step mail_idle(struct imap_session *s, struct mail_run *r)
{
    size_t mark;

    if (r->spaced)
        return mail_run_bad(r);
    s->idle_tag = malloc(r->tag.len + 1);
    if (!s->idle_tag)
        return mail_run_failed(r, STORE_FAILED);
    s->idle_tag[0] = (uint8_t)r->tag.len;
    memcpy(s->idle_tag + 1, r->tag.data, r->tag.len);
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "+ idling\r\n");
    } while (!mail_text_fits(&r->text, mark));
    r->tag = span_of(NULL, 0);
    r->said = true;
    r->executed = IMAP_EXECUTED_IDLE;
    s->idling = true;
    return MAIL_STEP_OVER;
}

enum mail_step mail_unselect(struct imap_session *s, struct mail_run *r)
{
    if (r->spaced)
        return mail_run_bad(r);
    mail_service_unselect(s);
    return mail_run_ok(r);
}
