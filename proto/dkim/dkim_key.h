/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_KEY_H
#define PROTO_DKIM_DKIM_KEY_H

#include "proto/dkim/dkim_signature.h"

/*
 * Public keys as DNS has them (RFC 6376 section 3.6.1, RFC 8463 section 4). A key owns what it says
 * and points to nothing of its record, so it can be kept: to read an RSA key takes several times
 * what a verification by it takes. It does not change once it is read, and many threads may
 * verify by it.
 */

enum {
    DKIM_RSA_BITS_LEAST = 1024, /* RFC 8301 section 3.2 */
    DKIM_RSA_BITS_LEGACY = 512,
    DKIM_RSA_BITS_MOST = 16384,
    DKIM_RSA_BITS_ENOUGH = 2048, /* less is told */
    DKIM_KEY_LOCAL_MAX = 64,     /* bytes of g= that are kept */
};

struct evp_pkey_st;

struct dkim_key {
    struct evp_pkey_st *key; /* NULL: there is none, and `reason` says why */
    uint8_t reason;          /* enum dkim_reason */
    uint8_t type;            /* enum dkim_key_type */
    uint8_t hashes;          /* bits of enum dkim_hash */
    bool mail;               /* s= has "*" or "email" */
    bool testing;            /* t=y */
    bool strict;             /* t=s */
    bool has_local; /* g= is there: RFC 4871 section 3.6.1; it counts only for the legacy */
    uint8_t local_len;
    uint8_t local[DKIM_KEY_LOCAL_MAX];
    uint32_t bits;
};

/* Reads the text of a record, its strings put together. */
void dkim_key_init(struct dkim_key *k, struct span text);
void dkim_key_fini(struct dkim_key *k);
/*
 * Whether a signature may be verified by the key: DKIM_GOOD or the reason why not. `strict_match`:
 * the domain of i= is d= itself; `bits_least`: of an RSA key.
 */
enum dkim_reason dkim_key_fits(const struct dkim_key *k, const struct dkim_signature *s,
                               bool strict_match, uint32_t bits_least, bool legacy);
/*
 * Verifies. `digest` is of the header (RFC 6376 section 3.7); Ed25519 signs the digest itself (RFC
 * 8463 section 3).
 */
enum dkim_reason dkim_key_verify(const struct dkim_key *k, enum dkim_hash hash, struct span digest,
                                 struct span signature);

#endif
