/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "control/store/store_row.h"

enum { LEAST_PIECE = 512 }; /* the end of a segment that is shorter is left */

static struct memory_piece *new_piece(struct memory *m, struct memory_lane *lane, uint64_t bytes)
{
    uint32_t got;
    struct memory_piece *piece = memory_arena_take_some(&m->arena, lane, LEAST_PIECE,
                                                        sizeof(struct memory_piece) + bytes, &got);

    if (piece) {
        piece->next = NULL;
        piece->len = got - (uint32_t)sizeof(*piece);
    }
    return piece;
}

bool memory_body_add(struct memory *m, struct memory_lane *lane, struct memory_filling *f,
                     struct span bytes)
{
    while (bytes.len > 0) {
        uint32_t room = f->piece ? f->piece->len - f->filled : 0;
        size_t n = bytes.len < room ? bytes.len : room;

        if (n == 0) {
            f->piece = new_piece(m, lane, f->left);
            if (!f->piece)
                return false;
            *f->end = f->piece;
            f->end = &f->piece->next;
            f->filled = 0;
            continue;
        }
        memcpy(f->piece->data + f->filled, bytes.data, n);
        f->filled += (uint32_t)n;
        f->left -= n;
        bytes = span_skip(bytes, n);
    }
    return true;
}

struct memory_body *memory_body_new(struct memory *m, struct memory_lane *lane,
                                    const struct message *message)
{
    size_t envelope = store_row_envelope_size(message);
    struct memory_body *body =
        memory_arena_take(&m->arena, lane, sizeof(*body) + envelope + message->tree.len);
    struct writer w;

    if (!body)
        return NULL;
    *body = (struct memory_body){.id = message->id,
                                 .size = message->size,
                                 .received_ms = message->received_ms,
                                 .tree = (uint32_t)message->tree.len};
    w = writer_of(body->bytes, envelope);
    store_row_put_envelope(&w, message);
    body->envelope = (uint32_t)w.len;
    if (body->tree)
        memcpy(body->bytes + body->envelope, message->tree.data, body->tree);
    return body;
}

void memory_body_free_pieces(struct memory *m, struct memory_piece *first)
{
    while (first) {
        struct memory_piece *next = first->next;

        memory_arena_give(&m->arena, first);
        first = next;
    }
}

void memory_body_release(struct memory *m, struct memory_body *body)
{
    if (body->entries || body->held)
        return;
    memory_ids_remove(&m->ids, memory_ids_hash(&body->id), memory_arena_ref(&m->arena, body));
    memory_body_free_pieces(m, body->first);
    memory_arena_give(&m->arena, body);
}

struct memory_body *memory_body_find(struct memory *m, const struct id128 *id)
{
    struct memory_ids_search search = {.hash = memory_ids_hash(id)};
    uint32_t number;

    while ((number = memory_ids_next(&m->ids, &search)) != 0) {
        struct memory_body *body = memory_arena_at(&m->arena, number);

        if (memcmp(&body->id, id, sizeof(*id)) == 0)
            return body;
    }
    return NULL;
}
