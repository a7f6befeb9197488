/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include "proto/base/cursor.h"

/*
 * The log's reader takes a hole of zeros for space set aside and goes on behind it. So after a
 * power loss in the middle of a sync, the last batch may be read although rows that were written
 * ahead of it are in the hole. Nobody was told of that batch, but what it committed would be half
 * there. Batches before the last one were synced, and their rows with them.
 */

static enum store_status whole(struct rocks *r, const struct id128 *message, bool *whole_out)
{
    struct store_row_body body;
    struct store_key key;
    struct rocks_walk walk;
    uint64_t rows = 0;
    enum store_status status = rocks_value_body(r, message, &body);

    /* Deleted since, or not there: nothing is half. */
    *whole_out = true;
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    key = store_key_row(body.incarnation, message, 0);
    key.len -= sizeof(uint32_t);
    rocks_walk_begin(&walk, r, ROCKS_BODY, &key, NULL);
    while (rocks_walk_next(&walk))
        rows++;
    *whole_out = rows == body.rows;
    return rocks_walk_end(&walk);
}

static enum store_status check_each(struct rocks_batch *b, struct span list)
{
    struct cursor c = cursor_of(list);
    enum store_status status = STORE_OK;

    if (cursor_u8(&c) != ROCKS_AHEAD_VERSION)
        return STORE_CORRUPT;
    while (status == STORE_OK && cursor_left(&c) > 0) {
        struct span bytes = cursor_take(&c, sizeof(struct id128));
        struct id128 message;
        bool good;

        if (c.bad)
            return STORE_CORRUPT;
        memcpy(message.bytes, bytes.data, sizeof(message.bytes));
        status = whole(b->r, &message, &good);
        if (status == STORE_OK && !good)
            status = rocks_delete_message(b, &message);
    }
    return status;
}

enum store_status rocks_ahead_check(struct rocks *r)
{
    struct rocks_value list;
    struct rocks_batch batch;
    enum store_status status = rocks_value_get(r, r->read, ROCKS_META, span_text("ahead"), &list);

    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    if (!rocks_batch_init(&batch, r, 0)) {
        rocks_value_free(&list);
        return STORE_FAILED;
    }
    status = check_each(&batch, list.bytes);
    if (status == STORE_OK && batch.durable) {
        rocks_delete_bodies(&batch);
        status = rocks_batch_write(&batch);
    }
    rocks_batch_fini(&batch);
    rocks_value_free(&list);
    return status;
}
