/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_row.h"

#include "proto/base/cursor.h"
#include "proto/mime/mime_tree.h"

/* The version that every encoding below begins with. Each grows on its own. */
enum { VERSION = 1, TOMBSTONE_VERSION = 2, USAGE_VERSION = 2 };

static struct cursor begin(struct span value)
{
    struct cursor c = cursor_of(value);

    if (cursor_u8(&c) != VERSION)
        c.bad = true;
    return c;
}

static bool whole(const struct cursor *c)
{
    return !c->bad && cursor_left(c) == 0;
}

static void put_id(struct writer *w, const struct id128 *id)
{
    writer_span_put(w, span_of(id->bytes, sizeof(id->bytes)));
}

static struct id128 read_id(struct cursor *c)
{
    struct id128 id = {0};
    struct span bytes = cursor_take(c, sizeof(id.bytes));

    if (bytes.len)
        memcpy(id.bytes, bytes.data, sizeof(id.bytes));
    return id;
}

void store_row_put_number(struct writer *w, uint64_t number)
{
    writer_byte(w, VERSION);
    writer_uint(w, number, 8);
}

bool store_row_read_number(struct span value, uint64_t *number_out)
{
    struct cursor c = begin(value);

    *number_out = cursor_u64(&c);
    return whole(&c);
}

void store_row_put_domain(struct writer *w, const struct store_row_domain *row)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->tenant, 8);
    writer_byte(w, row->class);
}

bool store_row_read_domain(struct span value, struct store_row_domain *row_out)
{
    struct cursor c = begin(value);

    row_out->tenant = cursor_u64(&c);
    row_out->class = cursor_u8(&c);
    return whole(&c);
}

void store_row_put_account(struct writer *w, const struct store_row_account *row)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->domain, 8);
    writer_uint(w, row->inbox, 8);
    writer_uint(w, row->quarantine, 8);
    writer_uint(w, row->quota_octets, 8);
}

bool store_row_read_account(struct span value, struct store_row_account *row_out)
{
    struct cursor c = begin(value);

    row_out->domain = cursor_u64(&c);
    row_out->inbox = cursor_u64(&c);
    row_out->quarantine = cursor_u64(&c);
    row_out->quota_octets = cursor_u64(&c);
    return whole(&c);
}

void store_row_put_usage(struct writer *w, const struct store_row_usage *row)
{
    /* One that is not full stays as it was before accounts knew since when they are. */
    writer_byte(w, row->full_ms ? USAGE_VERSION : VERSION);
    writer_uint(w, row->messages, 8);
    writer_uint(w, row->octets, 8);
    if (row->full_ms)
        writer_uint(w, row->full_ms, 8);
}

bool store_row_read_usage(struct span value, struct store_row_usage *row_out)
{
    struct cursor c = cursor_of(value);
    uint8_t version = cursor_u8(&c);

    row_out->messages = cursor_u64(&c);
    row_out->octets = cursor_u64(&c);
    row_out->full_ms = version == USAGE_VERSION ? cursor_u64(&c) : 0;
    return whole(&c) && (version == USAGE_VERSION ? row_out->full_ms != 0 : version == VERSION);
}

/* Version 2 has what the mailbox is for behind what version 1 had. */
enum { MAILBOX_VERSION = 2 };

void store_row_put_mailbox(struct writer *w, const struct store_row_mailbox *row)
{
    bool plain = row->place <= MESSAGE_QUARANTINE && row->uses == 0;

    writer_byte(w, plain ? VERSION : MAILBOX_VERSION);
    writer_uint(w, row->account, 8);
    writer_byte(w, row->place);
    writer_uint(w, row->uid_validity, 4);
    if (!plain)
        writer_uint(w, row->uses, 2);
}

bool store_row_read_mailbox(struct span value, struct store_row_mailbox *row_out)
{
    struct cursor c = cursor_of(value);
    uint8_t version = cursor_u8(&c);

    row_out->account = cursor_u64(&c);
    row_out->place = cursor_u8(&c);
    row_out->uid_validity = cursor_u32(&c);
    row_out->uses = version == MAILBOX_VERSION ? cursor_u16(&c) : 0;
    return whole(&c) && row_out->place <= STORE_ROW_GONE &&
           (version == MAILBOX_VERSION
                ? row_out->place > MESSAGE_QUARANTINE || row_out->uses != 0
                : version == VERSION && row_out->place <= MESSAGE_QUARANTINE);
}

void store_row_put_state(struct writer *w, const struct store_row_state *row)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->uid_next, 4);
    writer_uint(w, row->modseq, 8);
    writer_uint(w, row->messages, 8);
    writer_uint(w, row->octets, 8);
}

bool store_row_read_state(struct span value, struct store_row_state *row_out)
{
    struct cursor c = begin(value);

    row_out->uid_next = cursor_u32(&c);
    row_out->modseq = cursor_u64(&c);
    row_out->messages = cursor_u64(&c);
    row_out->octets = cursor_u64(&c);
    if (row_out->modseq == 0)
        row_out->modseq = 1; /* of older programs: RFC 7162 section 3.1.2.1 has none below */
    return whole(&c) && row_out->uid_next > 0;
}

