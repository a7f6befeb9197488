/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "control/cli/cli_auth_options.h"
#include "control/cli/cli_command.h"
#include "control/ctl/ctl_client.h"

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"socket", required_argument, NULL, 's'},
                                             {"format", required_argument, NULL, 'f'},
                                             {"output", required_argument, NULL, 'o'},
                                             {"subfolders", no_argument, NULL, 'S'},
                                             {"since", required_argument, NULL, 't'},
                                             {"by", required_argument, NULL, 'b'},
                                             {"why", required_argument, NULL, 'w'},
                                             {"profile", no_argument, NULL, 'p'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"null", no_argument, NULL, '0'},
                                             {"markdown", no_argument, NULL, 'm'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"ip", required_argument, NULL, 'i'},
                                             {"helo", required_argument, NULL, 'e'},
                                             {"mail-from", required_argument, NULL, 'F'},
                                             {"dns", required_argument, NULL, 'd'},
                                             {"zone", required_argument, NULL, 'z'},
                                             {"batch", no_argument, NULL, 'B'},
                                             {"receiver", required_argument, NULL, 'r'},
                                             {"timeout", required_argument, NULL, 'T'},
                                             {"void-lookups", required_argument, NULL, 'v'},
                                             {"trust-anchors", required_argument, NULL, 'a'},
                                             {"headers", no_argument, NULL, 'A'},
                                             {"now", required_argument, NULL, CLI_OPTION_NOW},
                                             {"allow-legacy", no_argument, NULL, CLI_OPTION_LEGACY},
                                             {"key", required_argument, NULL, CLI_OPTION_KEY},
                                             {"selector", required_argument, NULL,
                                              CLI_OPTION_SELECTOR},
                                             {"passphrase-file", required_argument, NULL,
                                              CLI_OPTION_PASSPHRASE},
                                             {"domain", required_argument, NULL, CLI_OPTION_DOMAIN},
                                             {"identity", required_argument, NULL,
                                              CLI_OPTION_IDENTITY},
                                             {"canonicalization", required_argument, NULL,
                                              CLI_OPTION_CANON},
                                             {"sign-headers", required_argument, NULL,
                                              CLI_OPTION_SIGN_HEADERS},
                                             {"oversign", required_argument, NULL,
                                              CLI_OPTION_OVERSIGN},
                                             {"expires", required_argument, NULL,
                                              CLI_OPTION_EXPIRES},
                                             {NULL, 0, NULL, 0}};

static void print_usage(FILE *out)
{
    fprintf(out, "wirepost: a mail engine on the wire\n\nUsage:\n");
    for (int i = 0; i < cli_command_count; i++)
        fprintf(out, "  wirepost %s\n      %s\n", cli_commands[i].synopsis, cli_commands[i].text);
    fprintf(
        out,
        "\n`wirepost COMMAND --help` tells more of a command.\n"
        "\nExit status: 0 done; 1 it failed; 2 the command line or the configuration is wrong,\n"
        "and nothing was done.\n");
}

static int print_help(const struct cli_command *command)
{
    printf("Usage: wirepost %s\n\n%c%s.\n", command->synopsis, command->text[0] - 'a' + 'A',
           command->text + 1);
    if (command->help)
        printf("\n%s", command->help);
    if (command->run == cli_ctl)
        ctl_client_help(stdout);
    printf(
        "\nExit status: 0 done; 1 it failed; 2 the command line or the configuration is wrong.\n");
    return CLI_OK;
}

static int usage_error(const struct cli_command *command, const char *what, const char *which)
{
    fprintf(stderr, "wirepost %s: %s%s%s\nUsage: wirepost %s\n", command->name, what,
            which ? ": " : "", which ? which : "", command->synopsis);
    return CLI_USAGE;
}

/* True when the command takes the option that getopt_long() found in the common list. */
static bool takes(const struct cli_command *command, const char *name)
{
    char between[32];

    snprintf(between, sizeof(between), " %s ", name);
    return strstr(command->long_options, between) != NULL;
}

