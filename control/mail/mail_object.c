/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_object.h"

static bool take(void *context, const struct store_entry *e)
{
    *(struct mail_email *)context =
        (struct mail_email){.base = e->email_base, .delivery = e->email_delivery};
    return false;
}

enum store_status mail_email_find(struct store *store, uint64_t mailbox, uint32_t uid,
                                  struct mail_email *email_out)
{
    return store_entry_find(store, mailbox, uid, take, email_out);
}

void mail_email_put(struct writer *w, const struct mail_email *email)
{
    writer_byte(w, 'M');
    id128_put(w, &email->base);
    writer_byte(w, '-');
    writer_number(w, email->delivery);
}

void mail_mailbox_put(struct writer *w, uint64_t mailbox)
{
    writer_byte(w, 'F');
    writer_number(w, mailbox);
}

bool mail_email_is(const struct mail_email *email, struct span id)
{
    uint8_t text[MAIL_OBJECT_MAX];
    struct writer w = writer_of(text, sizeof(text));

    mail_email_put(&w, email);
    return span_equal(writer_span(&w), id);
}
