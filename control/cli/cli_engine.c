/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_restore.h"
#include "control/log/log.h"
#include "control/tap/tap_command.h"
#include "control/tap/tap_watch.h"

/* True when the configuration is for another role than the command. */
static bool is_of_another(const struct config *config, enum config_role role, const char *command)
{
    if (config->role == (int)role)
        return false;
    fprintf(stderr, "wirepost %s: the configuration's role is %s\n", command,
            config->role == CONFIG_ROLE_TAP ? "tap: see `wirepost tap -c`"
                                            : "serve: see `wirepost run`");
    return true;
}

static int tap_ports(const struct config *config, const char *path,
                     const struct cli_actions *actions, const char *program)
{
    const struct tap_watch run = {.program = program,
                                  .version = actions->version,
                                  .config_path = path,
                                  .config = config,
                                  .engine = actions->tap_live};

    if (is_of_another(config, CONFIG_ROLE_TAP, "tap"))
        return CLI_USAGE;
    log_set_level((enum log_level)config->log_level);
    return tap_watch(&run);
}

int cli_engine_tap(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    const char *path = tap_command_config(o->argc, o->argv);
    struct config *config;
    int status;

    if (!path)
        return tap_command(actions->tap, o->argc, o->argv);
    if (!actions->tap_live) {
        fprintf(stderr, "wirepost tap: this wirepost was built without DPDK\n");
        return CLI_FAILED;
    }
    config = cli_load(path, actions, &status);
    if (!config)
        return status;
    status = tap_ports(config, path, actions, program);
    config_free(config);
    return status;
}

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
    status = is_of_another(config, CONFIG_ROLE_SERVE, "run") ? CLI_USAGE
                                                             : actions->run(actions->context, &run);
    config_free(config);
    return status;
}

int cli_engine_check(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    char text[1024];
    struct writer warnings = writer_of(text, sizeof(text));
    int status;
    struct config *config = cli_load(o->config, actions, &status);

    if (!config)
        return status;
    config_warn(config, &warnings);
    fprintf(stderr, "%.*s", (int)warnings.len, text);
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
    if (is_of_another(config, CONFIG_ROLE_SERVE, "restore")) {
        status = CLI_USAGE;
    } else if (config->store.kind == CONFIG_STORE_MEMORY) {
        fprintf(stderr, "wirepost restore: store.kind: a store in memory has no backups\n");
        status = CLI_USAGE;
    } else {
        status = cli_restore(config->store.path, o->argv[0], o->argc > 1 ? o->argv[1] : NULL);
    }
    config_free(config);
    return status;
}
