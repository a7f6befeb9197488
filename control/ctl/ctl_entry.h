/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_ENTRY_H
#define CONTROL_CTL_CTL_ENTRY_H

#include <jansson.h>

#include "control/store/store.h"

/*
 * What the envelope of an entry's message says goes into its row of a list: "mail_from", "rcpt_to",
 * and "login" where the row has that. A message that is not there leaves the row as it is. Borrows
 * all of them.
 */
void ctl_entry_envelope(struct store *store, const struct store_entry *entry, json_t *row);

#endif
