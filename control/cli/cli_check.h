/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_CHECK_H
#define CONTROL_CLI_CLI_CHECK_H

#include "control/config/config.h"

/* What the parts have to say of a configuration that is well formed: rules, certificates, files and
 * directories that it leads to. Adds to the errors. */
void cli_check_parts(void *context, const struct config *config, struct config_errors *errors);

#endif
