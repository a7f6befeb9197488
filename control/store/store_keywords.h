/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_KEYWORDS_H
#define CONTROL_STORE_STORE_KEYWORDS_H

#include "control/store/store_mailbox.h"
#include "proto/base/writer.h"

/* The keywords that were ever used in a mailbox, each a blob, in the order of their first use; what
 * both back ends do with them. A zeroed one is empty. */
struct store_keywords {
    uint8_t *bytes;
    size_t len, cap;
    uint32_t count;
};

void store_keywords_fini(struct store_keywords *k);
static inline struct span store_keywords_span(const struct store_keywords *k)
{
    return span_of(k->bytes, k->len);
}

/* Adds those that it does not have. LIMIT: there would be more than STORE_KEYWORDS, or one is empty
 * or longer than STORE_KEYWORD; FAILED: they are not blobs, or no memory: then nothing is added. */
enum store_status store_keywords_add(struct store_keywords *k, struct span keywords);
/* Those for which there is room, written to `fitting_out`, which has room for all. */
enum store_status store_keywords_add_fitting(struct store_keywords *k, struct span keywords,
                                             struct writer *fitting_out);

#endif