void store_row_put_body(struct writer *w, const struct store_row_body *row)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->incarnation, 8);
    writer_uint(w, row->rows, 4);
    writer_uint(w, row->size, 8);
    writer_uint(w, row->received_ms, 8);
}

bool store_row_read_body(struct span value, struct store_row_body *row_out)
{
    struct cursor c = begin(value);

    row_out->incarnation = cursor_u64(&c);
    row_out->rows = cursor_u32(&c);
    row_out->size = cursor_u64(&c);
    row_out->received_ms = cursor_u64(&c);
    return whole(&c) && row_out->rows == row_out->size / CHUNK_LARGE_DATA +
                                             (row_out->size % CHUNK_LARGE_DATA != 0);
}

/* Version 2 has the form behind what version 1 had. */
enum { ENTRY_VERSION = 2, FORMS = POP3_FORM_UTF8 | POP3_FORM_BINARY };

void store_row_put_entry(struct writer *w, const struct store_entry *entry)
{
    writer_byte(w, ENTRY_VERSION);
    put_id(w, &entry->message);
    writer_uint(w, entry->incarnation, 8);
    writer_uint(w, entry->delivery, 2);
    writer_uint(w, entry->prefix_len, 4);
    writer_uint(w, entry->size, 8);
    writer_uint(w, entry->internal_ms, 8);
    writer_uint(w, entry->saved_ms, 8);
    put_id(w, &entry->email_base);
    writer_uint(w, entry->email_delivery, 2);
    put_id(w, &entry->thread);
    writer_byte(w, entry->retention);
    writer_blob(w, entry->uidl);
    writer_blob(w, span_head(entry->verdict, STORE_ROW_VERDICT));
    writer_byte(w, entry->form);
}

bool store_row_read_entry(struct span value, struct store_entry *entry_out)
{
    struct cursor c = cursor_of(value);
    uint8_t version = cursor_u8(&c);

    entry_out->message = read_id(&c);
    entry_out->incarnation = cursor_u64(&c);
    entry_out->delivery = cursor_u16(&c);
    entry_out->prefix_len = cursor_u32(&c);
    entry_out->size = cursor_u64(&c);
    entry_out->internal_ms = cursor_u64(&c);
    entry_out->saved_ms = cursor_u64(&c);
    entry_out->email_base = read_id(&c);
    entry_out->email_delivery = cursor_u16(&c);
    entry_out->thread = read_id(&c);
    entry_out->retention = cursor_u8(&c);
    entry_out->uidl = cursor_blob(&c);
    entry_out->verdict = cursor_blob(&c);
    entry_out->form = version == VERSION ? 0 : cursor_u8(&c);
    return whole(&c) && version >= VERSION && version <= ENTRY_VERSION &&
           !(entry_out->form & ~FORMS) && entry_out->prefix_len <= entry_out->size &&
           entry_out->delivery < MESSAGE_DELIVERIES && entry_out->uidl.len <= STORE_UIDL &&
           entry_out->verdict.len <= STORE_ROW_VERDICT;
}

static bool are_blobs(struct span blobs)
{
    struct cursor c = cursor_of(blobs);

    while (!c.bad && cursor_left(&c) > 0)
        cursor_blob(&c);
    return !c.bad;
}

void store_row_put_keywords(struct writer *w, struct span keywords)
{
    writer_byte(w, VERSION);
    writer_span_put(w, keywords);
}

bool store_row_read_keywords(struct span value, struct span *keywords_out)
{
    struct cursor c = begin(value);

    *keywords_out = cursor_take(&c, cursor_left(&c));
    return whole(&c) && are_blobs(*keywords_out);
}

void store_row_put_flags(struct writer *w, const struct store_entry *entry)
{
    writer_byte(w, VERSION);
    writer_uint(w, entry->modseq, 8);
    writer_uint(w, entry->flags, 4);
    writer_span_put(w, entry->keywords);
}

bool store_row_read_flags(struct span value, struct store_entry *entry_out)
{
    struct cursor c = begin(value);

    entry_out->modseq = cursor_u64(&c);
    entry_out->flags = cursor_u32(&c);
    entry_out->keywords = cursor_take(&c, cursor_left(&c));
    return whole(&c) && are_blobs(entry_out->keywords);
}

void store_row_put_tombstone(struct writer *w, const struct store_row_tombstone *row)
{
    writer_byte(w, TOMBSTONE_VERSION);
    put_id(w, &row->message);
    writer_uint(w, row->deleted_ms, 8);
}

bool store_row_read_tombstone(struct span value, struct store_row_tombstone *row_out)
{
    struct cursor c = cursor_of(value);

    if (cursor_u8(&c) != TOMBSTONE_VERSION)
        c.bad = true;
    row_out->message = read_id(&c);
    row_out->deleted_ms = cursor_u64(&c);
    return whole(&c);
}

