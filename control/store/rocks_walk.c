/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

/* The first key behind all that begin with `prefix`; empty when there is none. */
static struct store_key behind(const struct store_key *prefix)
{
    struct store_key key = *prefix;

    while (key.len > 0 && ++key.bytes[key.len - 1] == 0)
        key.len--;
    return key;
}

static void begin(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                  const struct store_key *prefix, const rocksdb_snapshot_t *snapshot, bool once)
{
    *walk = (struct rocks_walk){.bound = behind(prefix), .read = rocksdb_readoptions_create()};
    if (walk->bound.len)
        rocksdb_readoptions_set_iterate_upper_bound(walk->read, (const char *)walk->bound.bytes,
                                                    walk->bound.len);
    if (snapshot)
        rocksdb_readoptions_set_snapshot(walk->read, snapshot);
    if (once)
        rocksdb_readoptions_set_fill_cache(walk->read, 0);
    walk->it = rocksdb_create_iterator_cf(r->db, walk->read, r->family[family]);
}

static void place(struct rocks_walk *walk, const struct store_key *key)
{
    rocksdb_iter_seek(walk->it, (const char *)key->bytes, key->len);
    walk->begun = false;
}

void rocks_walk_begin(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                      const struct store_key *prefix, const struct store_key *start)
{
    begin(walk, r, family, prefix, NULL, false);
    place(walk, start ? start : prefix);
}

void rocks_walk_begin_at(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                         const struct store_key *prefix, const rocksdb_snapshot_t *snapshot)
{
    begin(walk, r, family, prefix, snapshot, false);
    place(walk, prefix);
}

void rocks_walk_begin_from(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                           const struct store_key *prefix, const struct store_key *start,
                           const rocksdb_snapshot_t *snapshot)
{
    begin(walk, r, family, prefix, snapshot, false);
    place(walk, start);
}

void rocks_walk_begin_once(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                           const struct store_key *prefix, const rocksdb_snapshot_t *snapshot)
{
    begin(walk, r, family, prefix, snapshot, true);
    place(walk, prefix);
}

bool rocks_walk_next(struct rocks_walk *walk)
{
    const char *bytes;
    size_t len;

    if (walk->begun)
        rocksdb_iter_next(walk->it);
    walk->begun = true;
    if (!rocksdb_iter_valid(walk->it))
        return false;
    bytes = rocksdb_iter_key(walk->it, &len);
    walk->key = span_of(bytes, len);
    bytes = rocksdb_iter_value(walk->it, &len);
    walk->value = span_of(bytes, len);
    return true;
}

enum store_status rocks_walk_end(struct rocks_walk *walk)
{
    char *error = NULL;

    rocksdb_iter_get_error(walk->it, &error);
    rocksdb_iter_destroy(walk->it);
    rocksdb_readoptions_destroy(walk->read);
    return rocks_db_status(error);
}
