/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_entry.h"

#include "control/record/record_json.h"

struct shown {
    json_t *row;
    uint16_t delivery;
};

json_t *ctl_entry_tls(const struct message_envelope *e)
{
    return json_string(e->require_tls ? "required" : e->tls_optional ? "optional" : "default");
}

static bool note_envelope(void *context, const struct store_message *m)
{
    const struct shown *s = context;

    json_object_set_new(s->row, "mail_from", record_json_text(m->envelope.sender));
    if (json_object_get(s->row, "login"))
        json_object_set_new(s->row, "login", record_json_text(m->envelope.authenticated));
    if (json_object_get(s->row, "tls"))
        json_object_set_new(s->row, "tls", ctl_entry_tls(&m->envelope));
    if (s->delivery < m->deliveries)
        json_object_set_new(s->row, "rcpt_to",
                            record_json_text(m->delivery[s->delivery].recipient));
    return false;
}

void ctl_entry_envelope(struct store *store, const struct store_entry *entry, json_t *row)
{
    struct shown shown = {row, entry->delivery};

    store_message_show(store, &entry->message, note_envelope, &shown);
}
