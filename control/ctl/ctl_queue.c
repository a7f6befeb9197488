/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_entry.h"
#include "control/ctl/ctl_mail.h"
#include "control/record/record_json.h"

/* What was submitted for other servers, one row for each recipient, oldest first. */

enum { ROWS_MAX = 10000 };

struct listing {
    struct store *store;
    json_t *array;
    uint64_t mailboxes[2];
    uint32_t mailbox_count;
};

static bool note_mailbox(void *context, const struct store_mailbox *m)
{
    struct listing *l = context;

    if (m->messages && l->mailbox_count < 2)
        l->mailboxes[l->mailbox_count++] = m->id;
    return true;
}

static bool note_entry(void *context, const struct store_entry *e)
{
    struct listing *l = context;
    json_t *o = json_object();

    json_object_set_new(o, "id", record_json_id(&e->message));
    json_object_set_new(o, "uid", json_integer(e->uid));
    json_object_set_new(o, "state",
                        json_string(e->place == MESSAGE_QUARANTINE ? "held" : "queued"));
    json_object_set_new(o, "rcpt_to", json_null());
    json_object_set_new(o, "mail_from", json_null());
    json_object_set_new(o, "login", json_null());
    json_object_set_new(o, "tls", json_null());
    json_object_set_new(o, "size", json_integer((json_int_t)e->size));
    json_object_set_new(o, "saved_ms", json_integer((json_int_t)e->saved_ms));
    ctl_entry_envelope(l->store, e, o);
    json_array_append_new(l->array, o);
    return json_array_size(l->array) < ROWS_MAX;
}

json_t *ctl_queue_list(struct ctl_mail *mail, struct writer *why)
{
    struct listing l = {.store = mail->store, .array = json_array()};
    uint64_t account;
    enum store_status status = store_account_find(mail->store, span_text(STORE_QUEUE), &account);

    if (status == STORE_OK)
        status = store_mailboxes(mail->store, account, note_mailbox, &l);
    for (uint32_t i = 0; i < l.mailbox_count && status == STORE_OK; i++)
        status = store_entries(mail->store, l.mailboxes[i], note_entry, &l);
    if (status == STORE_OK)
        return l.array;
    writer_text(why, store_status_name(status));
    json_decref(l.array);
    return NULL;
}
