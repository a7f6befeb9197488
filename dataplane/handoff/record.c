/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/record.h"

struct record_text record_put(struct record *r, struct span bytes, size_t limit)
{
    struct record_text text = {.at = r->used};
    size_t room = RECORD_ARENA - r->used;

    if (bytes.len > limit || bytes.len > room) {
        r->cut = true;
        bytes = span_head(bytes, limit < room ? limit : room);
    }
    if (bytes.len)
        memcpy(r->arena + r->used, bytes.data, bytes.len);
    text.len = (uint16_t)bytes.len;
    r->used = (uint16_t)(r->used + bytes.len);
    return text;
}

void record_reset(struct record *r, enum record_kind kind)
{
    uint16_t worker = r->worker; /* the slot's owner, to whom it goes back */

    if (kind == RECORD_CONNECTION)
        memset(r, 0, offsetof(struct record, connection) + sizeof(r->connection));
    else
        memset(r, 0, offsetof(struct record, message.rules));
    r->worker = worker;
    r->kind = (uint8_t)kind;
}
