/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_erase.h"

#include "proto/base/cursor.h"

enum { VERSION = 1 };

void store_erasure_put(struct writer *w, const struct store_erasure *row,
                       const struct store_reason *reason)
{
    writer_byte(w, VERSION);
    writer_uint(w, row->inbox, 8);
    writer_uint(w, row->quarantine, 8);
    writer_uint(w, row->messages, 8);
    writer_uint(w, row->octets, 8);
    writer_uint(w, row->shared, 8);
    writer_uint(w, row->shared_octets, 8);
    writer_blob(w, span_head(row->key, STORE_NAME));
    writer_blob(w, span_head(reason->who, STORE_WHO));
    writer_blob(w, span_head(reason->why, STORE_WHY));
}

bool store_erasure_read(struct span value, struct store_erasure *row_out,
                        struct store_reason *reason_out)
{
    struct cursor c = cursor_of(value);
    bool known = cursor_u8(&c) == VERSION;

    row_out->inbox = cursor_u64(&c);
    row_out->quarantine = cursor_u64(&c);
    row_out->messages = cursor_u64(&c);
    row_out->octets = cursor_u64(&c);
    row_out->shared = cursor_u64(&c);
    row_out->shared_octets = cursor_u64(&c);
    row_out->key = cursor_blob(&c);
    reason_out->who = cursor_blob(&c);
    reason_out->why = cursor_blob(&c);
    return known && !c.bad && cursor_left(&c) == 0;
}
