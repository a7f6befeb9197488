/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_ACCOUNT_REGISTRY_H
#define CONTROL_SERVICE_ACCOUNT_REGISTRY_H

#include "control/config/config.h"
#include "control/store/store.h"

/*
 * Gives the tenants, domains and accounts of a configuration their immutable ids in the store:
 * those they had, or new ones. For one thread, for as long as a configuration is being put into
 * force.
 */
struct account_registry;

/* Borrows both. Puts tenants and domains. NULL: out of memory, or the store failed. */
struct account_registry *account_registry_new(struct store *store, const struct config *config);
void account_registry_free(struct account_registry *registry);
/* The id of the account with this key, local part at domain; 0: its domain is none of ours, or the
 * store failed. */
uint64_t account_registry_id(void *registry, struct span key);
/* The id of the account that mail for other servers is kept in; 0: the store failed. */
uint64_t account_registry_queue(struct account_registry *registry);
/* The id of one of the configuration's tenants; 0: it has none of that name. */
uint64_t account_registry_tenant(void *registry, struct span name);

#endif
