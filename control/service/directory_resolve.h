/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DIRECTORY_RESOLVE_H
#define CONTROL_SERVICE_DIRECTORY_RESOLVE_H

#include "control/directory/directory_chain.h"
#include "control/store/store.h"

/*
 * From an account that a back end has found to its id in the store, made when there is none. What
 * the back end left to the configuration (a policy that is not known) is filled in first; texts
 * that are put borrow from the configuration's back end, for as long as the chain is held. Blocks:
 * not on a worker.
 */
enum directory_result directory_resolve(struct directory_chain *chain, struct store *store,
                                        uint64_t quota_default, struct directory_member *member);

/* Removes what leads from entries to the account, which is being erased. Takes time by the number
 * of entries there are. */
enum store_status directory_resolve_forget(struct store *store, uint64_t account);

#endif
