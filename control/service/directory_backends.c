/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/directory_backends.h"

#include <errno.h>

#include "control/directory/store_backend.h"
#include "control/ldap/ldap_backend.h"

static struct directory_backend *make_store(const struct config *config, struct store *store,
                                            struct writer *why)
{
    struct directory_backend *b = store_backend_new(
        &(struct store_backend_options){.store = store, .method = config_hash_prefix(config)});

    if (!b)
        writer_printf(why, "directory.backends: store: %s\n", strerror(errno));
    return b;
}

static struct directory_backend *make_ldap(const struct config *config, struct store *store,
                                           struct writer *why)
{
    return ldap_backend_new(config, why);
}

/* Each begins what it needs of threads; NULL with lines in `why`. */
static const struct {
    const char *name;
    struct directory_backend *(*make)(const struct config *config, struct store *store,
                                      struct writer *why);
} kinds[] = {
    {"store", make_store},
    {"ldap", make_ldap},
};

static struct directory_backend *make(const char *name, const struct config *config,
                                      struct store *store, struct writer *why)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].make(config, store, why);
    return NULL;
}

struct directory_chain *directory_backends_make(const struct config *config, struct store *store,
                                                struct directory_backend *first, struct writer *why)
{
    struct directory_backend *backends[DIRECTORY_BACKENDS] = {first};
    struct directory_chain *chain = NULL;
    uint32_t n = 1;
    bool ok = true;

    for (uint32_t i = 0; ok && i < config->directory.backends_count; i++) {
        if (strcmp(config->directory.backends[i], first->ops->name) == 0)
            continue;
        backends[n] = make(config->directory.backends[i], config, store, why);
        ok = backends[n] != NULL;
        n += ok;
    }
    if (ok)
        chain = directory_chain_new(backends, n);
    for (uint32_t i = 0; !chain && i < n; i++)
        backends[i]->ops->free(backends[i]);
    return chain;
}
