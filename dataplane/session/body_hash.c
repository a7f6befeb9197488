/* SPDX-License-Identifier: BSD-3-Clause */
#define XXH_STATIC_LINKING_ONLY /* the state's size, which this library does not change any more   \
                                 */
#include "dataplane/session/body_hash.h"

#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h> /* by what the processor has, AVX2 or AVX-512 among it */
#else
#define XXH3_64bits_update_dispatch XXH3_64bits_update
#endif

struct body_hash {
    XXH3_state_t state;
};
_Static_assert(sizeof(struct body_hash) + _Alignof(struct body_hash) - 8 <= BODY_HASH_SIZE,
               "fits wherever it begins");

struct body_hash *body_hash_init(void *memory)
{
    uintptr_t at = (uintptr_t)memory, mask = _Alignof(struct body_hash) - 1;
    struct body_hash *h = (struct body_hash *)((at + mask) & ~mask);

    XXH3_64bits_reset(&h->state);
    return h;
}

void body_hash_feed(struct body_hash *h, struct span bytes)
{
    XXH3_64bits_update_dispatch(&h->state, bytes.data, bytes.len);
}

uint64_t body_hash_result(const struct body_hash *h)
{
    return XXH3_64bits_digest(&h->state);
}
