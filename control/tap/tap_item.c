/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_item.h"

enum { TEXTS = 9 };

_Static_assert(sizeof(struct tap_event) + sizeof(struct tap_flow_facts) + 64 <= TAP_ITEM_MESSAGE,
               "an event of a message, which has no texts, fits");

/* All texts that an event may have, in the order in which they lie behind it. */
static void texts_of(struct tap_event *e, struct span *texts_out[TEXTS])
{
    struct span *const texts[TEXTS] = {&e->name,
                                       &e->text,
                                       &e->session.greeting,
                                       &e->session.helo,
                                       &e->tls.client_hello,
                                       &e->tls.server_hello,
                                       &e->tls.certificates,
                                       &e->tls.client_certificates,
                                       &e->tls.alpn};

    memcpy(texts_out, texts, sizeof(texts));
}

void tap_item_put_event(struct tap_queue *q, const struct tap_event *event)
{
    struct tap_event copy = *event;
    struct span *texts[TEXTS];
    struct span pieces[2 + TEXTS] = {span_of((const uint8_t *)event, sizeof(*event)),
                                     span_of((const uint8_t *)event->flow, sizeof(*event->flow))};

    texts_of(&copy, texts);
    for (uint32_t i = 0; i < TEXTS; i++)
        pieces[2 + i] = *texts[i];
    tap_queue_put(q, TAP_ITEM_EVENT, pieces, 2 + TEXTS, event->kind == TAP_EVENT_MESSAGE);
}

void tap_item_read_event(struct span item, struct tap_item_event *out)
{
    struct span *texts[TEXTS];

    memcpy(&out->event, item.data, sizeof(out->event));
    item = span_skip(item, sizeof(out->event));
    memcpy(&out->flow, item.data, sizeof(out->flow));
    item = span_skip(item, sizeof(out->flow));
    out->event.flow = &out->flow;
    texts_of(&out->event, texts);
    for (uint32_t i = 0; i < TEXTS; i++) {
        *texts[i] = span_head(item, texts[i]->len);
        item = span_skip(item, texts[i]->len);
    }
}

/* ---- extracted pieces ---- */

struct piece_head {
    uint32_t piece;
    bool whole, message;
};

static bool put(void *queue, uint32_t kind, const struct piece_head *head, struct span bytes)
{
    const struct span pieces[] = {span_of((const uint8_t *)head, sizeof(*head)), bytes};

    return tap_queue_put(queue, kind, pieces, 2, false);
}

static bool open_piece(void *queue, uint32_t piece)
{
    return put(queue, TAP_ITEM_OPEN, &(struct piece_head){.piece = piece}, span_of(NULL, 0));
}

static bool put_bytes(void *queue, uint32_t piece, struct span bytes)
{
    return put(queue, TAP_ITEM_BYTES, &(struct piece_head){.piece = piece}, bytes);
}

static void close_piece(void *queue, uint32_t piece, const uint8_t *sha256, bool message)
{
    const struct piece_head head = {.piece = piece, .whole = sha256 != NULL, .message = message};

    put(queue, TAP_ITEM_CLOSE, &head, span_of(sha256, sha256 ? PART_SHA256 : 0));
}

struct tap_extract_sink tap_item_sink(struct tap_queue *queue)
{
    return (struct tap_extract_sink){
        .context = queue, .open = open_piece, .bytes = put_bytes, .close = close_piece};
}

void tap_item_replay(uint32_t kind, struct span item, const struct tap_extract_sink *to)
{
    struct piece_head head;

    memcpy(&head, item.data, sizeof(head));
    item = span_skip(item, sizeof(head));
    if (kind == TAP_ITEM_OPEN)
        to->open(to->context, head.piece);
    else if (kind == TAP_ITEM_BYTES)
        to->bytes(to->context, head.piece, item);
    else
        to->close(to->context, head.piece, head.whole ? item.data : NULL, head.message);
}
