/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/store_start.h"

#include "control/log/log.h"

struct store *store_start(const struct config *config)
{
    char error[STORE_ERROR] = "";
    struct store *store = NULL;
    struct store_options options = {.path = config->store.path,
                                    .sync = config->store.sync,
                                    .node = (uint16_t)config->engine.node,
                                    .reserve_bytes = (uint64_t)config->store.reserve,
                                    .memory_bytes = (uint64_t)config->store.memory,
                                    .prefault = config->store.prefault};
    enum store_status status = config->store.kind == CONFIG_STORE_MEMORY
                                   ? store_memory_open(&options, &store, error)
                                   : store_rocks_open(&options, &store, error);

    if (status == STORE_OK)
        return store;
    LOG(ERROR, "store %s: %s: %s", config->store.path, store_status_name(status), error);
    return NULL;
}
