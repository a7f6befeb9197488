/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_OAUTH_CACHE_H
#define CONTROL_OAUTH_OAUTH_CACHE_H

#include "control/oauth/oauth_claims.h"

/*
 * Tokens that an issuer has called good, until they end; known by their hash, so that none is kept.
 * Of four that share a place the one that ends first gives way. Any thread.
 */
struct oauth_cache;

/* `size` is rounded up; 0: nothing is kept. NULL: no memory. */
struct oauth_cache *oauth_cache_new(uint32_t size);
void oauth_cache_free(struct oauth_cache *cache);
/* Until `end_ms`, monotonic. */
void oauth_cache_put(struct oauth_cache *cache, struct span token, struct span identity,
                     uint64_t end_ms);
/* Writes the identity. False: it is not known. */
bool oauth_cache_find(struct oauth_cache *cache, struct span token, uint64_t now_ms,
                      struct writer *identity);

#endif
