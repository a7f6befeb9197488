/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_BASE64_H
#define PROTO_BASE_BASE64_H

#include "proto/base/writer.h"

/* Encodes base64 with padding (RFC 4648 section 4), without line ends. All or nothing, as every
 * write of a writer is, for each group of 3 bytes. */
void base64_put(struct writer *w, struct span bytes);

/* Characters that `n` bytes become. */
static inline uint64_t base64_size(uint64_t n)
{
    return (n + 2) / 3 * 4;
}

#endif
