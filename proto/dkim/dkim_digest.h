/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_DIGEST_H
#define PROTO_DKIM_DKIM_DIGEST_H

#include "proto/dkim/dkim_header.h"
#include "proto/dkim/dkim_signature.h"

/* The hash of header fields, that a signature is of (RFC 6376 section 3.7). */

struct dkim_digest {
    struct evp_md_ctx_st *context;
    bool failed; /* OpenSSL had no memory */
};

void dkim_digest_init(struct dkim_digest *d, enum dkim_hash hash);
/* A field without its last CRLF, canonicalized; with a CRLF behind it. */
void dkim_digest_field(struct dkim_digest *d, enum dkim_canon canon, struct span field);
/* The fields that `names`, a list with colons, picks; names that pick none are passed over. */
void dkim_digest_fields(struct dkim_digest *d, enum dkim_canon canon, struct dkim_pick *pick,
                        struct span names);
/* The field that the signature stands in: without what stands from `at` to `end`, and without a
 * CRLF behind it. */
void dkim_digest_own(struct dkim_digest *d, enum dkim_canon canon, struct span field, size_t at,
                     size_t end);
/* Writes the digest, and frees all. False: there was no memory. */
bool dkim_digest_finish(struct dkim_digest *d, struct writer *w);

#endif
