/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LOG_LOG_CONFIG_H
#define CONTROL_LOG_LOG_CONFIG_H

#include "control/config/config.h"

/* Level, target and format as the configuration has them; a file is opened anew. False: it cannot
 * be; lines go where they went before, and one says why. */
bool log_config(const struct config *config);

/* Says each line of `reasons` as an error. Returns false, for who ends with it. */
bool log_config_refused(struct span reasons);

#endif
