/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_ACCOUNT_TABLE_H
#define CONTROL_SERVICE_ACCOUNT_TABLE_H

#include "control/config/config.h"
#include "control/directory/directory_backend.h"
#include "control/service/account_judge.h"

/*
 * The back end "yaml": the domains and accounts of a configuration, copied out of it. It answers at
 * once, on the thread that asks. Begins with its struct directory_backend.
 */
struct account_table;

/* `account_id` as in config_settings. NULL: no memory, or an id failed. */
struct account_table *account_table_new(const struct config *config,
                                        uint64_t (*account_id)(void *context, struct span key),
                                        void *context);
/* What salts of names that nobody has are made of, STORE_SECRET octets; before the first question.
 * */
void account_table_set_secret(struct account_table *table, const uint8_t *secret);
/* Unless a chain has taken it. */
void account_table_free(struct account_table *table);

/* What a login of nobody looks like: one of the table's accounts. */
const struct account_fakes *account_table_fakes(const struct account_table *table);

/* Fills what is so for a domain of the configuration, whose texts the table keeps. False: there is
 * none with this key. */
bool account_table_policy(const struct account_table *table, struct span domain,
                          struct directory_policy *policy_out);

/* The ids of a table's accounts, ascending. */
struct account_ids {
    uint32_t count;
    uint64_t ids[];
};
/* With one more that is none of the table's. From malloc; NULL: no memory. */
struct account_ids *account_table_ids(const struct account_table *table, uint64_t more);
/* A copy of `ids` (or of none, NULL) with one more, or without it. NULL: no memory. */
struct account_ids *account_ids_changed(const struct account_ids *ids, uint64_t account, bool in);
/* False for NULL. */
bool account_ids_has(const struct account_ids *ids, uint64_t account);

#endif
