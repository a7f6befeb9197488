/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/oauth.h"

#include <stdatomic.h>
#include <stdlib.h>

struct oauth {
    _Atomic uint32_t holders;
    uint32_t count;
    struct oauth_issuer *issuers[];
};

struct oauth *oauth_new(const struct config_oauth *config, struct writer *why)
{
    struct oauth *o =
        calloc(1, sizeof(*o) + ((size_t)config->issuers_count + 1) * sizeof(o->issuers[0]));
    struct oauth_issuer_times times = {.timeout_ms = (uint32_t)(config->timeout / 1000),
                                       .key_lifetime_ms = (uint32_t)(config->key_lifetime / 1000),
                                       .key_refetch_ms = (uint32_t)(config->key_refetch / 1000),
                                       .cache_ms = (uint32_t)(config->cache_time / 1000),
                                       .skew = (double)config->clock_skew / 1000000,
                                       .cache = (uint32_t)config->cache};

    if (!o)
        return NULL;
    o->holders = 1;
    for (; o->count < config->issuers_count; o->count++) {
        o->issuers[o->count] = oauth_issuer_new(&config->issuers[o->count], &times, why);
        if (!o->issuers[o->count]) {
            oauth_drop(o);
            return NULL;
        }
    }
    return o;
}

bool oauth_files_good(const struct config_oauth *config, struct writer *why)
{
    struct oauth *o = oauth_new(config, why);

    oauth_drop(o);
    return o != NULL;
}

void oauth_hold(struct oauth *o)
{
    atomic_fetch_add(&o->holders, 1);
}

void oauth_drop(struct oauth *o)
{
    if (!o || atomic_fetch_sub(&o->holders, 1) > 1)
        return;
    for (uint32_t i = 0; i < o->count; i++)
        oauth_issuer_free(o->issuers[i]);
    free(o);
}

/* A token that says nothing of itself: each issuer that can be asked is, until one knows it. */
static enum oauth_verdict check_opaque(struct oauth *o, struct span token, struct oauth_http *http,
                                       struct writer *identity)
{
    enum oauth_verdict verdict = OAUTH_WRONG, one;

    for (uint32_t i = 0; i < o->count; i++) {
        if (!oauth_issuer_introspects(o->issuers[i]))
            continue;
        identity->len = 0;
        one = oauth_issuer_check(o->issuers[i], token, NULL, http, identity);
        if (one == OAUTH_GOOD || one == OAUTH_SCOPE || one == OAUTH_WAITS)
            return one;
        if (one == OAUTH_UNKNOWN)
            verdict = one;
    }
    return verdict;
}

enum oauth_verdict oauth_check(struct oauth *o, struct span token, struct oauth_http *http,
                               struct writer *identity)
{
    enum oauth_verdict verdict = OAUTH_WRONG;
    struct jwt jwt;

    switch (jwt_read(token, &jwt)) {
    case JWT_NONE:
    case JWT_BAD: /* whoever is asked about it may know it all the same */
        return check_opaque(o, token, http, identity);
    case JWT_GOOD:
        break;
    }
    for (uint32_t i = 0; i < o->count; i++) {
        if (!oauth_issuer_is(o->issuers[i], jwt_text(jwt.claims, "iss")))
            continue;
        identity->len = 0;
        verdict = oauth_issuer_check(o->issuers[i], token, &jwt, http, identity);
        break;
    }
    jwt_fini(&jwt);
    return verdict;
}
