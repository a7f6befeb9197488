/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

static struct span value_of(const struct memory_map_row *row)
{
    return span_of(row->owned, row->values[0]);
}

enum store_status memory_directory_find(struct store *store, struct span key,
                                        struct writer *value_out)
{
    struct memory *m = memory_of(store);
    const struct memory_map_row *found;

    pthread_mutex_lock(&m->directory_lock);
    found = memory_map_find(&m->directory, key);
    if (found)
        writer_span_put(value_out, value_of(found));
    pthread_mutex_unlock(&m->directory_lock);
    if (!found)
        return STORE_NONE;
    return value_out->full ? STORE_FAILED : STORE_OK;
}

/* False: no memory, and nothing was changed. */
static bool put(struct memory_map *map, const struct store_directory_row *row, void *copy)
{
    struct memory_map_row *found = memory_map_put(map, row->key);

    if (!found)
        return false;
    free(found->owned);
    memcpy(copy, row->value.data, row->value.len);
    found->owned = copy;
    found->values[0] = row->value.len;
    return true;
}

/* One after the other: what has no memory is not put, and neither is what follows. */
enum store_status memory_directory_put(struct store *store, const struct store_directory_row *rows,
                                       uint32_t count, const struct store_audit *audit,
                                       uint32_t audits)
{
    struct memory *m = memory_of(store);
    bool ok;

    memory_lock(m);
    ok = memory_audit_begin(m, audits);
    pthread_mutex_lock(&m->directory_lock);
    for (uint32_t i = 0; ok && i < count; i++) {
        void *copy = rows[i].value.len ? malloc(rows[i].value.len) : NULL;

        if (!rows[i].value.len)
            memory_map_remove(&m->directory, rows[i].key);
        else
            ok = copy && put(&m->directory, &rows[i], copy);
        if (!ok)
            free(copy);
    }
    pthread_mutex_unlock(&m->directory_lock);
    for (uint32_t i = 0; ok && i < audits; i++)
        memory_audit_put(m, &audit[i]);
    memory_unlock(m);
    return ok ? STORE_OK : STORE_FAILED;
}

enum store_status memory_directory_walk(struct store *store, struct span start,
                                        store_directory_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    const struct memory_map_row *row;

    pthread_mutex_lock(&m->directory_lock);
    row = memory_map_from(&m->directory, start);
    while (row &&
           visit(context, &(struct store_directory_row){.key = row->key, .value = value_of(row)}))
        row = row->next[0];
    pthread_mutex_unlock(&m->directory_lock);
    return STORE_OK;
}
