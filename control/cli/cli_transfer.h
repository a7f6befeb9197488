/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_TRANSFER_H
#define CONTROL_CLI_CLI_TRANSFER_H

#include "control/config/config.h"

/* `wirepost import` and `wirepost export`, on a store that no engine has open, and `wirepost ctl
 * import` and `ctl export`, through a running one. docs/import-export.md. */
struct cli_transfer {
    bool import;                 /* false: export */
    const struct config *config; /* of the store; NULL: by `socket` */
    const char *socket;
    const char *format; /* NULL: by what PATH is */
    bool subfolders;
    const char *account, *path;
};

/* Returns a cli_status. */
int cli_transfer(const struct cli_transfer *transfer);

#endif
