/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_key.h"

#include "proto/base/cursor.h"

static void put(struct store_key *key, uint64_t n, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        key->bytes[key->len++] = (uint8_t)(n >> (8 * i));
}

static void put_message(struct store_key *key, const struct id128 *message)
{
    memcpy(key->bytes + key->len, message->bytes, sizeof(message->bytes));
    key->len += sizeof(message->bytes);
}

struct store_key store_key_table(enum store_table table)
{
    struct store_key key = {.len = 0};

    put(&key, table, 1);
    return key;
}

struct store_key store_key_id(enum store_table table, uint64_t id)
{
    struct store_key key = store_key_table(table);

    put(&key, id, 8);
    return key;
}

struct store_key store_key_entry(enum store_table table, uint64_t mailbox, uint32_t uid)
{
    struct store_key key = store_key_id(table, mailbox);

    put(&key, uid, 4);
    return key;
}

struct store_key store_key_tombstone(uint64_t mailbox, uint64_t modseq, uint32_t uid)
{
    struct store_key key = store_key_id(STORE_TABLE_TOMBSTONE, mailbox);

    put(&key, modseq, 8);
    put(&key, uid, 4);
    return key;
}

struct store_key store_key_imported(uint64_t account, const struct id128 *identity)
{
    struct store_key key = store_key_id(STORE_TABLE_IMPORTED, account);

    put_message(&key, identity);
    return key;
}

struct store_key store_key_message(enum store_table table, const struct id128 *message)
{
    struct store_key key = store_key_table(table);

    put_message(&key, message);
    return key;
}

struct store_key store_key_reference(const struct id128 *message, uint64_t mailbox, uint32_t uid)
{
    struct store_key key = store_key_message(STORE_TABLE_REFERENCE, message);

    put(&key, STORE_REFERENCE_ENTRY, 1);
    put(&key, mailbox, 8);
    put(&key, uid, 4);
    return key;
}

struct store_key store_key_pending(uint64_t incarnation, const struct id128 *message)
{
    struct store_key key = store_key_id(STORE_TABLE_PENDING, incarnation);

    put_message(&key, message);
    return key;
}

struct store_key store_key_row(uint64_t incarnation, const struct id128 *message, uint32_t row)
{
    struct store_key key = {.len = 0};

    put(&key, incarnation, 8);
    put_message(&key, message);
    put(&key, row, 4);
    return key;
}

struct store_key store_key_flags(uint64_t mailbox, uint32_t uid)
{
    struct store_key key = {.len = 0};

    put(&key, mailbox, 8);
    put(&key, uid, 4);
    put(&key, 0, 8);
    return key;
}

static bool whole(const struct cursor *c)
{
    return !c->bad && cursor_left(c) == 0;
}

static struct cursor behind_table(struct span key)
{
    struct cursor c = cursor_of(key);

    cursor_u8(&c);
    return c;
}

static struct id128 read_message(struct cursor *c)
{
    struct id128 id = {0};
    struct span bytes = cursor_take(c, sizeof(id.bytes));

    if (bytes.len)
        memcpy(id.bytes, bytes.data, sizeof(id.bytes));
    return id;
}

bool store_key_read_id(struct span key, uint64_t *id_out)
{
    struct cursor c = behind_table(key);

    *id_out = cursor_u64(&c);
    return whole(&c);
}

bool store_key_read_entry(struct span key, uint64_t *mailbox_out, uint32_t *uid_out)
{
    struct cursor c = behind_table(key);

    *mailbox_out = cursor_u64(&c);
    *uid_out = cursor_u32(&c);
    return whole(&c);
}

bool store_key_read_flags(struct span key, uint64_t *mailbox_out, uint32_t *uid_out)
{
    struct cursor c = cursor_of(key);

    *mailbox_out = cursor_u64(&c);
    *uid_out = cursor_u32(&c);
    cursor_u64(&c);
    return whole(&c);
}

bool store_key_read_tombstone(struct span key, uint64_t *modseq_out, uint32_t *uid_out)
{
    struct cursor c = behind_table(key);

    cursor_u64(&c);
    *modseq_out = cursor_u64(&c);
    *uid_out = cursor_u32(&c);
    return whole(&c);
}

bool store_key_read_message(struct span key, struct id128 *message_out)
{
    struct cursor c = behind_table(key);

    *message_out = read_message(&c);
    return whole(&c);
}

bool store_key_read_reference(struct span key, struct id128 *message_out, uint64_t *mailbox_out,
                              uint32_t *uid_out)
{
    struct cursor c = behind_table(key);
    uint8_t kind;

    *message_out = read_message(&c);
    kind = cursor_u8(&c);
    *mailbox_out = cursor_u64(&c);
    *uid_out = cursor_u32(&c);
    return whole(&c) && kind == STORE_REFERENCE_ENTRY;
}

bool store_key_read_pending(struct span key, uint64_t *incarnation_out, struct id128 *message_out)
{
    struct cursor c = behind_table(key);

    *incarnation_out = cursor_u64(&c);
    *message_out = read_message(&c);
    return whole(&c);
}

bool store_key_read_row(struct span key, uint64_t *incarnation_out, struct id128 *message_out,
                        uint32_t *row_out)
{
    struct cursor c = cursor_of(key);

    *incarnation_out = cursor_u64(&c);
    *message_out = read_message(&c);
    *row_out = cursor_u32(&c);
    return whole(&c);
}
