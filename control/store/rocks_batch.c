/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"

enum { KEPT_BYTES = 8 << 20 }; /* a larger batch's memory is not kept for the next */

/* The next batch finds memory of the right size: growing to it anew would move all bytes several
 * times, and the page faults of it cost more than the commit. */
static void give_rows(struct rocks_batch *b)
{
    size_t len;

    rocksdb_writebatch_data(b->rows, &len);
    if (b->r->rows || len > KEPT_BYTES) {
        rocksdb_writebatch_destroy(b->rows);
        return;
    }
    rocksdb_writebatch_clear(b->rows);
    b->r->rows = b->rows;
}

bool rocks_batch_init(struct rocks_batch *b, struct rocks *r, uint32_t messages)
{
    *b = (struct rocks_batch){.r = r, .now_ms = clock_wall_ms(), .message_cap = messages};
    b->messages = calloc(messages + 1, sizeof(*b->messages));
    b->ahead = malloc(1 + messages * sizeof(*b->messages));
    if (!b->messages || !b->ahead) {
        free(b->messages);
        free(b->ahead);
        return false;
    }
    b->ahead[b->ahead_len++] = ROCKS_AHEAD_VERSION;
    b->rows = r->rows ? r->rows : rocksdb_writebatch_create();
    r->rows = NULL;
    return true;
}

void rocks_batch_fini(struct rocks_batch *b)
{
    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++) {
        while (b->accounts[i]) {
            struct rocks_account *next = b->accounts[i]->next;

            free(b->accounts[i]);
            b->accounts[i] = next;
        }
    }
    give_rows(b);
    free(b->gone);
    free(b->messages);
    free(b->ahead);
    free(b->pieces);
    free(b->piece_lens);
}

static enum store_status read_account(struct rocks_batch *b, uint64_t id,
                                      struct rocks_account **account_out)
{
    struct rocks_account **bucket = &b->accounts[id % ROCKS_BATCH_BUCKETS];
    struct rocks_account *account = calloc(1, sizeof(*account));
    enum store_status status;

    if (!account)
        return STORE_FAILED;
    account->id = id;
    status = rocks_value_account(b->r, id, &account->row);
    if (status == STORE_OK) {
        status = rocks_value_usage(b->r, id, &account->usage);
        if (status == STORE_NONE)
            status = STORE_CORRUPT;
    }
    if (status != STORE_OK) {
        free(account);
        return status;
    }
    account->full_ms = account->usage.full_ms;
    account->next = *bucket;
    *bucket = account;
    *account_out = account;
    return STORE_OK;
}

enum store_status rocks_batch_account(struct rocks_batch *b, uint64_t id, enum message_place place,
                                      struct rocks_account **account_out)
{
    struct rocks_account *account = b->accounts[id % ROCKS_BATCH_BUCKETS];
    enum store_status status = STORE_OK;

    while (account && account->id != id)
        account = account->next;
    if (!account)
        status = read_account(b, id, &account);
    if (status == STORE_OK && !account->read[place]) {
        status =
            rocks_value_state(b->r, rocks_batch_mailbox(account, place), &account->state[place]);
        account->read[place] = status == STORE_OK;
        if (status == STORE_NONE)
            status = STORE_CORRUPT;
    }
    *account_out = account;
    return status;
}

void rocks_batch_ahead(struct rocks_batch *b, const struct id128 *message)
{
    memcpy(b->ahead + b->ahead_len, message->bytes, sizeof(message->bytes));
    b->ahead_len += sizeof(message->bytes);
}

static void put_counters(struct rocks_batch *b, const struct rocks_account *account)
{
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w;
    struct store_key key;

    for (int place = 0; place < ROCKS_PLACES; place++) {
        if (!account->changed[place])
            continue;
        w = writer_of(bytes, sizeof(bytes));
        key = store_key_id(STORE_TABLE_STATE, rocks_batch_mailbox(account, place));
        store_row_put_state(&w, &account->state[place]);
        rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    }
    if (!account->changed[MESSAGE_INBOX] && account->usage.full_ms == account->full_ms)
        return;
    w = writer_of(bytes, sizeof(bytes));
    key = store_key_id(STORE_TABLE_USAGE, account->id);
    store_row_put_usage(&w, &account->usage);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
}

/* Reserved ahead, so that the row is written once a minute and not with every batch. */
enum { CLOCK_AHEAD_MS = 60000 };

static void put_clock(struct rocks_batch *b)
{
    uint64_t latest = 0;

    for (uint32_t i = 0; i < b->message_count; i++)
        if (id128_ms(&b->messages[i]) > latest)
            latest = id128_ms(&b->messages[i]);
    if (latest <= b->r->clock)
        return;
    b->r->clock = latest + CLOCK_AHEAD_MS;
    rocks_value_put_number(b->r, b->rows, ROCKS_META, span_text("clock"), b->r->clock);
}

enum store_status rocks_batch_write(struct rocks_batch *b)
{
    struct rocks *r = b->r;

    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++)
        for (const struct rocks_account *a = b->accounts[i]; a; a = a->next)
            put_counters(b, a);
    put_clock(b);
    rocks_audit_end(b);
    if (b->durable) {
        rocks_value_put_number(r, b->rows, ROCKS_META, span_text("batch"), ++r->batch);
        rocks_value_put(r, b->rows, ROCKS_META, span_text("ahead"),
                        span_of(b->ahead, b->ahead_len));
    }
    return rocksdb_writebatch_count(b->rows) > 0 ? rocks_db_write(r, b->rows) : STORE_OK;
}
