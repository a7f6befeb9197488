/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_ACCOUNT_SERVICE_H
#define CONTROL_SERVICE_ACCOUNT_SERVICE_H

#include "control/config/config.h"
#include "control/service/login_guard.h"
#include "dataplane/handoff/handoff.h"

/*
 * The thread that judges passwords (SERVICE_ACCOUNT). Hashing takes milliseconds by intent, so it
 * never happens on a worker. JOB_ACCOUNT_LOGIN and JOB_ACCOUNT_PROOF are answered JOB_OK with the
 * account, or JOB_REFUSED with a reason and the time for which that answer is to be held back
 * (login_guard.h). Logins are judged in the order of their coming, at most LOGIN_GUARD_PENDING of
 * one address waiting at a time; a name that nobody has costs a hash of the table's most common
 * method too, so that time does not tell who exists.
 */
struct account_service;
struct account_table;

/* Who may log in: every account of the configuration. `account_id` as in config_settings. NULL: no
 * memory, or an id failed. */
struct account_table *account_table_new(const struct config *config,
                                        uint64_t (*account_id)(void *context, struct span key),
                                        void *context);
/* What salts of names that nobody has are made of, STORE_SECRET octets; before the first question.
 * */
void account_table_set_secret(struct account_table *table, const uint8_t *secret);
void account_table_free(struct account_table *table);

/* The ids of a table's accounts, ascending. */
struct account_ids {
    uint32_t count;
    uint64_t ids[];
};
/* With one more that is none of the table's. From malloc; NULL: no memory. */
struct account_ids *account_table_ids(const struct account_table *table, uint64_t more);
/* False for NULL. */
bool account_ids_has(const struct account_ids *ids, uint64_t account);
/* Of the configuration that the table was made of. */
const struct login_guard_limits *account_table_limits(const struct account_table *table);
/*
 * Judges a login by the table. `user` is an address in any spelling. False: unknown, or wrong
 * password; both hash once. A password longer than 512 bytes or with a NUL byte is wrong.
 */
bool account_table_login(const struct account_table *table, struct span user, struct span password,
                         uint64_t *account_out);
/* Whether the account may act as `identity`: nobody or itself, in any spelling. */
bool account_table_acts_as(const struct account_table *table, uint64_t account,
                           struct span identity);
/* What SCRAM's challenge says of a user; of one whom nobody has, or who has no such keys, always
 * the same. False: no memory. */
bool account_table_salt(const struct account_table *table, struct span user, enum scram_hash hash,
                        struct scram_keys *keys_out);
/* Judges a proof of SCRAM. `signature_out` has SCRAM_KEY_MAX octets. */
bool account_table_prove(const struct account_table *table, const struct job_account_proof *proof,
                         uint64_t *account_out, uint8_t *signature_out);

/* Takes the table. The thread inherits the caller's CPUs and blocks all signals. NULL with errno,
 * the table untouched. */
struct account_service *account_service_start(struct handoff *handoff, struct account_table *table);
/* Takes the new table and frees the old one. Any control thread; may wait for a login that is being
 * judged. */
void account_service_swap(struct account_service *service, struct account_table *table);
/* Answers what is in the rings, ends the thread, frees the table. */
void account_service_stop(struct account_service *service);

#endif
