/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_PART_DIGESTS_H
#define DATAPLANE_HANDOFF_PART_DIGESTS_H

#include "proto/base/span.h"

enum {
    PART_SHA256 = 32,
    PART_DIGESTS_MAX = 256 /* parts of a message that have one in its record */
};

/*
 * SHA-256 of decoded parts, by a library that control knows: what a worker calls while a leaf goes
 * by. Several leaves are open at a time, one a message. Nothing of it allocates on a worker: a pool
 * that is used up gives NULL, and the part has no digest.
 */
struct part_digests {
    void *context;
    void *(*begin)(void *context);
    void (*feed)(void *digest, struct span bytes);
    /* Ends it; NULL for `sha256_out`: the part is not whole. */
    void (*end)(void *context, void *digest, uint8_t *sha256_out);
};

#endif
