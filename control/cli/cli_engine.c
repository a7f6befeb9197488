/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_restore.h"
#include "control/log/log.h"

int cli_engine_run(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    struct cli_run run = {.program = program, .config_path = o->config, .profile = o->profile};
    struct config *config;
    int status;

    if (!actions->run) {
        fprintf(stderr, "wirepost run: this wirepost was built without DPDK\n");
        return CLI_FAILED;
    }
    config = cli_load(o->config, actions, &status);
    if (!config)
        return status;
    log_set_level((enum log_level)config->log_level);
    run.config = config;
    status = actions->run(actions->context, &run);
    config_free(config);
    return status;
}

int cli_engine_check(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    int status;
    struct config *config = cli_load(o->config, actions, &status);

    if (!config)
        return status;
    config_free(config);
    printf("%s: nothing is wrong\n", o->config);
    return CLI_OK;
}

int cli_engine_restore(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program)
{
    struct config *config;
    int status;

    config = cli_load(o->config, NULL, &status);
    if (!config)
        return status;
    if (config->store.kind == CONFIG_STORE_MEMORY) {
        fprintf(stderr, "wirepost restore: store.kind: a store in memory has no backups\n");
        status = CLI_USAGE;
    } else {
        status = cli_restore(config->store.path, o->argv[0], o->argc > 1 ? o->argv[1] : NULL);
    }
    config_free(config);
    return status;
}
