/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_load.h"

#include <stdio.h>
#include <stdlib.h>

/* The faults, and how many there are where that is not plain to see. */
static int print_errors(const struct config_errors *errors)
{
    fwrite(errors->bytes, 1, errors->text.len, stderr);
    if (errors->text.full)
        fprintf(stderr, "... %u faults in all\n", errors->count);
    return CLI_USAGE;
}

struct config *cli_load(const char *path, const struct cli_actions *actions, int *status_out)
{
    struct config_errors *errors = calloc(1, sizeof(*errors));
    struct config *config = errors ? config_load(path, errors) : NULL;

    *status_out = CLI_FAILED;
    if (config && actions && actions->check)
        actions->check(actions->context, config, errors);
    if (errors && errors->count) {
        *status_out = print_errors(errors);
        config_free(config);
        config = NULL;
    }
    free(errors);
    return config;
}
