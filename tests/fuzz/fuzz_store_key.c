/* SPDX-License-Identifier: BSD-3-Clause */
/* A key as a damaged disk might give it. What a reader takes, its writer makes again. */
#include <stdlib.h>

#include "control/store/store_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct store_key key, struct span read, size_t behind)
{
    if (!span_equal(span_skip(span_of(key.bytes, key.len), behind), span_skip(read, behind)))
        abort();
}

static void read_ids(struct span key)
{
    uint64_t id, number;
    uint32_t uid;

    if (store_key_read_id(key, &id))
        same(store_key_id((enum store_table)key.data[0], id), key, 0);
    if (store_key_read_entry(key, &id, &uid))
        same(store_key_entry((enum store_table)key.data[0], id, uid), key, 0);
    /* A reader of tombstones knows the mailbox that it walks over. */
    if (store_key_read_tombstone(key, &number, &uid))
        same(store_key_tombstone(0, number, uid), key, 9);
    /* And one of flags does not ask whose they are. */
    if (store_key_read_flags(key, &id, &uid)) {
        struct store_key flags = store_key_flags(id, uid);

        flags.len -= 8;
        same(flags, span_head(key, flags.len), 0);
    }
}

static void read_messages(struct span key)
{
    struct id128 message;
    uint64_t number;
    uint32_t uid;

    if (store_key_read_message(key, &message))
        same(store_key_message((enum store_table)key.data[0], &message), key, 0);
    if (store_key_read_reference(key, &message, &number, &uid))
        same(store_key_reference(&message, number, uid), key, 1);
    if (store_key_read_pending(key, &number, &message))
        same(store_key_pending(number, &message), key, 1);
    if (store_key_read_row(key, &number, &message, &uid))
        same(store_key_row(number, &message, uid), key, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_ids(span_of(data, size));
    read_messages(span_of(data, size));
    return 0;
}