static bool take_option(const struct cli_command *command, int option, int index,
                        struct cli_options *o)
{
    if (index >= 0 && !takes(command, long_options[index].name))
        return false;
    switch (option) {
    case 'c':
        o->config = optarg;
        return true;
    case 's':
        o->socket = optarg;
        return true;
    case 'f':
        o->format = optarg;
        return true;
    case 'o':
        o->output = optarg;
        return true;
    case 'S':
        o->subfolders = true;
        return true;
    case 'b':
        o->by = optarg;
        return true;
    case 'w':
        o->why = optarg;
        return true;
    case 't':
        o->since = optarg;
        return true;
    case 'p':
        o->profile = true;
        return true;
    case 'j':
        o->json = true;
        return true;
    case '0':
        o->null = true;
        return true;
    case 'm':
        o->markdown = true;
        return true;
    case 'h':
        o->help = true;
        return true;
    case 'i':
        o->ip = optarg;
        return true;
    case 'e':
        o->helo = optarg;
        return true;
    case 'F':
        o->mail_from = optarg;
        return true;
    case 'r':
        o->receiver = optarg;
        return true;
    case 'd':
        o->dns = optarg;
        return true;
    case 'z':
        o->zone = optarg;
        return true;
    case 'a':
        o->trust_anchors = optarg;
        return true;
    case 'T':
        o->timeout = optarg;
        return true;
    case 'v':
        o->voids = optarg;
        return true;
    case 'A':
        o->headers = true;
        return true;
    case 'B':
        o->batch = true;
        return true;
    default:
        return cli_auth_option(option, optarg, o);
    }
}

/* What a command cannot do without. NULL: all is there. */
static const char *missing(const struct cli_command *command, const struct cli_options *o)
{
    bool ctl = command->run == cli_ctl;
    bool moves = command->run == cli_ctl_import || command->run == cli_ctl_export;

    if ((command->run == cli_engine_run || command->run == cli_engine_check ||
         command->run == cli_show_judge || moves) &&
        !o->config)
        return "expected -c FILE";
    if (command->run == cli_engine_restore && (!o->config || o->argc < 1 || o->argc > 2))
        return "expected -c FILE FOLDER [ID]";
    if (moves && o->argc != 2)
        return "expected ACCOUNT PATH";
    if (command->run == cli_clients_show && (!o->config || o->argc == 0))
        return "expected -c FILE DOMAIN";
    if (command->run == cli_show_config && !o->markdown)
        return "expected --markdown";
    if (ctl && o->socket && o->config)
        return "expected one of --socket and --config";
    if (ctl && o->argc == 0)
        return "expected a command; --help lists them";
    if (command->run == cli_show_mime && o->argc == 0)
        return "expected a file";
    return cli_auth_missing(command, o);
}

/* How many words a command takes behind its options; those that look at their own take any. */
static int arguments_max(const struct cli_command *command)
{
    if (command->run == cli_show_schema || command->run == cli_clients_show)
        return 1;
    return command->run == cli_ctl || command->run == cli_auth_arc ||
                   command->run == cli_auth_dkim || command->run == cli_show_mime ||
                   command->run == cli_show_judge || command->run == cli_engine_restore ||
                   command->run == cli_ctl_import || command->run == cli_ctl_export
               ? INT_MAX
               : 0;
}

static int run_command(const struct cli_command *command, int argc, char **argv,
                       const struct cli_actions *actions, const char *program)
{
    struct cli_options o = {0};
    const char *lacks;
    int option, index;

    /* Options of their own; one of the tap takes many words. */
    if (command->run == cli_blast_send || command->run == cli_blast_sink ||
        (command->run == cli_engine_tap && !(argc > 1 && strcmp(argv[1], "--help") == 0))) {
        o.argc = argc - 1;
        o.argv = argv + 1;
        return command->run(&o, actions, program);
    }
    opterr = 0;
    optind = 0; /* GNU: begin anew, also when somebody has read options before */
    while (index = -1,
           (option = getopt_long(argc, argv, command->options, long_options, &index)) != -1)
        if (!take_option(command, option, index, &o))
            return usage_error(command, "unknown option, or one that lacks its argument",
                               argv[optind - 1]);
    o.argc = argc - optind;
    o.argv = argv + optind;
    if (o.help)
        return print_help(command);
    if (o.argc > arguments_max(command))
        return usage_error(command, "unexpected argument", o.argv[arguments_max(command)]);
    lacks = missing(command, &o);
    if (lacks)
        return usage_error(command, lacks, NULL);
    return command->run(&o, actions, program);
}

int cli_main(int argc, char **argv, const struct cli_actions *actions)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (int i = 0; i < cli_command_count; i++)
        if (strcmp(name, cli_commands[i].name) == 0)
            return run_command(&cli_commands[i], argc - 1, argv + 1, actions, argv[0]);
    if (argc > 1)
        fprintf(stderr, "wirepost: no such command: %s\n\n", name);
    print_usage(stderr);
    return CLI_USAGE;
}
