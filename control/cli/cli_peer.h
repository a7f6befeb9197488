/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_PEER_H
#define CONTROL_CLI_CLI_PEER_H

#include <jansson.h>

#include "proto/base/span.h"

/* What peers wrote, as commands show it: printable, and at most 4096 bytes of it. */
json_t *cli_peer_json(struct span bytes);
void cli_peer_print(struct span bytes);

#endif
