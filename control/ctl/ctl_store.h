/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_STORE_H
#define CONTROL_CTL_CTL_STORE_H

#include "control/ctl/ctl_server.h"
#include "control/store/store.h"

/* What `wirepost ctl` shows of the store: mailboxes, messages and their bytes. Borrows the store.
 */
struct ctl_subject ctl_store_subject(struct store *store);

/* What other subjects need of it. The account with this address; false with the reason in `why`. */
bool ctl_store_account(struct store *store, struct span address, uint64_t *account_out,
                       struct writer *why);
/* Envelope, parts and places of a message; `address` may be empty: all accounts. */
json_t *ctl_store_show(struct store *store, const struct id128 *id, struct span address,
                       struct writer *why);

#endif
