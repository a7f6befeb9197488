/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_BODY_H
#define PROTO_DKIM_DKIM_BODY_H

#include "proto/dkim/dkim_canon.h"

/*
 * The hashes of a body (RFC 6376 section 3.7) while it passes. Whatever signatures ask for, a body
 * is canonicalized once each way and hashed once by each algorithm: a signature's l= takes the
 * hash as it is at that place. OpenSSL's contexts are made when the first one asks for them, and
 * are kept from message to message.
 */

enum dkim_hash { DKIM_SHA256, DKIM_SHA1, DKIM_HASHES };

enum {
    DKIM_DIGEST_MAX = 32,
    DKIM_BODY_WANTS_MAX = 128, /* different (algorithm, canonicalization, l=) of a message */
};
#define DKIM_LENGTH_ALL UINT64_MAX /* no l= */

struct evp_md_ctx_st;

/* One hash that was asked for. */
struct dkim_body_want {
    uint64_t length; /* bytes of the canonical body, or DKIM_LENGTH_ALL */
    uint8_t canon;
    uint8_t hash;
    bool done; /* `digest` is there; never, when the body is shorter than `length` */
    uint8_t digest[DKIM_DIGEST_MAX];
};

struct dkim_body_pass {
    struct dkim_canon_body canon;
    struct dkim_body *body;
    uint64_t total;                              /* canonical bytes so far */
    uint64_t next;                               /* where one is wanted next */
    uint64_t most[DKIM_HASHES];                  /* where nobody wants this one any more */
    struct evp_md_ctx_st *contexts[DKIM_HASHES]; /* NULL: never used */
    bool used[DKIM_HASHES];
};

struct dkim_body {
    struct dkim_body_pass passes[DKIM_CANONS];
    struct evp_md_ctx_st *copy; /* of a hash that goes on */
    uint32_t count;
    bool failed; /* OpenSSL had no memory: no hash is there */
    struct dkim_body_want wants[DKIM_BODY_WANTS_MAX];
};

/* Before all else, once. */
void dkim_body_init(struct dkim_body *b);
void dkim_body_fini(struct dkim_body *b);
/* A message's body begins; nothing is wanted. Keeps the contexts. */
void dkim_body_begin(struct dkim_body *b);
/*
 * Wants a hash, before the first byte of the body. Returns its place in `wants`, which is the same
 * for the same hash; -1: there are too many, or no memory.
 */
int dkim_body_want(struct dkim_body *b, enum dkim_canon canon, enum dkim_hash hash,
                   uint64_t length);
/* The next bytes of the body, as they are on the wire, cut anywhere. */
void dkim_body_feed(struct dkim_body *b, struct span in);
/* The body has ended: what is done now is all there is. */
void dkim_body_finish(struct dkim_body *b);
/* Bytes of the canonical body; only of a canonicalization that was wanted. */
uint64_t dkim_body_total(const struct dkim_body *b, enum dkim_canon canon);
/* 32 or 20. */
size_t dkim_hash_size(enum dkim_hash hash);

#endif
