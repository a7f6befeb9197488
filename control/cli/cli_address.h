/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_ADDRESS_H
#define CONTROL_CLI_CLI_ADDRESS_H

#include <stdbool.h>

/*
 * `wirepost address`: judges each address of standard input, one a line, or with `null` each up to
 * a NUL, so that line ends can be within. Prints one line for each, with `json` an object. Returns
 * a cli_status.
 */
int cli_address(bool json, bool null);

#endif
