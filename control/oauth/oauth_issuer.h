/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_OAUTH_ISSUER_H
#define CONTROL_OAUTH_OAUTH_ISSUER_H

#include "control/oauth/oauth_claims.h"
#include "control/oauth/oauth_http.h"

/* One identity provider: its keys, fetched and kept for a while, or where it is asked. Any thread.
 */
struct oauth_issuer;

struct oauth_issuer_times {
    uint32_t timeout_ms, key_lifetime_ms, key_refetch_ms, cache_ms;
    double skew;
    uint32_t cache; /* entries */
};

/* NULL: no memory, or a line in `why` says what of its files cannot be read. */
struct oauth_issuer *oauth_issuer_new(const struct config_issuer *config,
                                      const struct oauth_issuer_times *times, struct writer *why);
void oauth_issuer_free(struct oauth_issuer *issuer);

bool oauth_issuer_is(const struct oauth_issuer *issuer, struct span name);
/* Its tokens are asked about, whatever they look like. */
bool oauth_issuer_introspects(const struct oauth_issuer *issuer);

/*
 * Whether a token is its own, and whose (`identity`). Without `http` OAUTH_WAITS says that
 * something must be fetched, read or asked for first; with it this waits for that. `jwt` is the
 * token taken apart, or NULL for an issuer that introspects.
 */
enum oauth_verdict oauth_issuer_check(struct oauth_issuer *issuer, struct span token,
                                      const struct jwt *jwt, struct oauth_http *http,
                                      struct writer *identity);

#endif
