/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_ACCOUNTS_H
#define CONTROL_CTL_CTL_ACCOUNTS_H

#include "control/ctl/ctl_client.h"

/* `ctl account import FILE`: sends the file's JSON lines to the engine, many at a time ("-":
 * standard input). 0: all are durable; 1: told where it ended, what is before it is there. */
int ctl_accounts_import(const struct ctl_client_options *options, const char *path);

#endif
