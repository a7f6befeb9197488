/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_JWKS_H
#define CONTROL_OAUTH_JWKS_H

#include "control/oauth/jwt.h"

/*
 * An issuer's public keys: a JWK set (RFC 7517). Those of other kinds, for encryption, with another
 * algorithm or with members that are wrong are passed over. Immutable.
 */
struct jwks;

enum { JWKS_KEYS = 64 }; /* of one set that are used */

/* NULL: the text is no JWK set, or no memory. */
struct jwks *jwks_read(struct span text);
void jwks_free(struct jwks *jwks);
uint32_t jwks_count(const struct jwks *jwks);

enum jwks_verdict {
    JWKS_RIGHT,   /* one of the keys has signed it */
    JWKS_WRONG,   /* the key that it names has not */
    JWKS_UNKNOWN, /* the key that it names is not here, or it names none and none has */
};

/* Verifies the signature by keys of the token's algorithm alone: what sort a key is decides the
 * set, never the token. */
enum jwks_verdict jwks_verify(const struct jwks *jwks, const struct jwt *jwt);

#endif
