/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_PIECES_H
#define DATAPLANE_TAP_TAP_PIECES_H

#include "dataplane/handoff/chunk.h"

/* Bytes of both directions as they came, in a chunk: direction (1 byte), length (2), bytes. */
enum { TAP_PIECE_HEAD = 3 };

/* False: no room. */
static inline bool tap_piece_put(struct chunk *c, uint8_t direction, struct span bytes)
{
    if (bytes.len + TAP_PIECE_HEAD > chunk_room(c) || bytes.len > UINT16_MAX)
        return false;
    c->data[c->len] = direction;
    c->data[c->len + 1] = (uint8_t)(bytes.len >> 8);
    c->data[c->len + 2] = (uint8_t)bytes.len;
    memcpy(c->data + c->len + TAP_PIECE_HEAD, bytes.data, bytes.len);
    c->len += (uint32_t)(bytes.len + TAP_PIECE_HEAD);
    return true;
}

/* The next one; *all moves behind it. False: no more. */
static inline bool tap_piece_next(struct span *all, uint8_t *direction_out, struct span *bytes_out)
{
    size_t len;

    if (all->len < TAP_PIECE_HEAD)
        return false;
    len = (size_t)(all->data[1] << 8 | all->data[2]);
    *direction_out = all->data[0];
    *bytes_out = span_head(span_skip(*all, TAP_PIECE_HEAD), len);
    *all = span_skip(*all, TAP_PIECE_HEAD + bytes_out->len);
    return true;
}

#endif
