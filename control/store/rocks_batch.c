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

static void free_folders(struct rocks_account *account)
{
    while (account->folders) {
        struct rocks_folder *next = account->folders->next;

        free(account->folders);
        account->folders = next;
    }
}

void rocks_batch_fini(struct rocks_batch *b)
{
    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++) {
        while (b->accounts[i]) {
            struct rocks_account *next = b->accounts[i]->next;

            free_folders(b->accounts[i]);
            free(b->accounts[i]);
            b->accounts[i] = next;
        }
    }
    rocks_keywords_free(b);
    give_rows(b);
    free(b->gone);
    free(b->gone_slots);
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
        account->before[place] = account->state[place];
        if (status == STORE_NONE)
            status = STORE_CORRUPT;
    }
    *account_out = account;
    return status;
}

static enum store_status find_folder(struct rocks_batch *b, struct rocks_account *account,
                                     uint64_t mailbox, struct rocks_folder **folder_out)
{
    struct rocks_folder *folder = account->folders;
    enum store_status status;

    while (folder && folder->id != mailbox)
        folder = folder->next;
    *folder_out = folder;
    if (folder)
        return STORE_OK;
    folder = calloc(1, sizeof(*folder));
    if (!folder)
        return STORE_FAILED;
    status = rocks_must(rocks_value_state(b->r, mailbox, &folder->state));
    if (status != STORE_OK) {
        free(folder);
        return status;
    }
    folder->before = folder->state;
    folder->id = mailbox;
    folder->next = account->folders;
    account->folders = *folder_out = folder;
    return STORE_OK;
}

enum store_status rocks_batch_box(struct rocks_batch *b, uint64_t mailbox, struct rocks_box *box)
{
    struct store_row_mailbox row;
    struct rocks_folder *folder;
    enum store_status status = rocks_value_mailbox(b->r, mailbox, &row);

    if (status != STORE_OK || row.place == STORE_ROW_GONE)
        return status == STORE_OK ? STORE_NONE : status;
    if (row.place <= MESSAGE_QUARANTINE) {
        status = rocks_batch_account(b, row.account, row.place, &box->account);
        if (status == STORE_OK)
            *box = rocks_batch_fixed(box->account, row.place);
        return status;
    }
    status = rocks_batch_account(b, row.account, MESSAGE_INBOX, &box->account);
    if (status == STORE_OK)
        status = find_folder(b, box->account, mailbox, &folder);
    if (status != STORE_OK)
        return status;
    box->id = mailbox;
    box->place = row.place;
    box->state = &folder->state;
    box->changed = &folder->changed;
    return STORE_OK;
}

struct rocks_box rocks_batch_fixed(struct rocks_account *account, enum message_place place)
{
    return (struct rocks_box){.id = rocks_batch_mailbox(account, place),
                              .place = (uint8_t)place,
                              .account = account,
                              .state = &account->state[place],
                              .changed = &account->changed[place]};
}

void rocks_batch_count(const struct rocks_box *box, uint64_t octets)
{
    box->state->messages++;
    box->state->octets += octets;
    *box->changed = true;
    if (box->place == MESSAGE_QUARANTINE)
        return;
    box->account->usage.messages++;
    box->account->usage.octets += octets;
    box->account->usage_changed = true;
}

static void subtract(uint64_t *counter, uint64_t n)
{
    *counter -= n < *counter ? n : *counter;
}

void rocks_batch_uncount(const struct rocks_box *box, uint64_t octets)
{
    subtract(&box->state->messages, 1);
    subtract(&box->state->octets, octets);
    *box->changed = true;
    if (box->place == MESSAGE_QUARANTINE)
        return;
    subtract(&box->account->usage.messages, 1);
    subtract(&box->account->usage.octets, octets);
    box->account->usage_changed = true;
    rocks_full_freed(box->account);
}

void rocks_batch_uncount_all(const struct rocks_box *box)
{
    subtract(&box->account->usage.messages, box->state->messages);
    subtract(&box->account->usage.octets, box->state->octets);
    box->account->usage_changed = true;
    rocks_full_freed(box->account);
}

void rocks_batch_ahead(struct rocks_batch *b, const struct id128 *message)
{
    memcpy(b->ahead + b->ahead_len, message->bytes, sizeof(message->bytes));
    b->ahead_len += sizeof(message->bytes);
}

static void put_state(struct rocks_batch *b, uint64_t mailbox, const struct store_row_state *state)
{
    struct store_key key = store_key_id(STORE_TABLE_STATE, mailbox);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    store_row_put_state(&w, state);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
}

static void put_counters(struct rocks_batch *b, const struct rocks_account *account)
{
    struct store_key key = store_key_id(STORE_TABLE_USAGE, account->id);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    for (int place = 0; place < ROCKS_PLACES; place++)
        if (account->changed[place])
            put_state(b, rocks_batch_mailbox(account, place), &account->state[place]);
    for (const struct rocks_folder *folder = account->folders; folder; folder = folder->next)
        if (folder->changed)
            put_state(b, folder->id, &folder->state);
    if (!account->usage_changed && account->usage.full_ms == account->full_ms)
        return;
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

static bool has_news(const struct store_row_state *before, const struct store_row_state *now)
{
    return now->uid_next != before->uid_next || now->messages != before->messages;
}

void rocks_batch_tell(const struct rocks_batch *b)
{
    struct store *store = &b->r->store;

    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++) {
        for (const struct rocks_account *a = b->accounts[i]; a; a = a->next) {
            for (int place = 0; place < ROCKS_PLACES; place++)
                if (has_news(&a->before[place], &a->state[place]))
                    store_watched_tell(store, rocks_batch_mailbox(a, place));
            for (const struct rocks_folder *f = a->folders; f; f = f->next)
                if (has_news(&f->before, &f->state))
                    store_watched_tell(store, f->id);
        }
    }
}

enum store_status rocks_batch_write(struct rocks_batch *b)
{
    struct rocks *r = b->r;

    for (int i = 0; i < ROCKS_BATCH_BUCKETS; i++)
        for (const struct rocks_account *a = b->accounts[i]; a; a = a->next)
            put_counters(b, a);
    put_clock(b);
    rocks_keywords_put(b);
    rocks_audit_end(b);
    if (b->durable) {
        rocks_value_put_number(r, b->rows, ROCKS_META, span_text("batch"), ++r->batch);
        rocks_value_put(r, b->rows, ROCKS_META, span_text("ahead"),
                        span_of(b->ahead, b->ahead_len));
    }
    if (rocksdb_writebatch_count(b->rows) == 0)
        return STORE_OK;
    return b->lazy && !b->durable ? rocks_lazy_write(r, b->rows) : rocks_db_write(r, b->rows);
}
