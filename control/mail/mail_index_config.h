/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_CONFIG_H
#define CONTROL_MAIL_MAIL_INDEX_CONFIG_H

#include "control/config/config.h"
#include "control/mail/mail_index.h"

/* The index that a configuration asks for, in the folder `index` of its store. NULL in *index_out:
 * none, or the store is in memory. False: it cannot be started, with a line in the log. */
bool mail_index_configured(const struct config *config, struct store *store,
                           struct mail_index **index_out);

#endif
