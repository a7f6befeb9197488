/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_ITEM_H
#define CONTROL_TAP_TAP_ITEM_H

#include "control/tap/tap_extract.h"
#include "control/tap/tap_queue.h"

/* What a worker of a live tap puts into its queue, and how it is read again. */
enum tap_item_kind {
    TAP_ITEM_EVENT,
    TAP_ITEM_OPEN, /* of extracted pieces */
    TAP_ITEM_BYTES,
    TAP_ITEM_CLOSE,
};

/* An event of a message is put even where only what the queue has kept is left: its record waits
 * for it. */
enum { TAP_ITEM_MESSAGE = 1024 };

/* On the worker. Lost, and counted by the queue, when there is no room. */
void tap_item_put_event(struct tap_queue *queue, const struct tap_event *event);
/* The context is the queue. */
struct tap_extract_sink tap_item_sink(struct tap_queue *queue);

/* On the thread that writes. The texts lie in the item. */
struct tap_item_event {
    struct tap_event event;
    struct tap_flow_facts flow;
};
void tap_item_read_event(struct span item, struct tap_item_event *out);
/* An item of a piece, given to who keeps pieces. */
void tap_item_replay(uint32_t kind, struct span item, const struct tap_extract_sink *to);

#endif
