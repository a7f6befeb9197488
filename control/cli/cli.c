/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "control/cli/cli_address.h"
#include "control/cli/cli_judge.h"
#include "control/cli/cli_mime.h"
#include "control/cli/cli_restore.h"
#include "control/cli/cli_transfer.h"
#include "control/ctl/ctl_client.h"
#include "control/log/log.h"
#include "control/schema/schema.h"
#include "control/tap/tap_command.h"

/* What the options of a command say. */
struct cli_options {
    const char *config, *socket;
    const char *by, *why, *since;
    const char *format;
    bool subfolders;
    bool profile, json, markdown, null, help;
    int argc; /* what is no option */
    char **argv;
};

struct cli_command {
    const char *name;
    const char *options;      /* the short ones, as getopt() has them */
    const char *long_options; /* names of the long ones it takes, each between blanks */
    const char *synopsis;
    const char *text; /* one line */
    const char *help; /* the rest; NULL: none */
    int (*run)(const struct cli_options *options, const struct cli_actions *actions,
               const char *program);
};

static int run_engine(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program);
static int run_check(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program);
static int run_ctl(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program);
static int run_config(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program);
static int run_mime(const struct cli_options *o, const struct cli_actions *actions,
                    const char *program);
static int run_judge(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program);
static int run_tap(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program);
static int run_address(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program);
static int run_import(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program);
static int run_export(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program);
static int run_schema(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program);
static int run_restore(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program);
static int run_version(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program);

