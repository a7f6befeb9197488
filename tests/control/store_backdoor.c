/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/store_backdoor.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/check.h"

static const char *const families[] = {"default", "names",    "index",    "flags",
                                       "body",    "greylist", "directory"};

struct store_backdoor store_backdoor_enter(const char *folder)
{
    struct store_backdoor b = {.options = rocksdb_options_create()};
    const rocksdb_options_t *each[BACKDOOR_FAMILIES];
    char *error = NULL;

    for (int i = 0; i < BACKDOOR_FAMILIES; i++)
        each[i] = b.options;
    b.db = rocksdb_open_column_families(b.options, folder, BACKDOOR_FAMILIES, families, each,
                                        b.family, &error);
    if (!b.db) {
        printf("# %s\n", error);
        abort();
    }
    return b;
}

void store_backdoor_leave(struct store_backdoor *b)
{
    for (int i = 0; i < BACKDOOR_FAMILIES; i++)
        rocksdb_column_family_handle_destroy(b->family[i]);
    rocksdb_close(b->db);
    rocksdb_options_destroy(b->options);
}

void store_backdoor_put(struct store_backdoor *b, int family, struct span key, struct span value)
{
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    char *error = NULL;

    rocksdb_put_cf(b->db, w, b->family[family], (const char *)key.data, key.len,
                   (const char *)value.data, value.len, &error);
    if (!CHECK(!error))
        rocksdb_free(error);
    rocksdb_writeoptions_destroy(w);
}

void store_backdoor_delete(struct store_backdoor *b, int family, struct span key)
{
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    char *error = NULL;

    rocksdb_delete_cf(b->db, w, b->family[family], (const char *)key.data, key.len, &error);
    if (!CHECK(!error))
        rocksdb_free(error);
    rocksdb_writeoptions_destroy(w);
}

uint32_t store_backdoor_count(struct store_backdoor *b, int family, struct span prefix)
{
    rocksdb_readoptions_t *r = rocksdb_readoptions_create();
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(b->db, r, b->family[family]);
    uint32_t count = 0;

    for (rocksdb_iter_seek(it, (const char *)prefix.data, prefix.len); rocksdb_iter_valid(it);
         rocksdb_iter_next(it), count++) {
        size_t len;
        const char *key = rocksdb_iter_key(it, &len);

        if (len < prefix.len || memcmp(key, prefix.data, prefix.len) != 0)
            break;
    }
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(r);
    return count;
}
