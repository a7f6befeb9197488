/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

enum { VALUE_FIRST, VALUE_LAST, VALUE_PASSES };

static struct store_greylist_row row_of(const struct memory_map_row *found)
{
    return (struct store_greylist_row){.key = found->key,
                                       .first_ms = found->values[VALUE_FIRST],
                                       .last_ms = found->values[VALUE_LAST],
                                       .passes = (uint32_t)found->values[VALUE_PASSES]};
}

enum store_status memory_greylist_find(struct store *store, struct span key,
                                       struct store_greylist_row *row_out)
{
    struct memory *m = memory_of(store);
    struct memory_map_row *found;
    struct span asked = row_out->key;

    pthread_mutex_lock(&m->greylist_lock);
    found = memory_map_find(&m->greylist, key);
    if (found) {
        *row_out = row_of(found);
        row_out->key = asked;
    }
    pthread_mutex_unlock(&m->greylist_lock);
    return found ? STORE_OK : STORE_NONE;
}

/* Without memory for one, those that were made for this call are taken back. */
static bool make_rows(struct memory_map *map, const struct store_greylist_row *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!rows[i].last_ms || memory_map_put(map, rows[i].key))
            continue;
        while (i-- > 0) {
            const struct memory_map_row *made = memory_map_find(map, rows[i].key);

            if (made && !made->values[VALUE_LAST])
                memory_map_remove(map, rows[i].key);
        }
        return false;
    }
    return true;
}

static void put(struct memory_map *map, const struct store_greylist_row *row)
{
    struct memory_map_row *found;

    if (!row->last_ms) {
        memory_map_remove(map, row->key);
        return;
    }
    found = memory_map_put(map, row->key);
    found->values[VALUE_FIRST] = row->first_ms;
    found->values[VALUE_LAST] = row->last_ms;
    found->values[VALUE_PASSES] = row->passes;
}

enum store_status memory_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                      uint32_t count)
{
    struct memory *m = memory_of(store);
    bool ok;

    pthread_mutex_lock(&m->greylist_lock);
    ok = make_rows(&m->greylist, rows, count);
    for (uint32_t i = 0; ok && i < count; i++)
        put(&m->greylist, &rows[i]);
    pthread_mutex_unlock(&m->greylist_lock);
    return ok ? STORE_OK : STORE_FAILED;
}

/* Row by row: each is shown a copy of its own, so that who sees it may put others. */
enum store_status memory_greylist_walk(struct store *store, struct span start,
                                       store_greylist_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    uint8_t key[STORE_GREYLIST_KEY + 1];
    struct span from = start;
    bool more = true;

    while (more) {
        const struct memory_map_row *found;
        struct store_greylist_row row;

        pthread_mutex_lock(&m->greylist_lock);
        found = memory_map_from(&m->greylist, from);
        if (found) {
            row = row_of(found);
            memcpy(key, found->key.data, found->key.len);
            row.key.data = key;
        }
        pthread_mutex_unlock(&m->greylist_lock);
        more = found && visit(context, &row);
        if (more) {
            key[row.key.len] = 0; /* the least key behind it */
            from = span_of(key, row.key.len + 1);
        }
    }
    return STORE_OK;
}
