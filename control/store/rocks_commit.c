/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>

/* ---- is it possible? ---- */

static enum store_status check_rows(struct rocks_batch *b, const struct message *m)
{
    uint64_t written = (uint64_t)m->rows_written * CHUNK_LARGE_DATA, rest = 0, there = 0;
    struct store_key key = store_key_pending(b->r->incarnation, &m->id);
    enum store_status status;

    for (const struct chunk *c = m->rest; c; c = c->next)
        rest += c->len;
    if (written + rest != m->size || m->size / CHUNK_LARGE_DATA >= UINT32_MAX)
        return STORE_FAILED;
    if (m->rows_written == 0)
        return STORE_OK;
    /* Rows written before an error made the store open again are gone. */
    status = rocks_value_number(b->r, ROCKS_INDEX, rocks_key(&key), &there);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_FAILED : status;
    return there == m->rows_written ? STORE_OK : STORE_FAILED;
}

static enum store_status check_new(struct rocks_batch *b, const struct message *m)
{
    struct store_row_body body;
    enum store_status status = rocks_value_body(b->r, &m->id, &body);

    for (uint32_t i = 0; i < b->message_count; i++)
        if (memcmp(&b->messages[i], &m->id, sizeof(m->id)) == 0)
            return STORE_FAILED;
    if (status == STORE_OK)
        return STORE_FAILED;
    return status == STORE_NONE ? STORE_OK : status;
}

/* Where it goes: a folder that is there still and its account's, else the fixed mailbox, whose state
 * was read. While the batch is made no mailbox comes or goes. */
static enum store_status box_of(struct rocks_batch *b, struct rocks_account *account,
                                const struct message_delivery *d, struct rocks_box *box)
{
    enum store_status status = STORE_NONE;

    if (d->place == MESSAGE_INBOX && d->mailbox_out)
        status = rocks_batch_box(b, d->mailbox_out, box);
    if (status == STORE_OK && box->account == account && box->place == STORE_FOLDER)
        return STORE_OK;
    if (status != STORE_OK && status != STORE_NONE)
        return status;
    *box = rocks_batch_fixed(account, d->place);
    return STORE_OK;
}

/* Adds what the delivery asks for to its account, and says whether there is room. */
static enum store_status ask(struct rocks_batch *b, const struct message *m,
                             const struct message_delivery *d)
{
    struct rocks_account *account;
    struct rocks_box box;
    enum store_status status;

    if (d->place > MESSAGE_QUARANTINE || d->prefix.len > UINT32_MAX)
        return STORE_FAILED;
    status = rocks_batch_account(b, d->account, d->place, &account);
    if (status == STORE_OK)
        status = box_of(b, account, d, &box);
    if (status != STORE_OK)
        return status;
    if (++account->asked_uids[d->place] >= UINT32_MAX - box.state->uid_next)
        return STORE_FAILED;
    if (d->place == MESSAGE_QUARANTINE) {
        account->asked_quarantine += store_row_size(m, d);
        return rocks_quarantine_ask(b, account, account->asked_quarantine);
    }
    account->asked_octets += store_row_size(m, d);
    if (!account->row.quota_octets ||
        account->usage.octets + account->asked_octets <= account->row.quota_octets)
        return STORE_OK;
    rocks_full_found(b, account, store_row_size(m, d));
    return STORE_FULL;
}

static void forget_asked(struct rocks_batch *b, const struct message *m)
{
    for (uint32_t i = 0; i < m->deliveries; i++) {
        const struct message_delivery *d = &m->delivery[i];
        struct rocks_account *a = b->accounts[d->account % ROCKS_BATCH_BUCKETS];

        while (a && a->id != d->account)
            a = a->next;
        if (a) {
            a->asked_octets = 0;
            a->asked_quarantine = 0;
            memset(a->asked_uids, 0, sizeof(a->asked_uids));
        }
    }
}

enum store_status rocks_commit_check(struct rocks_batch *b, const struct message *m)
{
    enum store_status status;

