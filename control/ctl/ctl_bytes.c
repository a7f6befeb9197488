/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_bytes.h"

#include <stdlib.h>

struct ctl_bytes {
    uint8_t *data;
    size_t len, cap;
};

static bool note(void *context, struct span piece)
{
    struct ctl_bytes *b = context;

    if (piece.len > b->cap - b->len)
        return false;
    memcpy(b->data + b->len, piece.data, piece.len);
    b->len += piece.len;
    return true;
}

enum store_status ctl_bytes_message(struct store *store, uint64_t mailbox, uint32_t uid,
                                    uint64_t size, struct ctl_bytes **bytes_out)
{
    struct ctl_bytes *b = ctl_bytes_take(malloc(size + 1), 0);
    enum store_status status = STORE_FAILED;

    *bytes_out = NULL;
    if (b && b->data) {
        b->cap = size;
        status = store_export(store, mailbox, uid, note, b);
    }
    if (status == STORE_OK && b->len != b->cap)
        status = STORE_FAILED;
    if (status == STORE_OK)
        *bytes_out = b;
    else
        ctl_bytes_close(NULL, b);
    return status;
}

struct ctl_bytes *ctl_bytes_take(void *data, size_t len)
{
    struct ctl_bytes *b = malloc(sizeof(*b));

    if (b)
        *b = (struct ctl_bytes){.data = data, .len = len};
    else
        free(data);
    return b;
}

size_t ctl_bytes_length(const struct ctl_bytes *bytes)
{
    return bytes->len;
}

bool ctl_bytes_read(void *context, void *bytes, uint64_t offset, struct span *bytes_out)
{
    const struct ctl_bytes *b = bytes;

    *bytes_out = span_skip(span_of(b->data, b->len), offset);
    return bytes_out->len != 0;
}

void ctl_bytes_close(void *context, void *bytes)
{
    struct ctl_bytes *b = bytes;

    if (b)
        free(b->data);
    free(b);
}
