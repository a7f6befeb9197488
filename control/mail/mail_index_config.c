/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index_config.h"

#include <limits.h>
#include <stdio.h>

bool mail_index_configured(const struct config *config, struct store *store,
                           struct mail_index **index_out)
{
    char path[PATH_MAX];
    struct mail_index_options options = {.store = store,
                                         .path = path,
                                         .text_max = (uint64_t)config->index.text,
                                         .reserve = (uint64_t)config->store.reserve,
                                         .files = (uint32_t)config->index.files};

    *index_out = NULL;
    if (!config->index.enabled || config->store.kind == CONFIG_STORE_MEMORY)
        return true;
    snprintf(path, sizeof(path), "%s/index", config->store.path);
    *index_out = mail_index_start(&options);
    return *index_out != NULL;
}
