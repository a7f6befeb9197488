/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_OAUTH_JWT_H
#define CONTROL_OAUTH_JWT_H

#include <jansson.h>

#include "proto/base/writer.h"

/*
 * A token that is a signed set of claims: JWS in compact form (RFC 7515 section 3.1) around JSON
 * (RFC 7519). Of the algorithms of RFC 7518 and 8037 those three are known that issuers sign with;
 * "none", those with a shared secret, and encrypted tokens are not.
 */
enum jwt_algorithm { JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_ALGORITHMS };

enum {
    JWT_MAX = 8192, /* octets of a token */
    JWT_SIGNATURE_MAX = 1024,
    JWT_KEY_ID_MAX = 256,
};

struct jwt {
    uint8_t algorithm;       /* enum jwt_algorithm */
    struct span key_id;      /* in `header`; no data: the token names no key */
    struct span input;       /* what is signed; in the token */
    json_t *header, *claims; /* objects */
    uint16_t signature_len;
    uint8_t signature[JWT_SIGNATURE_MAX];
};

enum jwt_status {
    JWT_GOOD, /* nothing was verified yet */
    JWT_NONE, /* it is no JWT */
    JWT_BAD,  /* it is one that is not to be taken */
};

/* The algorithm of that name; JWT_ALGORITHMS: not one of ours. */
enum jwt_algorithm jwt_algorithm_find(struct span name);
const char *jwt_algorithm_name(enum jwt_algorithm algorithm);

/* Takes a token apart, which must outlive `jwt_out`. JWT_GOOD: jwt_fini() frees it. */
enum jwt_status jwt_read(struct span token, struct jwt *jwt_out);
void jwt_fini(struct jwt *jwt);

/* The text of a member; no data: it has none that is a text. */
struct span jwt_text(const json_t *object, const char *name);
/* Reads JSON of which no object has a name twice. NULL: it is none. */
json_t *jwt_json(struct span text);

#endif
