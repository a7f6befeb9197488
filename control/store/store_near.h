/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_NEAR_H
#define CONTROL_STORE_STORE_NEAR_H

#include "control/store/store.h"

/*
 * A store that never makes anybody wait may be asked by workers themselves, on their own threads:
 * each of these functions takes no lock, no memory from the system, and a bounded time. Workers are
 * numbered, and are readers under liburcu's QSBR flavour. What a store does not do so it leaves to
 * control threads: false, and nothing has happened that would stand in their way.
 *
 * Of such a store also store_view_read() and store_unpin() may be called by the worker whose
 * session has the view.
 */
bool store_is_near(const struct store *store);
/* STORE_COMMIT of one message. */
bool store_commit_near(struct store *store, uint16_t worker, struct message *message,
                       enum store_status *status_out);
/* As store_write(). Rows and commit of a message come from the same worker. */
bool store_write_near(struct store *store, uint16_t worker, const struct id128 *message,
                      uint32_t row, struct span bytes, enum store_status *status_out);
/* STORE_DISCARD, which cannot fail. */
bool store_discard_near(struct store *store, uint16_t worker, const struct id128 *message);

#endif
