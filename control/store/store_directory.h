/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_DIRECTORY_H
#define CONTROL_STORE_STORE_DIRECTORY_H

#include "control/store/store_audit.h"

/*
 * Rows of the directory's back end "store": accounts, domains and aliases, in keys and values of
 * its owner's making (control/directory/directory_row.h), and beside them bans and addresses that
 * have logged in (control/service/defence_row.h). A column family of their own.
 */
enum { STORE_DIRECTORY_KEY = 512, STORE_DIRECTORY_VALUE = 65536 };

struct store_directory_row {
    struct span key, value; /* an empty value, in a put: the row goes */
};

/* Appends the value. STORE_NONE: there is no such row. STORE_FAILED also without room for it. */
enum store_status store_directory_find(struct store *store, struct span key,
                                       struct writer *value_out);
/* All or nothing (a store in memory: those before the first that has no memory), durable before it
 * returns. With them go rows of the audit log, `audits` of them; FAILED: a reason is not valid. */
enum store_status store_directory_put(struct store *store, const struct store_directory_row *rows,
                                      uint32_t count, const struct store_audit *audit,
                                      uint32_t audits);
/* False ends the walk. Spans are valid during the call, which must call nothing of the store. */
typedef bool store_directory_visit(void *context, const struct store_directory_row *row);
/* In the order of keys, from `start` on. What is put meanwhile may show or not. */
enum store_status store_directory_walk(struct store *store, struct span start,
                                       store_directory_visit *visit, void *context);

#endif
