/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_MIME_H
#define CONTROL_CLI_CLI_MIME_H

#include <stdbool.h>

/*
 * `wirepost mime`: reads each file ("-": standard input) as a message, in pieces as the engine
 * would, and prints its tree to standard output: an indented text, or with `json` one object on a
 * line, see docs/mime.md. Returns a cli_status; a file that cannot be read is told on standard
 * error, and the others are read nevertheless.
 */
int cli_mime(int count, char **files, bool json);

#endif