bool store_row_read_tombstone_1(struct span value, struct id128 *message_out)
{
    struct cursor c = begin(value);

    *message_out = read_id(&c);
    return whole(&c);
}

/* Bits of the envelope's flag byte. */
enum { REQUIRE_TLS = 1, SMTPUTF8 = 2, TLS_OPTIONAL = 4 };

enum {
    ENVELOPE_FIXED = 80,
    RECIPIENT_FIXED = 24
}; /* rounded up: numbers and lengths, without the spans' bytes */

uint8_t store_row_form(const struct message *m)
{
    bool utf8 = m->envelope.smtputf8 || mime_tree_utf8(m->tree);

    return (uint8_t)((utf8 ? POP3_FORM_UTF8 : 0) |
                     (m->envelope.body == MESSAGE_BODY_BINARYMIME ? POP3_FORM_BINARY : 0));
}

uint64_t store_row_size(const struct message *m, const struct message_delivery *d)
{
    return m->size + d->prefix.len;
}

size_t store_row_envelope_size(const struct message *message)
{
    const struct message_envelope *e = &message->envelope;
    size_t size =
        ENVELOPE_FIXED + e->sender.len + e->helo.len + e->authenticated.len + e->envid.len;

    for (uint32_t i = 0; i < message->deliveries; i++)
        size +=
            RECIPIENT_FIXED + message->delivery[i].recipient.len + message->delivery[i].orcpt.len;
    return size;
}

void store_row_put_envelope(struct writer *w, const struct message *message)
{
    const struct message_envelope *e = &message->envelope;

    writer_byte(w, VERSION);
    writer_blob(w, e->sender);
    writer_blob(w, e->helo);
    writer_blob(w, e->authenticated);
    writer_blob(w, e->envid);
    writer_span_put(w, span_of(e->client.bytes, sizeof(e->client.bytes)));
    writer_uint(w, e->client_port, 2);
    writer_byte(w, e->body);
    writer_byte(w, e->ret);
    writer_byte(w, (uint8_t)((e->require_tls ? REQUIRE_TLS : 0) | (e->smtputf8 ? SMTPUTF8 : 0) |
                             (e->tls_optional ? TLS_OPTIONAL : 0)));
    writer_byte(w, (uint8_t)e->priority);
    writer_uint(w, e->deliver_by_ms, 8);
    writer_uint(w, e->hold_until_ms, 8);
    writer_uint(w, message->deliveries, 2);
    for (uint32_t i = 0; i < message->deliveries; i++) {
        const struct message_delivery *d = &message->delivery[i];

        writer_uint(w, d->account, 8);
        writer_byte(w, d->notify);
        writer_byte(w, d->place);
        writer_blob(w, d->recipient);
        writer_blob(w, d->orcpt);
    }
}

static void read_recipient(struct cursor *c, struct store_recipient *r)
{
    r->account = cursor_u64(c);
    r->notify = cursor_u8(c);
    r->place = cursor_u8(c);
    r->recipient = cursor_blob(c);
    r->orcpt = cursor_blob(c);
}

bool store_row_read_envelope(struct span value, struct store_message *message_out)
{
    struct message_envelope *e = &message_out->envelope;
    struct cursor c = begin(value);
    struct span client;
    uint8_t flags;

    e->sender = cursor_blob(&c);
    e->helo = cursor_blob(&c);
    e->authenticated = cursor_blob(&c);
    e->envid = cursor_blob(&c);
    client = cursor_take(&c, sizeof(e->client.bytes));
    if (client.len)
        memcpy(e->client.bytes, client.data, sizeof(e->client.bytes));
    e->client_port = cursor_u16(&c);
    e->body = cursor_u8(&c);
    e->ret = cursor_u8(&c);
    flags = cursor_u8(&c);
    e->require_tls = flags & REQUIRE_TLS;
    e->smtputf8 = flags & SMTPUTF8;
    e->tls_optional = flags & TLS_OPTIONAL;
    e->priority = (int8_t)cursor_u8(&c);
    e->deliver_by_ms = cursor_u64(&c);
    e->hold_until_ms = cursor_u64(&c);
    message_out->deliveries = cursor_u16(&c);
    if (c.bad || message_out->deliveries > MESSAGE_DELIVERIES)
        return false;
    for (uint32_t i = 0; i < message_out->deliveries; i++)
        read_recipient(&c, &message_out->delivery[i]);
    return whole(&c);
}

enum { FORMAT = 1 };

void store_row_put_head(struct writer *w)
{
    writer_byte(w, FORMAT);
    writer_uint(w, 0, 7);
}

bool store_row_read_content(struct span value, struct span *content_out)
{
    struct cursor c = cursor_of(value);
    uint8_t format = cursor_u8(&c);
    uint64_t transforms = cursor_uint(&c, 7);

    *content_out = cursor_take(&c, cursor_left(&c));
    return !c.bad && format == FORMAT && transforms == 0;
}