    if (!rocks_room(b->r, m->size - (uint64_t)m->rows_written * CHUNK_LARGE_DATA))
        return STORE_DISK_FULL;
    status = check_rows(b, m);
    return status == STORE_OK ? check_new(b, m) : status;
}

static enum store_status check(struct rocks_batch *b, const struct message *m)
{
    enum store_status status;

    if (m->deliveries == 0 || m->deliveries > MESSAGE_DELIVERIES)
        return STORE_FAILED;
    status = rocks_commit_check(b, m);
    /* All that are full are found at once. */
    for (uint32_t i = 0; (status == STORE_OK || status == STORE_FULL) && i < m->deliveries; i++) {
        enum store_status asked = ask(b, m, &m->delivery[i]);

        if (asked != STORE_OK)
            status = asked;
    }
    forget_asked(b, m);
    return status;
}

/* ---- its rows ---- */

static bool piece_room(struct rocks_batch *b, uint32_t pieces)
{
    const char **p;
    size_t *lens;

    if (pieces <= b->piece_cap)
        return true;
    p = realloc(b->pieces, pieces * sizeof(*p));
    if (p)
        b->pieces = p;
    lens = realloc(b->piece_lens, pieces * sizeof(*lens));
    if (lens)
        b->piece_lens = lens;
    if (!p || !lens)
        return false;
    b->piece_cap = pieces;
    return true;
}

static void put_pieces(struct rocks_batch *b, enum rocks_family family, const struct store_key *key,
                       uint32_t count)
{
    const char *key_piece = (const char *)key->bytes;

    rocksdb_writebatch_putv_cf(b->rows, b->r->family[family], 1, &key_piece, &key->len, (int)count,
                               b->pieces, b->piece_lens);
}

/* Cuts the chunks that are left into rows: each CHUNK_LARGE_DATA long but for the last. */
static void put_body(struct rocks_batch *b, const struct message *m)
{
    uint8_t head[STORE_ROW_HEAD];
    struct writer w = writer_of(head, sizeof(head));
    struct store_key key;
    const struct chunk *c = m->rest;
    uint32_t at = 0;

    store_row_put_head(&w);
    for (uint32_t row = m->rows_written; c; row++) {
        uint32_t count = 1, room = CHUNK_LARGE_DATA;

        b->pieces[0] = (const char *)head;
        b->piece_lens[0] = w.len;
        while (c && room > 0) {
            uint32_t n = c->len - at < room ? c->len - at : room;

            b->pieces[count] = (const char *)c->data + at;
            b->piece_lens[count++] = n;
            room -= n;
            at += n;
            if (at == c->len) {
                c = c->next;
                at = 0;
            }
        }
        if (room == CHUNK_LARGE_DATA)
            return;
        key = store_key_row(b->r->incarnation, &m->id, row);
        put_pieces(b, ROCKS_BODY, &key, count);
    }
}

/* A row whose value is content behind a head: prefixes and part trees. */
static void put_content(struct rocks_batch *b, const struct store_key *key, struct span content)
{
    uint8_t head[STORE_ROW_HEAD];
    struct writer w = writer_of(head, sizeof(head));

    store_row_put_head(&w);
    b->pieces[0] = (const char *)head;
    b->piece_lens[0] = w.len;
    b->pieces[1] = (const char *)content.data;
    b->piece_lens[1] = content.len;
    put_pieces(b, ROCKS_INDEX, key, 2);
}

static void put_message(struct rocks_batch *b, const struct message *m, struct writer *envelope)
{
    struct store_key key = store_key_message(STORE_TABLE_BODY, &m->id);
    struct store_row_body body = {
        .incarnation = b->r->incarnation,
        .size = m->size,
        .received_ms = m->received_ms,
        .rows = (uint32_t)((m->size + CHUNK_LARGE_DATA - 1) / CHUNK_LARGE_DATA),
    };
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    put_body(b, m);
    store_row_put_body(&w, &body);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    key = store_key_message(STORE_TABLE_ENVELOPE, &m->id);
    store_row_put_envelope(envelope, m);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(envelope));
    key = store_key_message(STORE_TABLE_TREE, &m->id);
    put_content(b, &key, m->tree);
    if (m->rows_written > 0) {
        key = store_key_pending(b->r->incarnation, &m->id);
        rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
    }
}

