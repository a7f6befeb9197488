/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DEFENCE_STORE_H
#define CONTROL_SERVICE_DEFENCE_STORE_H

#include "control/service/ban_list.h"
#include "control/service/login_guard.h"
#include "control/store/store_directory.h"

/*
 * Keeps bans, and addresses that have logged in, in the store, so that they outlive the engine. A
 * ban by hand and its end are there, with their row of the audit log, before they are answered; the
 * rest is written now and then by the keeper, so that no login waits for the disk, and a crash may
 * lose the last seconds of it. What the store does not take is in force all the same, and tried
 * again. Any thread.
 */
struct defence_store;

/* All borrowed. Puts what was kept into list and guard. NULL: no memory. */
struct defence_store *defence_store_new(struct store *store, struct ban_list *bans,
                                        struct login_guard *guard);
/* Writes what is left. */
void defence_store_free(struct defence_store *defence);
/* Writes what has changed. */
void defence_store_write(struct defence_store *defence);
/* Removes rows of bans that nobody remembers any more. */
enum store_status defence_store_sweep(struct defence_store *defence);

/* As of ban_list.h, now, with a row of the audit log. `kept_out`: what became of that and of what
 * is kept; where it is not STORE_OK the change is in force as long as the engine runs. */
enum ban_status defence_store_ban(struct defence_store *defence, const struct limit_network *of,
                                  uint64_t for_ms, const struct store_reason *reason,
                                  enum store_status *kept_out);
enum ban_status defence_store_unban(struct defence_store *defence, const struct limit_network *of,
                                    const struct store_reason *reason, enum store_status *kept_out);
uint32_t defence_store_clear(struct defence_store *defence, const struct store_reason *reason,
                             enum store_status *kept_out);

/* A network of 128 bits, at most DEFENCE_STORE_NETWORK octets: "192.0.2.0/24". */
enum { DEFENCE_STORE_NETWORK = IP_ADDRESS_TEXT + 8 };
void defence_store_put_network(struct writer *w, const struct ip_address *network, uint8_t bits);

#endif
