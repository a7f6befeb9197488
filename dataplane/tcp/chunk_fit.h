/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_CHUNK_FIT_H
#define DATAPLANE_TCP_CHUNK_FIT_H

#include "dataplane/handoff/chunk.h"

/* The smallest class, `least` or above, whose chunks hold `len` bytes; the largest when none does.
 */
enum chunk_class chunk_class_for(size_t len, enum chunk_class least);
/* A chunk of the wanted class, else a larger one, else a smaller one; NULL when all are used up. */
struct chunk *chunk_fit(struct chunk_pool *pool, enum chunk_class wanted);
/* The same, for what is to be sent: the pool's reserve included. */
struct chunk *chunk_fit_reserved(struct chunk_pool *pool, enum chunk_class wanted);

#endif
