/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/chunk_fit.h"

static const uint32_t class_data[CHUNK_CLASSES] = {512 - CHUNK_HEADER, 4096 - CHUNK_HEADER, CHUNK_LARGE_DATA};

enum chunk_class chunk_class_for(size_t len, enum chunk_class least)
{
    enum chunk_class class = least;

    while (class < CHUNK_LARGE && class_data[class] < len)
        class++;
    return class;
}

struct chunk *chunk_fit(struct chunk_pool *pool, enum chunk_class wanted)
{
    for (int class = (int)wanted; class < CHUNK_CLASSES; class++) {
        struct chunk *c = chunk_take(pool, (enum chunk_class)class);

        if (c)
            return c;
    }
    for (int class = (int)wanted - 1; class >= 0; class--) {
        struct chunk *c = chunk_take(pool, (enum chunk_class)class);

        if (c)
            return c;
    }
    return NULL;
}
