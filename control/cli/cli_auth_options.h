/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_AUTH_OPTIONS_H
#define CONTROL_CLI_CLI_AUTH_OPTIONS_H

#include "control/cli/cli_dkim.h"

/* What the commands about who sent a message share of their options. */

/* Takes an option of theirs (enum cli_auth_option). False: it is none, or there are too many. */
bool cli_auth_option(int option, const char *value, struct cli_options *o);
/* What they cannot do without. NULL: all is there. */
const char *cli_auth_missing(const struct cli_command *command, const struct cli_options *o);

/* `--now`, or the clock. False, and told: it is no time. */
bool cli_auth_now(const struct cli_options *o, const char *command, uint64_t *now_out);
/* What a check is made by, but for DNS. False, and told. */
bool cli_auth_settings(const struct cli_options *o, const char *command, struct cli_dkim *told);
/* Opens DNS, checks, and closes it; the exit status. */
typedef int cli_auth_checker(const struct cli_dkim *told, const struct cli_options *o);
int cli_auth_check(const struct cli_options *o, const char *command, cli_auth_checker *check);

#endif
