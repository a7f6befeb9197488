/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_STORE_H
#define CONTROL_CTL_CTL_STORE_H

#include "control/ctl/ctl_server.h"
#include "control/store/store.h"

/*
 * What `wirepost ctl` shows of the store. Each function is a handler's work: a new reference, or
 * NULL with the reason in `why`.
 */

/* Messages of the account with this address, inbox and quarantine: an array of objects. */
json_t *ctl_store_list(struct store *store, struct span address, struct writer *why);
/* Its mailboxes and how much is in them: an array of objects. */
json_t *ctl_store_status(struct store *store, struct span address, struct writer *why);
/* Envelope, parts and where the message lies. `address` may be empty: all accounts. */
json_t *ctl_store_show(struct store *store, const struct id128 *id, struct span address,
                       struct writer *why);
/*
 * The stored bytes of one delivery, header prefix and body, in memory of their own. Where the
 * message lies in several mailboxes and no account is named it is the first. These are handlers as
 * they stand; the last two need no context.
 */
void *ctl_store_open(struct store *store, const struct id128 *id, struct span address,
                     uint64_t *length_out, struct writer *why);
bool ctl_store_read(void *context, void *export, uint64_t offset, struct span *bytes_out);
void ctl_store_close(void *context, void *export);

#endif
