/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_CARE_H
#define CONTROL_CTL_CTL_CARE_H

#include "control/ctl/ctl_request.h"
#include "control/store/store.h"

/* Commands that look after the store: fsck and backups. NULL with a reason. */
json_t *ctl_care(struct store *store, const struct ctl_request *request, struct writer *why);

#endif
