/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_CONFIG_H
#define CONTROL_MAIL_MAIL_CONFIG_H

#include "control/config/config.h"
#include "control/mail/mail_team.h"

/* How many threads execute commands: what the handoff is told as `imap_lanes`. */
uint32_t mail_config_threads(const struct config *config);
/* mail_team_start() as the configuration says, which is not needed afterwards. */
struct mail_team *mail_config_start(const struct config *config, struct handoff *h,
                                    struct store *store, struct mail_index *index);

#endif
