/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_BODY_HASH_H
#define DATAPLANE_SESSION_BODY_HASH_H

#include "proto/base/span.h"

/*
 * A fast hash of bytes that arrive in pieces (XXH3, 64 bits): the result does not depend on how they
 * were cut. No key: who knows the function can make bytes that collide.
 */
enum { BODY_HASH_SIZE = 640 };

struct body_hash;

/* In `memory` of BODY_HASH_SIZE bytes, aligned to 8; no further memory is taken. */
struct body_hash *body_hash_init(void *memory);
void body_hash_feed(struct body_hash *h, struct span bytes);
/* The hash of all that was fed; more may follow. */
uint64_t body_hash_result(const struct body_hash *h);

#endif
