/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_CONFIG_H
#define CONTROL_MAIL_MAIL_CONFIG_H

#include "control/config/config.h"
#include "control/mail/mail_service.h"

/* mail_service_start() as the configuration says, which is not needed afterwards. */
struct mail_service *mail_config_start(const struct config *config, struct handoff *h,
                                       struct store *store, struct mail_index *index);

#endif
