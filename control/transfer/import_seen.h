/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_IMPORT_SEEN_H
#define CONTROL_TRANSFER_IMPORT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Counts how often a key has come, in a table that grows: 16 bytes a key, half of them free. */
struct import_seen {
    uint64_t *keys; /* 0: free */
    uint32_t *counts;
    uint64_t used, cap;
};

/* How often it came before. False: no memory. `key` is a hash, evenly spread. */
bool import_seen_add(struct import_seen *seen, uint64_t key, uint32_t *before_out);
void import_seen_fini(struct import_seen *seen);

#endif
