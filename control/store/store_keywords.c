/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_keywords.h"

#include <stdlib.h>

#include "proto/base/cursor.h"
#include "proto/base/writer.h"

enum { LENGTH = 4 }; /* of a blob's length */

void store_keywords_fini(struct store_keywords *k)
{
    free(k->bytes);
    *k = (struct store_keywords){.bytes = NULL};
}

static bool has(const struct store_keywords *k, struct span keyword)
{
    struct cursor c = cursor_of(store_keywords_span(k));

    while (!c.bad && cursor_left(&c) > 0)
        if (span_equal(cursor_blob(&c), keyword))
            return true;
    return false;
}

static bool room(struct store_keywords *k, size_t bytes)
{
    size_t cap = 2 * k->cap + LENGTH + STORE_KEYWORD;
    uint8_t *grown;

    if (k->cap - k->len >= bytes)
        return true;
    grown = realloc(k->bytes, cap);
    if (!grown)
        return false;
    k->bytes = grown;
    k->cap = cap;
    return true;
}

static enum store_status add(struct store_keywords *k, struct span keyword)
{
    struct writer w;

    if (has(k, keyword))
        return STORE_OK;
    if (k->count == STORE_KEYWORDS || keyword.len == 0 || keyword.len > STORE_KEYWORD)
        return STORE_LIMIT;
    if (!room(k, LENGTH + keyword.len))
        return STORE_FAILED;
    w = writer_of(k->bytes + k->len, k->cap - k->len);
    writer_blob(&w, keyword);
    k->len += w.len;
    k->count++;
    return STORE_OK;
}

enum store_status store_keywords_add(struct store_keywords *k, struct span keywords)
{
    struct cursor c = cursor_of(keywords);
    size_t len = k->len;
    uint32_t count = k->count;
    enum store_status status = STORE_OK;

    while (status == STORE_OK && cursor_left(&c) > 0) {
        struct span keyword = cursor_blob(&c);

        status = c.bad ? STORE_FAILED : add(k, keyword);
    }
    if (status != STORE_OK) {
        k->len = len;
        k->count = count;
    }
    return status;
}

enum store_status store_keywords_add_fitting(struct store_keywords *k, struct span keywords,
                                             struct writer *fitting_out)
{
    struct cursor c = cursor_of(keywords);

    while (cursor_left(&c) > 0) {
        struct span keyword = cursor_blob(&c);
        enum store_status status = c.bad ? STORE_FAILED : add(k, keyword);

        if (status == STORE_OK)
            writer_blob(fitting_out, keyword);
        else if (status != STORE_LIMIT)
            return status;
    }
    return STORE_OK;
}
