/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_STORE_BACKDOOR_H
#define TESTS_CONTROL_STORE_BACKDOOR_H

#include <rocksdb/c.h>

#include "control/store/store_key.h"
#include "control/store/store_row.h"

/* A closed store's files, opened behind its back. */
enum store_backdoor_family {
    BACKDOOR_META,
    BACKDOOR_NAMES,
    BACKDOOR_INDEX,
    BACKDOOR_FLAGS,
    BACKDOOR_BODY,
    BACKDOOR_GREYLIST,
    BACKDOOR_DIRECTORY,
    BACKDOOR_FAMILIES
};

struct store_backdoor {
    rocksdb_options_t *options;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *family[BACKDOOR_FAMILIES];
};

struct store_backdoor store_backdoor_enter(const char *folder);
void store_backdoor_leave(struct store_backdoor *b);
void store_backdoor_put(struct store_backdoor *b, int family, struct span key, struct span value);
void store_backdoor_delete(struct store_backdoor *b, int family, struct span key);
/* How many rows have a key that begins so. */
uint32_t store_backdoor_count(struct store_backdoor *b, int family, struct span prefix);

#endif
