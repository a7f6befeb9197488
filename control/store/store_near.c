/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_near.h"

#include "control/store/store_ops.h"

bool store_is_near(const struct store *store)
{
    return store->ops->near != NULL;
}

bool store_commit_near(struct store *store, uint16_t worker, struct message *message,
                       enum store_status *status_out)
{
    return store->ops->near->commit(store, worker, message, status_out);
}

bool store_write_near(struct store *store, uint16_t worker, const struct id128 *message,
                      uint32_t row, struct span bytes, enum store_status *status_out)
{
    return store->ops->near->write(store, worker, message, row, bytes, status_out);
}

bool store_discard_near(struct store *store, uint16_t worker, const struct id128 *message)
{
    return store->ops->near->discard(store, worker, message);
}
