/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/cli/cli_address.h"
#include "control/cli/cli_command.h"
#include "control/cli/cli_judge.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_mime.h"
#include "control/schema/schema.h"

int cli_show_config(const struct cli_options *o, const struct cli_actions *actions,
                    const char *program)
{
    config_markdown(stdout);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_show_mime(const struct cli_options *o, const struct cli_actions *actions,
                  const char *program)
{
    return cli_mime(o->argc, o->argv, o->json);
}

int cli_show_judge(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    int status;
    struct config *config = cli_load(o->config, actions, &status);

    if (!config)
        return status;
    status = cli_judge(config, actions, o->argc, o->argv, o->json);
    config_free(config);
    return status;
}

int cli_show_address(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    return cli_address(o->json, o->null);
}

int cli_show_schema(const struct cli_options *o, const struct cli_actions *actions,
                    const char *program)
{
    bool found = false;

    for (uint32_t i = 0; i < schema_count; i++) {
        if (o->argc == 0)
            printf("%-20s %-5s %s\n", schemas[i].name, schemas[i].version, schemas[i].text);
        else if (strcmp(o->argv[0], schemas[i].name) == 0)
            found = fputs(schemas[i].json, stdout) >= 0;
    }
    if (o->argc == 1 && !found) {
        fprintf(stderr, "wirepost schema: no such schema: %s\n", o->argv[0]);
        return CLI_USAGE;
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_show_version(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    printf("wirepost %s\n", actions->version);
    return CLI_OK;
}