static const struct cli_command commands[] = {
    {"run", "c:h", " config profile help ", "run -c FILE [--profile]",
     "start the engine, in the foreground",
     "Reads the configuration, refuses to start when anything in it is wrong (status 2), and\n"
     "serves until SIGTERM, SIGINT or `wirepost ctl stop`. Log lines go to standard error.\n"
     "\n"
     "  -c, --config FILE   the configuration, see docs/configuration.md\n"
     "      --profile       measure the cycles of every message by itself, not of a sample\n",
     run_engine},
    {"check", "c:h", " config help ", "check -c FILE", "say what is wrong with a configuration",
     "Reads the configuration and the files it names as a start would, and starts nothing. Tells "
     "every\n"
     "fault on a line of its own: file, line, option, what was expected. Status 2 when there is "
     "one.\n"
     "\n"
     "  -c, --config FILE   the configuration to check\n",
     run_check},
    {"ctl", "c:s:h", " config socket json by why since format subfolders help ",
     "ctl [-s SOCKET | -c FILE] [--json] COMMAND [ARGUMENT...] [--by WHO --why TEXT]",
     "ask or tell the running engine something",
     "  -s, --socket SOCKET the engine's control socket; left out: the default of ctl.socket\n"
     "  -c, --config FILE   take the socket from this configuration\n"
     "      --json          print the answer as the engine gave it, one JSON object on a line\n"
     "      --by WHO        who asks for it, for the audit log; with --why, where a command wants "
     "them\n"
     "      --why TEXT      for what reason\n"
     "      --since AGE     with trace: no older records than, as in 90m or 2d\n"
     "\n"
     "`ctl import ACCOUNT PATH` and `ctl export ACCOUNT PATH` do what the commands `import` and "
     "`export`\n"
     "do, with their options, through the running engine.\n"
     "\n"
     "Commands:\n",
     run_ctl},
    {"config", "h", " markdown help ", "config --markdown", "print the reference of all options",
     "  --markdown          as docs/configuration.md has it\n", run_config},
    {"mime", "h", " json help ", "mime [--json] FILE...", "show how messages are read",
     "Reads each file (- for standard input) as a message and prints its parts: path, header "
     "fields and\n"
     "parameters decoded to UTF-8, type, offsets, and of each leaf the decoded length and its "
     "SHA-256; what\n"
     "breaks a standard is told by name. docs/mime.md says how each doubt is decided.\n"
     "\n"
     "      --json          one JSON object on a line for each file\n",
     run_mime},
    {"judge", "c:h", " config json help ", "judge -c FILE [--json] [SCOPE=VALUE...] MESSAGE...",
     "say what the rules make of messages",
     "Reads each message (- for standard input) as if it came in now, and prints the verdict, the "
     "score and the\n"
     "rules that hit. Nothing is kept, no engine is asked. docs/rules.md tells more.\n"
     "\n"
     "  -c, --config FILE   the configuration with the rules and the domains\n"
     "      --json          one JSON object on a line for each file\n"
     "\n"
     "SCOPE is one of client.ip, client.name, helo, envelope.mail_from, and once for each "
     "recipient\n"
     "envelope.rcpt_to; without one the first account of the configuration gets the message.\n",
     run_judge},
    {"tap", "h", " help ", "tap [OPTION...] --pcap FILE... --json FILE",
     "watch mail in captures, and say what goes by", TAP_COMMAND_HELP, run_tap},
    {"address", "h0", " json null help ", "address [--json] [--null]",
     "judge addresses from standard input",
     "Reads one address a line and says of each whether it may stand in an SMTP envelope (RFC "
     "5321), or in a\n"
     "header field only (RFC 5322), and why not; its parts, and the key it is looked up by.\n"
     "\n"
     "      --json          one JSON object on a line for each address\n"
     "  -0, --null          each address ends in NUL, and line ends are part of it\n",
     run_address},
    {"import", "c:h", " config format subfolders help ",
     "import -c FILE [--format FORMAT] [--subfolders] ACCOUNT PATH",
     "put a Maildir or an mbox into an account's inbox",
     "For a store that no engine has open; `wirepost ctl import` goes through a running engine. "
     "Dates and\n"
     "flags are kept. An import that was cut can be repeated: what is there already is not put "
     "there twice.\n"
     "\n"
     "  -c, --config FILE   the configuration with the store\n"
     "      --format FORMAT maildir, mboxrd, mboxo or mboxcl2; left out: a directory is a Maildir, "
     "a "
     "file mboxrd\n"
     "      --subfolders    folders of a Maildir++ go into the inbox too; without it they are "
     "named "
     "and left out\n",
     run_import},
    {"export", "c:h", " config format help ", "export -c FILE [--format FORMAT] ACCOUNT PATH",
     "write an account's inbox to a Maildir or an mbox",
     "For a store that no engine has open; `wirepost ctl export` goes through a running engine. "
     "PATH is made\n"
     "and must not be there.\n"
     "\n"
     "  -c, --config FILE   the configuration with the store\n"
     "      --format FORMAT maildir (the default) or mboxrd\n",
     run_export},
    {"schema", "h", " help ", "schema [NAME]", "print the JSON Schema of what is told in JSON",
     "Without a name, lists the schemas: of records, of lines of the log, and of what commands "
     "print with\n"
     "--json. docs/events.md says how they change.\n",
     run_schema},
    {"restore", "c:h", " config help ", "restore -c FILE FOLDER [ID]",
     "make the store from a backup, while no engine runs",
     "Copies the backup ID (the newest unless told) of FOLDER to store.path, which must be empty "
     "or "
     "not there,\n"
     "checks it whole, and gives every mailbox a new UIDVALIDITY. Backups are made by `wirepost "
     "ctl "
     "backup`;\n"
     "docs/operations.md tells all of it.\n"
     "\n"
     "  -c, --config FILE   the configuration that names the store\n",
     run_restore},
    {"version", "h", " help ", "version", "print the version", NULL, run_version},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"socket", required_argument, NULL, 's'},
                                             {"format", required_argument, NULL, 'f'},
                                             {"subfolders", no_argument, NULL, 'S'},
                                             {"since", required_argument, NULL, 't'},
                                             {"by", required_argument, NULL, 'b'},
                                             {"why", required_argument, NULL, 'w'},
                                             {"profile", no_argument, NULL, 'p'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"null", no_argument, NULL, '0'},
                                             {"markdown", no_argument, NULL, 'm'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static void print_usage(FILE *out)
{
    fprintf(out, "wirepost: a mail engine on the wire\n\nUsage:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  wirepost %s\n      %s\n", commands[i].synopsis, commands[i].text);
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
    if (command->run == run_ctl)
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
    default:
        return false;
    }
}

/* The faults, and how many there are where that is not plain to see. */
static int print_errors(const struct config_errors *errors)
{
    fwrite(errors->bytes, 1, errors->text.len, stderr);
    if (errors->text.full)
        fprintf(stderr, "... %u faults in all\n", errors->count);
    return CLI_USAGE;
}

/* NULL: the status is in *status_out and the reason was told. */
static struct config *load(const char *path, const struct cli_actions *actions, int *status_out)
{
    struct config_errors *errors = calloc(1, sizeof(*errors));
    struct config *config = errors ? config_load(path, errors) : NULL;

    *status_out = CLI_FAILED;
    if (config && actions->check)
        actions->check(actions->context, config, errors);
    if (errors && errors->count) {
        *status_out = print_errors(errors);
        config_free(config);
        config = NULL;
    }
    free(errors);
    return config;
}

