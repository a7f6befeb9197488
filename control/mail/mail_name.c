/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_name.h"

bool mail_name_read(struct imap_session *s, struct mail_run *r, struct mail_name *name_out)
{
    struct writer w = writer_of(name_out->bytes, sizeof(name_out->bytes));
    enum imap_name_status status;
    struct span wire;
    bool trailing;

    if (!imap_cursor_astring(&r->args, &wire)) {
        mail_run_bad(r);
        return false;
    }
    status = imap_name_read(wire, s->utf8, &w, &trailing);
    name_out->text = writer_span(&w);
    name_out->given = span_head(wire, wire.len - trailing);
    if (status == IMAP_NAME_OK)
        return true;
    mail_run_end(r, MAIL_NO, "[CANNOT]", imap_name_text(status));
    return false;
}

bool mail_name_quarantine(const struct mail_name *name)
{
    return span_equal(name->text, span_text("Quarantine"));
}

bool mail_name_find(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                    const char *code, uint64_t *mailbox_out)
{
    enum store_status status =
        store_mailbox_find(mail_service_store(s->service), s->account, name->text, mailbox_out);

    if (status == STORE_OK && mail_name_quarantine(name))
        status = STORE_NONE;
    if (status == STORE_OK)
        return true;
    if (status == STORE_NONE)
        mail_run_end(r, MAIL_NO, code, "no such mailbox");
    else
        mail_run_failed(r, status);
    return false;
}

static bool take_validity(void *context, const struct store_mailbox *m)
{
    *(uint32_t *)context = m->uid_validity;
    return false;
}

uint32_t mail_uid_validity(struct store *store, uint64_t mailbox)
{
    uint32_t validity = 0;

    store_mailbox_show(store, mailbox, take_validity, &validity);
    return validity;
}
