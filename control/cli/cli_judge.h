/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_JUDGE_H
#define CONTROL_CLI_CLI_JUDGE_H

#include "control/cli/cli.h"

/*
 * `wirepost judge`: what the rules of a configuration say of messages in files. `words` are first
 * those of the envelope, "SCOPE=VALUE", then the files ("-": standard input). Prints for each what
 * docs/rules.md says. Returns a cli_status; a file that cannot be read is told on standard error,
 * and the others are judged nevertheless.
 */
int cli_judge(const struct config *config, const struct cli_actions *actions, int count,
              char **words, bool json);

#endif