/* What a message has when it comes. */
struct marks {
    uint32_t flags;
    struct span keywords;
};

static void put_entry(struct rocks_batch *b, const struct message *m, uint16_t delivery,
                      const struct rocks_box *box, const struct marks *marks)
{
    const struct message_delivery *d = &m->delivery[delivery];
    uint64_t mailbox = box->id;
    struct store_entry entry = {
        .mailbox = mailbox,
        .uid = d->uid_out,
        .message = m->id,
        .incarnation = b->r->incarnation,
        .delivery = delivery,
        .prefix_len = (uint32_t)d->prefix.len,
        .size = store_row_size(m, d),
        .internal_ms = m->received_ms,
        .saved_ms = b->now_ms,
        .email_base = m->id,
        .email_delivery = delivery,
        .thread = m->id,
        .modseq = box->state->modseq,
        .flags = marks->flags,
        .keywords = marks->keywords,
        .verdict = m->verdict,
        .form = store_row_form(m),
    };
    uint8_t bytes[STORE_ROW_ENTRY];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_key key = store_key_entry(STORE_TABLE_ENTRY, mailbox, d->uid_out);

    if (d->place != MESSAGE_QUARANTINE)
        entry.verdict.len = 0;
    store_row_put_entry(&w, &entry);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    /* Without memory for keywords, without those. */
    if (!rocks_entry_put_flags(b, &entry)) {
        entry.keywords.len = 0;
        rocks_entry_put_flags(b, &entry);
    }
    key = store_key_entry(STORE_TABLE_PREFIX, mailbox, d->uid_out);
    put_content(b, &key, d->prefix);
    key = store_key_reference(&m->id, mailbox, d->uid_out);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), span_of("\1", 1));
}

static void deliver(struct rocks_batch *b, struct message *m, uint16_t delivery,
                    const struct marks *marks)
{
    struct message_delivery *d = &m->delivery[delivery];
    struct rocks_account *account;
    struct rocks_box box;

    /* Read by check() already. */
    if (rocks_batch_account(b, d->account, d->place, &account) != STORE_OK ||
        box_of(b, account, d, &box) != STORE_OK)
        return;
    if (box.place != STORE_FOLDER)
        d->mailbox_out = 0;
    if (d->place == MESSAGE_QUARANTINE)
        rocks_quarantine_evict(b, account, store_row_size(m, d));
    d->uid_out = box.state->uid_next++;
    box.state->modseq++;
    rocks_batch_count(&box, store_row_size(m, d));
    if (d->place == MESSAGE_INBOX)
        rocks_full_taken(account);
    put_entry(b, m, delivery, &box, marks);
}

enum store_status rocks_commit_put(struct rocks_batch *b, const struct message *m)
{
    size_t envelope_size = store_row_envelope_size(m);
    struct writer envelope;
    uint8_t *bytes = malloc(envelope_size);
    uint32_t pieces = 2;

    for (const struct chunk *c = m->rest; c; c = c->next)
        pieces++;
    if (!bytes || !piece_room(b, pieces)) {
        free(bytes);
        return STORE_FAILED;
    }
    envelope = writer_of(bytes, envelope_size);
    put_message(b, m, &envelope);
    free(bytes);
    b->messages[b->message_count++] = m->id;
    if (m->rows_written > 0)
        rocks_batch_ahead(b, &m->id);
    b->durable = true;
    return STORE_OK;
}

enum store_status rocks_commit_with(struct rocks_batch *b, struct message *m, uint32_t flags,
                                    struct span keywords)
{
    struct marks marks = {.flags = flags, .keywords = keywords};
    enum store_status status = check(b, m);

    if (status == STORE_OK)
        status = rocks_commit_put(b, m);
    for (uint32_t i = 0; status == STORE_OK && i < m->deliveries; i++)
        deliver(b, m, (uint16_t)i, &marks);
    return status;
}

enum store_status rocks_commit(struct rocks_batch *b, struct message *m)
{
    return rocks_commit_with(b, m, 0, span_of(NULL, 0));
}
