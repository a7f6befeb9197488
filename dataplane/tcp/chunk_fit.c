/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/chunk_fit.h"

static const uint32_t class_data[CHUNK_CLASSES] = {512 - CHUNK_HEADER, 4096 - CHUNK_HEADER,
                                                   CHUNK_LARGE_DATA};

enum chunk_class chunk_class_for(size_t len, enum chunk_class least)
{
    enum chunk_class class = least;

    while (class < CHUNK_LARGE && class_data[class] < len)
        class ++;
    return class;
}

static struct chunk *fit(struct chunk_pool *pool, enum chunk_class wanted,
                         struct chunk *(*take)(struct chunk_pool *pool, enum chunk_class class))
{
    struct chunk *c = NULL;

    for (int class = (int)wanted; class < CHUNK_CLASSES && !c; class ++)
        c = take(pool, (enum chunk_class) class);
    for (int class = (int)wanted - 1; class >= 0 && !c; class --)
        c = take(pool, (enum chunk_class) class);
    return c;
}

struct chunk *chunk_fit(struct chunk_pool *pool, enum chunk_class wanted)
{
    return fit(pool, wanted, chunk_take);
}

struct chunk *chunk_fit_reserved(struct chunk_pool *pool, enum chunk_class wanted)
{
    return fit(pool, wanted, chunk_take_reserved);
}
