/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_STORE_H
#define CONTROL_CTL_CTL_STORE_H

#include "control/ctl/ctl_server.h"
#include "control/store/store.h"

/* What `wirepost ctl` shows of the store: mailboxes, messages and their bytes. Borrows the store.
 */
struct ctl_subject ctl_store_subject(struct store *store);

#endif
