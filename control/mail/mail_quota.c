/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_name.h"
#include "control/mail/mail_verb.h"

/*
 * GETQUOTA and GETQUOTAROOT (RFC 9208). An account whose octets are limited has one quota root, "",
 * of all its mailboxes, with one resource, STORAGE; of others there is none. Limits are set by the
 * directory, not over IMAP.
 */
enum { STORAGE_UNIT = 1024 }; /* octets: RFC 9208 section 5.1 */

/* quota-response = "QUOTA" SP quota-root-name SP quota-list                   ; RFC 9208 section 7
 */
static void put_quota(struct writer *w, const struct store_quota *q)
{
    writer_text(w, "* QUOTA \"\" (STORAGE ");
    writer_number(w, q->octets / STORAGE_UNIT + (q->octets % STORAGE_UNIT != 0));
    writer_byte(w, ' ');
    writer_number(w, q->octets_max / STORAGE_UNIT);
    writer_text(w, ")\r\n");
}

/* getquota = "GETQUOTA" SP quota-root-name; quota-root-name = astring */
enum mail_step mail_getquota(struct imap_session *s, struct mail_run *r)
{
    struct store_quota quota;
    enum store_status status;
    struct span root;
    size_t mark;

    imap_cursor_astring(&r->args, &root);
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    status = store_quota(mail_service_store(s->service), s->account, &quota);
    if (status != STORE_OK)
        return mail_run_failed(r, status);
    if (root.len || !quota.octets_max)
        return mail_run_end(r, MAIL_NO, "[NONEXISTENT]", "no such quota root");
    do {
        mark = mail_text_mark(&r->text);
        put_quota(&r->text.w, &quota);
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}

/* getquotaroot = "GETQUOTAROOT" SP mailbox
 * quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name) */
enum mail_step mail_getquotaroot(struct imap_session *s, struct mail_run *r)
{
    struct store_quota quota;
    struct mail_name name;
    enum store_status status;
    uint64_t mailbox;
    size_t mark;

    if (!mail_name_read(s, r, &name))
        return MAIL_STEP_OVER;
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    if (!mail_name_find(s, r, &name, "[NONEXISTENT]", &mailbox))
        return MAIL_STEP_OVER;
    status = store_quota(mail_service_store(s->service), s->account, &quota);
    if (status != STORE_OK)
        return mail_run_failed(r, status);
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* QUOTAROOT ");
        imap_name_put(&r->text.w, name.text, s->utf8);
        writer_text(&r->text.w, quota.octets_max ? " \"\"\r\n" : "\r\n");
        if (quota.octets_max)
            put_quota(&r->text.w, &quota);
    } while (!mail_text_fits(&r->text, mark));
    return mail_run_ok(r);
}
