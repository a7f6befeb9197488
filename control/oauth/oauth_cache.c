/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/oauth_cache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

enum { WAYS = 4, HASH = 32 };

struct entry {
    uint64_t end_ms; /* 0: empty */
    char *identity;
    uint8_t hash[HASH];
};

struct oauth_cache {
    pthread_mutex_t lock;
    uint32_t sets; /* a power of two, or 0 */
    struct entry *entries;
};

struct oauth_cache *oauth_cache_new(uint32_t size)
{
    struct oauth_cache *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    for (c->sets = size > 0; c->sets * WAYS < size;)
        c->sets *= 2;
    c->entries = calloc((size_t)c->sets * WAYS + 1, sizeof(*c->entries));
    if (c->entries)
        return c;
    oauth_cache_free(c);
    return NULL;
}

void oauth_cache_free(struct oauth_cache *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; c->entries && i < c->sets * WAYS; i++)
        free(c->entries[i].identity);
    free(c->entries);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct entry *set_of(const struct oauth_cache *c, struct span token, uint8_t hash[HASH])
{
    uint32_t at;

    if (!c->sets || EVP_Digest(token.data, token.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return NULL;
    memcpy(&at, hash, sizeof(at));
    return &c->entries[(size_t)(at & (c->sets - 1)) * WAYS];
}

void oauth_cache_put(struct oauth_cache *c, struct span token, struct span identity,
                     uint64_t end_ms)
{
    uint8_t hash[HASH];
    struct entry *set = set_of(c, token, hash), *e = set;
    char *copy = set ? strndup((const char *)identity.data, identity.len) : NULL;

    if (!copy)
        return;
    pthread_mutex_lock(&c->lock);
    for (int i = 1; i < WAYS; i++)
        if (set[i].end_ms < e->end_ms)
            e = &set[i];
    for (int i = 0; i < WAYS; i++)
        if (memcmp(set[i].hash, hash, HASH) == 0)
            e = &set[i];
    free(e->identity);
    e->identity = copy;
    e->end_ms = end_ms;
    memcpy(e->hash, hash, HASH);
    pthread_mutex_unlock(&c->lock);
}

bool oauth_cache_find(struct oauth_cache *c, struct span token, uint64_t now_ms,
                      struct writer *identity)
{
    uint8_t hash[HASH];
    struct entry *set = set_of(c, token, hash);
    bool found = false;

    if (!set)
        return false;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < WAYS && !found; i++) {
        found = set[i].end_ms > now_ms && memcmp(set[i].hash, hash, HASH) == 0;
        if (found)
            writer_text(identity, set[i].identity);
    }
    pthread_mutex_unlock(&c->lock);
    return found && !identity->full;
}
