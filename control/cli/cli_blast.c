/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_command.h"
#include "control/cli/cli_command.h"

int cli_blast_send(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    return blast_command(actions->blast, program, o->argc, o->argv);
}

int cli_blast_sink(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    return blast_command_sink(actions->blast, program, o->argc, o->argv);
}
