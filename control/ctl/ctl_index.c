/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_mail.h"
#include "control/ctl/ctl_store.h"

static json_t *json_of(const struct mail_index_status *s)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "caught_up", s->caught_up, "accounts",
                     (json_int_t)s->accounts, "documents", (json_int_t)s->indexed, "lag",
                     (json_int_t)s->lag, "mailboxes_waiting", (json_int_t)s->mailboxes, "bytes",
                     (json_int_t)s->bytes);
}

static json_t *refused(enum store_status status, struct writer *why)
{
    writer_printf(why, "the index did not answer: %s", store_status_name(status));
    return NULL;
}

json_t *ctl_index(struct ctl_mail *mail, const struct ctl_request *request, struct writer *why)
{
    struct mail_index_status s;
    enum store_status status;
    uint64_t account = 0;

    if (!mail->index) {
        writer_text(why, "there is no index: index.enabled is not set, or the store is in memory");
        return NULL;
    }
    if (request->count > 0 &&
        !ctl_store_account(mail->store, request->arguments[0], &account, why))
        return NULL;
    if (request->command == CTL_INDEX_REBUILD) {
        status = mail_index_rebuild(mail->index, account);
        if (status != STORE_OK)
            return refused(status, why);
    }
    if (account == 0) {
        s = mail_index_status(mail->index);
    } else {
        status = mail_index_status_of(mail->index, account, &s);
        if (status != STORE_OK)
            return refused(status, why);
    }
    return json_of(&s);
}
