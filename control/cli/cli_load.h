/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_LOAD_H
#define CONTROL_CLI_CLI_LOAD_H

#include "control/cli/cli.h"

/* The configuration, checked by actions->check too unless `actions` is NULL; the caller frees it.
 * NULL: the status is in *status_out and the reason was told on standard error. */
struct config *cli_load(const char *path, const struct cli_actions *actions, int *status_out);

#endif
