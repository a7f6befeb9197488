/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_store.h"

#include "control/config/config_settings.h"
#include "control/ctl/ctl_bytes.h"
#include "control/ctl/ctl_care.h"
#include "control/ctl/ctl_entry.h"
#include "control/ctl/ctl_request.h"
#include "control/record/record_json.h"
#include "control/record/record_parts.h"

static const char *place_name(uint8_t place)
{
    return place == MESSAGE_QUARANTINE ? "quarantine" : place == STORE_FOLDER ? "folder" : "inbox";
}

bool ctl_store_account(struct store *store, struct span address, uint64_t *account_out,
                       struct writer *why)
{
    for (int fold = 0; fold < 2; fold++) {
        uint8_t text[512];
        struct writer key = writer_of(text, sizeof(text));

        if (config_address_key(&key, address, fold) &&
            store_account_find(store, writer_span(&key), account_out) == STORE_OK)
            return true;
    }
    writer_text(why, "no such account");
    return false;
}

static json_t *entry_object(const struct store_entry *e)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", record_json_id(&e->message));
    json_object_set_new(o, "account", json_integer((json_int_t)e->account));
    json_object_set_new(o, "mailbox", json_integer((json_int_t)e->mailbox));
    json_object_set_new(o, "place", json_string(place_name(e->place)));
    json_object_set_new(o, "uid", json_integer(e->uid));
    json_object_set_new(o, "size", json_integer((json_int_t)e->size));
    json_object_set_new(o, "prefix_size", json_integer(e->prefix_len));
    json_object_set_new(o, "internal_ms", json_integer((json_int_t)e->internal_ms));
    json_object_set_new(o, "modseq", json_integer((json_int_t)e->modseq));
    json_object_set_new(o, "flags", json_integer(e->flags));
    if (e->verdict.len)
        json_object_set_new(o, "rule", record_json_text(e->verdict));
    return o;
}

/* ---- list ---- */

struct listing {
    struct store *store;
    json_t *array;
    uint64_t mailboxes[64];
    uint32_t count;
};

static bool note_mailbox(void *context, const struct store_mailbox *mailbox)
{
    struct listing *l = context;

    if (l->count < sizeof(l->mailboxes) / sizeof(l->mailboxes[0]))
        l->mailboxes[l->count++] = mailbox->id;
    return true;
}

static bool note_entry(void *context, const struct store_entry *entry)
{
    struct listing *l = context;

    json_array_append_new(l->array, entry_object(entry));
    return true;
}

static json_t *list_messages(struct store *store, struct span address, struct writer *why)
{
    struct listing l = {.store = store};
    uint64_t account;

    if (!ctl_store_account(store, address, &account, why))
        return NULL;
    l.array = json_array();
    store_mailboxes(store, account, note_mailbox, &l);
    for (uint32_t i = 0; i < l.count; i++)
        store_entries(store, l.mailboxes[i], note_entry, &l);
    return l.array;
}

static bool note_status(void *context, const struct store_mailbox *mailbox)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", record_json_text(mailbox->name));
    json_object_set_new(o, "place", json_string(place_name(mailbox->place)));
    json_object_set_new(o, "messages", json_integer((json_int_t)mailbox->messages));
    json_object_set_new(o, "octets", json_integer((json_int_t)mailbox->octets));
    json_object_set_new(o, "uid_validity", json_integer(mailbox->uid_validity));
    json_object_set_new(o, "uid_next", json_integer(mailbox->uid_next));
    json_array_append_new(context, o);
    return true;
}

static json_t *list_mailboxes(struct store *store, struct span address, struct writer *why)
{
    uint64_t account;
    json_t *array;

    if (!ctl_store_account(store, address, &account, why))
        return NULL;
    array = json_array();
    store_mailboxes(store, account, note_status, array);
    return array;
}

/* ---- show ---- */

struct places {
    uint64_t account; /* 0: any */
    json_t *array;
    uint64_t mailbox; /* of the first */
    uint32_t uid;
    uint64_t size;
    bool found;
};