static int run_engine(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program)
{
    struct cli_run run = {.program = program, .config_path = o->config, .profile = o->profile};
    struct config *config;
    int status;

    if (!actions->run) {
        fprintf(stderr, "wirepost run: this wirepost was built without DPDK\n");
        return CLI_FAILED;
    }
    config = load(o->config, actions, &status);
    if (!config)
        return status;
    log_set_level((enum log_level)config->log_level);
    run.config = config;
    status = actions->run(actions->context, &run);
    config_free(config);
    return status;
}

static int run_check(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    int status;
    struct config *config = load(o->config, actions, &status);

    if (!config)
        return status;
    config_free(config);
    printf("%s: nothing is wrong\n", o->config);
    return CLI_OK;
}

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
    const struct cli_actions plain = {.check = NULL};
    int status;
    struct config *config = load(o->config, &plain, &status);

    if (!config)
        return status;
    status = transfer(o, config, NULL, import);
    config_free(config);
    return status;
}

static int run_import(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program)
{
    return run_here(o, true);
}

static int run_export(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program)
{
    return run_here(o, false);
}

/* "import ACCOUNT PATH" and the like; what has other words is asked of the engine as it stands. */
static bool is_transfer(const struct cli_options *o, const char *name)
{
    return o->argc == 3 && strcmp(o->argv[0], name) == 0 && strchr(o->argv[1], '@');
}

static int run_ctl(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    /* The socket is all that is asked of the configuration: rules that a reload would refuse are no
     * matter here. */
    const struct cli_actions plain = {.check = NULL};
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
        config = load(o->config, &plain, &status);
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

static int run_restore(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program)
{
    const struct cli_actions plain = {.check = NULL};
    struct config *config;
    int status;

    config = load(o->config, &plain, &status);
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

static int run_config(const struct cli_options *o, const struct cli_actions *actions,
                      const char *program)
{
    config_markdown(stdout);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

static int run_mime(const struct cli_options *o, const struct cli_actions *actions,
                    const char *program)
{
    return cli_mime(o->argc, o->argv, o->json);
}

static int run_judge(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    int status;
    struct config *config = load(o->config, actions, &status);

    if (!config)
        return status;
    status = cli_judge(config, actions, o->argc, o->argv, o->json);
    config_free(config);
    return status;
}

static int run_tap(const struct cli_options *o, const struct cli_actions *actions,
                   const char *program)
{
    return tap_command(actions->tap, o->argc, o->argv);
}

static int run_address(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program)
{
    return cli_address(o->json, o->null);
}

static int run_schema(const struct cli_options *o, const struct cli_actions *actions,
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

static int run_version(const struct cli_options *o, const struct cli_actions *actions,
                       const char *program)
{
    printf("wirepost %s\n", actions->version);
    return CLI_OK;
}

/* What a command cannot do without. NULL: all is there. */
static const char *missing(const struct cli_command *command, const struct cli_options *o)
{
    bool ctl = command->run == run_ctl;

    bool moves = command->run == run_import || command->run == run_export;

    if ((command->run == run_engine || command->run == run_check || command->run == run_judge ||
         moves) &&
        !o->config)
        return "expected -c FILE";
    if (command->run == run_restore && (!o->config || o->argc < 1 || o->argc > 2))
        return "expected -c FILE FOLDER [ID]";
    if (moves && o->argc != 2)
        return "expected ACCOUNT PATH";
    if (command->run == run_config && !o->markdown)
        return "expected --markdown";
    if (ctl && o->socket && o->config)
        return "expected one of --socket and --config";
    if (ctl && o->argc == 0)
        return "expected a command; --help lists them";
    if (command->run == run_mime && o->argc == 0)
        return "expected a file";
    return NULL;
}

/* How many words a command takes behind its options; those that look at their own take any. */
static int arguments_max(const struct cli_command *command)
{
    if (command->run == run_schema)
        return 1;
    return command->run == run_ctl || command->run == run_mime || command->run == run_judge ||
                   command->run == run_restore || command->run == run_import ||
                   command->run == run_export
               ? INT_MAX
               : 0;
}

static int run_command(const struct cli_command *command, int argc, char **argv,
                       const struct cli_actions *actions, const char *program)
{
    struct cli_options o = {0};
    const char *lacks;
    int option, index;

    /* Options of its own, one of which takes many words. */
    if (command->run == run_tap && !(argc > 1 && strcmp(argv[1], "--help") == 0)) {
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
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return run_command(&commands[i], argc - 1, argv + 1, actions, argv[0]);
    if (argc > 1)
        fprintf(stderr, "wirepost: no such command: %s\n\n", name);
    print_usage(stderr);
    return CLI_USAGE;
}
