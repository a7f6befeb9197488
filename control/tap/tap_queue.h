/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_QUEUE_H
#define CONTROL_TAP_TAP_QUEUE_H

#include <stdatomic.h>

#include "proto/base/span.h"

/*
 * What a worker of a live tap has to tell, on its way to the thread that writes it: items of any
 * length from exactly one producer to exactly one consumer, copied into memory that is taken once.
 * Neither side waits for the other; what does not fit is lost, and counted.
 */
struct tap_queue;

/* Memory of at least `size` bytes, of which `kept` are for items that must not be lost. NULL: no
 * memory. */
struct tap_queue *tap_queue_new(size_t size, size_t kept);
void tap_queue_free(struct tap_queue *queue);

/* One item made of so many pieces. `sure`: it may use what is kept. False: no room. By the
 * producer, as the next. */
bool tap_queue_put(struct tap_queue *queue, uint32_t kind, const struct span *pieces,
                   uint32_t count, bool sure);
/* Whether an item of so many bytes would fit. By the producer. */
bool tap_queue_has_room(struct tap_queue *queue, size_t len);
/* Items that did not fit, so far. Read by anyone. */
uint64_t tap_queue_lost(const struct tap_queue *queue);

/* The oldest item, its bytes aligned to 8 and valid until tap_queue_drop(). By the consumer. */
bool tap_queue_peek(struct tap_queue *queue, uint32_t *kind_out, struct span *item_out);
void tap_queue_drop(struct tap_queue *queue);

#endif
