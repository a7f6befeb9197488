/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_transfer.h"
#include "control/ctl/ctl_client.h"

/* --since, --by and --why travel as the last arguments of the command. False: no memory. */
static bool add_reason(const struct cli_options *o, struct ctl_client_options *client)
{
    char **words = calloc((size_t)o->argc + 6, sizeof(*words));

    if (!words)
        return false;
    memcpy(words, o->argv, (size_t)o->argc * sizeof(*words));
    if (o->since) {
        words[client->argc++] = (char *)(uintptr_t) "--since";
        words[client->argc++] = (char *)(uintptr_t)o->since;
    }
    if (o->by) {
        words[client->argc++] = (char *)(uintptr_t) "--by";
        words[client->argc++] = (char *)(uintptr_t)o->by;
    }
    if (o->why) {
        words[client->argc++] = (char *)(uintptr_t) "--why";
        words[client->argc++] = (char *)(uintptr_t)o->why;
    }
    client->argv = words;
    return true;
}

/* `o->argv` ends in ACCOUNT PATH. */
static int transfer(const struct cli_options *o, const struct config *config, const char *socket,
                    bool import)
{
    return cli_transfer(&(struct cli_transfer){.import = import,
                                               .config = config,
                                               .socket = socket,
                                               .format = o->format,
                                               .subfolders = o->subfolders,
                                               .account = o->argv[o->argc - 2],
                                               .path = o->argv[o->argc - 1]});
}

static int run_here(const struct cli_options *o, bool import)
{
    int status;
    struct config *config = cli_load(o->config, NULL, &status);

    if (!config)
        return status;
    if (config->role == CONFIG_ROLE_SERVE) {
        status = transfer(o, config, NULL, import);
    } else {
        fprintf(stderr, "wirepost %s: the configuration's role is tap: there is no store\n",
                import ? "import" : "export");
        status = CLI_USAGE;
    }
    config_free(config);
    return status;
}

int cli_ctl_import(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    return run_here(o, true);
}

int cli_ctl_export(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    return run_here(o, false);
}

/* "import ACCOUNT PATH" and the like; what has other words is asked of the engine as it stands. */
static bool is_transfer(const struct cli_options *o, const char *name)
{
    return o->argc == 3 && strcmp(o->argv[0], name) == 0 && strchr(o->argv[1], '@');
}

int cli_ctl(const struct cli_options *o, const struct cli_actions *actions, const char *program)
{
    struct ctl_client_options client = {.socket =
                                            o->socket ? o->socket : config_default("ctl.socket"),
                                        .argc = o->argc,
                                        .argv = o->argv,
                                        .json = o->json,
                                        .out = stdout,
                                        .errors = stderr};
    struct config *config = NULL;
    int status = CLI_OK;

    if (!o->socket && o->config) {
        /* All that is asked of the configuration: rules that a reload would refuse are no matter
         * here. */
        config = cli_load(o->config, NULL, &status);
        if (!config)
            return status;
        client.socket = config->ctl_socket;
    }
    if (is_transfer(o, "import") || is_transfer(o, "export"))
        status = transfer(o, NULL, client.socket, strcmp(o->argv[0], "import") == 0);
    else
        status = add_reason(o, &client) ? ctl_client_run(&client) : CLI_FAILED;
    if (client.argv != o->argv)
        free(client.argv);
    config_free(config);
    return status;
}
