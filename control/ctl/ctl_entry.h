/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_ENTRY_H
#define CONTROL_CTL_CTL_ENTRY_H

#include <jansson.h>

#include "control/store/store.h"

/* What TLS the message is to go on under: "required" (REQUIRETLS), "optional" (its header says so),
 * "default". */
json_t *ctl_entry_tls(const struct message_envelope *envelope);
/*
 * What the envelope of an entry's message says goes into its row of a list: "mail_from", "rcpt_to",
 * and "login" and "tls" where the row has them. A message that is not there leaves the row as it
 * is. Borrows all of them.
 */
void ctl_entry_envelope(struct store *store, const struct store_entry *entry, json_t *row);

#endif
