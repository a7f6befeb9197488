/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_GREYLIST_H
#define CONTROL_STORE_STORE_GREYLIST_H

#include "control/store/store.h"

/*
 * What greylisting remembers: rows of its own, in keys of its owner's making. Written without a
 * sync, so that no commit waits for them: a power loss may take the last seconds.
 */
enum { STORE_GREYLIST_KEY = 700 };

struct store_greylist_row {
    struct span key;            /* at most STORE_GREYLIST_KEY bytes */
    uint64_t first_ms, last_ms; /* wall clock; last_ms 0, in a put: the row goes */
    uint32_t passes;
};

/* STORE_NONE when there is no such row. Fills all but the key. */
enum store_status store_greylist_find(struct store *store, struct span key,
                                      struct store_greylist_row *row_out);
/* All or nothing. */
enum store_status store_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                     uint32_t count);
/* False ends the walk. Spans are valid during the call. */
typedef bool store_greylist_visit(void *context, const struct store_greylist_row *row);
/* In the order of keys, from `start` on. What is put meanwhile may show or not. */
enum store_status store_greylist_walk(struct store *store, struct span start,
                                      store_greylist_visit *visit, void *context);

#endif