static bool note_place(void *context, const struct store_entry *entry)
{
    struct places *p = context;

    if (p->account && p->account != entry->account)
        return true;
    if (!p->found) {
        p->found = true;
        p->mailbox = entry->mailbox;
        p->uid = entry->uid;
        p->size = entry->size;
    }
    if (p->array)
        json_array_append_new(p->array, entry_object(entry));
    return true;
}

static bool find_places(struct store *store, const struct id128 *id, struct span address,
                        struct places *p, struct writer *why)
{
    if (address.len && !ctl_store_account(store, address, &p->account, why))
        return false;
    store_places(store, id, note_place, p);
    if (!p->found)
        writer_text(why, "no such message");
    return p->found;
}

static bool show_message(void *context, const struct store_message *m)
{
    json_t *o = context, *recipients = json_array();
    uint8_t text[IP_ADDRESS_TEXT];
    struct writer ip = writer_of(text, sizeof(text));

    ip_address_put(&ip, &m->envelope.client);
    json_object_set_new(o, "id", record_json_id(&m->id));
    json_object_set_new(o, "mail_from", record_json_text(m->envelope.sender));
    json_object_set_new(o, "helo", record_json_text(m->envelope.helo));
    json_object_set_new(o, "tls", ctl_entry_tls(&m->envelope));
    json_object_set_new(o, "client", json_stringn((const char *)text, ip.len));
    json_object_set_new(o, "received_ms", json_integer((json_int_t)m->received_ms));
    json_object_set_new(o, "body_size", json_integer((json_int_t)m->size));
    for (uint32_t i = 0; i < m->deliveries; i++) {
        json_t *r = json_object();

        json_object_set_new(r, "rcpt_to", record_json_text(m->delivery[i].recipient));
        json_object_set_new(r, "account", json_integer((json_int_t)m->delivery[i].account));
        json_object_set_new(r, "place", json_string(place_name(m->delivery[i].place)));
        json_array_append_new(recipients, r);
    }
    json_object_set_new(o, "deliveries", recipients);
    json_object_set_new(o, "parts", record_parts(m->tree, &record_privacy_default));
    return false;
}

json_t *ctl_store_show(struct store *store, const struct id128 *id, struct span address,
                       struct writer *why)
{
    struct places p = {.array = json_array()};
    json_t *o = NULL;

    if (find_places(store, id, address, &p, why)) {
        o = json_object();
        store_message_show(store, id, show_message, o);
        json_object_set(o, "places", p.array);
    }
    json_decref(p.array);
    return o;
}

/* ---- export ---- */

/* Where the message lies in several mailboxes and no account is named it is the first. */
static void *open_bytes(void *store, const struct ctl_request *request, uint64_t *length_out,
                        struct writer *why)
{
    struct places p = {0};
    struct ctl_bytes *bytes;

    if (!find_places(store, &request->id, request->arguments[1], &p, why))
        return NULL;
    if (ctl_bytes_message(store, p.mailbox, p.uid, p.size, &bytes) != STORE_OK) {
        writer_text(why, "the message cannot be read");
        return NULL;
    }
    *length_out = ctl_bytes_length(bytes);
    return bytes;
}

static json_t *answer(void *store, const struct ctl_request *request, struct writer *why)
{
    switch (request->command) {
    case CTL_MAILBOX_LIST:
        return list_messages(store, request->arguments[0], why);
    case CTL_MAILBOX_STATUS:
        return list_mailboxes(store, request->arguments[0], why);
    case CTL_MESSAGE_SHOW:
        return ctl_store_show(store, &request->id, request->arguments[1], why);
    default:
        return ctl_care(store, request, why);
    }
}

struct ctl_subject ctl_store_subject(struct store *store)
{
    return (struct ctl_subject){.context = store,
                                .answer = answer,
                                .open = open_bytes,
                                .read = ctl_bytes_read,
                                .close = ctl_bytes_close};
}
