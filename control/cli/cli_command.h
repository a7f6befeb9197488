/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_COMMAND_H
#define CONTROL_CLI_CLI_COMMAND_H

#include "control/cli/cli.h"

enum { CLI_KEYS_MAX = 8 }; /* keys that a command signs with */

/* Long options without a letter. */
enum cli_auth_option {
    CLI_OPTION_NOW = 256,
    CLI_OPTION_LEGACY,
    CLI_OPTION_KEY,
    CLI_OPTION_SELECTOR,
    CLI_OPTION_PASSPHRASE,
    CLI_OPTION_DOMAIN,
    CLI_OPTION_IDENTITY,
    CLI_OPTION_CANON,
    CLI_OPTION_SIGN_HEADERS,
    CLI_OPTION_OVERSIGN,
    CLI_OPTION_EXPIRES,
};

/* What the options of a command say. */
struct cli_options {
    const char *config, *socket;
    const char *by, *why, *since;
    const char *format;
    const char *output;
    const char *ip, *helo, *mail_from, *receiver;             /* who sent a message, who checks */
    const char *dns, *zone, *trust_anchors, *timeout, *voids; /* where and how DNS is asked */
    const char *now, *expires;                                /* when it is checked or signed */
    const char *keys[CLI_KEYS_MAX], *selectors[CLI_KEYS_MAX]; /* what it is signed with */
    int key_count, selector_count;
    const char *passphrase_file, *domain, *identity, *canonicalization, *sign_headers, *oversign;
    bool legacy;
    bool batch, headers;
    bool subfolders;
    bool profile, json, markdown, null, help;
    int argc; /* what is no option */
    char **argv;
};

/* Returns a cli_status. `program` is argv[0]. */
typedef int cli_command_run(const struct cli_options *options, const struct cli_actions *actions,
                            const char *program);

struct cli_command {
    const char *name;
    const char *options;      /* the short ones, as getopt() has them */
    const char *long_options; /* names of the long ones it takes, each between blanks */
    const char *synopsis;
    const char *text; /* one line */
    const char *help; /* the rest; NULL: none */
    cli_command_run *run;
};

/* All commands, in the order in which help lists them. */
extern const struct cli_command cli_commands[];
extern const int cli_command_count;

/* cli_engine.c: the engine, and what needs its configuration */
cli_command_run cli_engine_run, cli_engine_check, cli_engine_restore, cli_engine_tap;
/* cli_ctl.c: what a running engine is asked for, and its sisters on a store that none has open */
cli_command_run cli_ctl, cli_ctl_import, cli_ctl_export;
/* cli_blast.c: load, and what takes it */
cli_command_run cli_blast_send, cli_blast_sink;
/* cli_clients.c: what mail programs set themselves up by */
cli_command_run cli_clients_show;
/* cli_auth.c: who really sent it */
cli_command_run cli_auth_spf;
/* cli_arc.c: chains of who handled a message */
cli_command_run cli_auth_arc;
/* cli_dkim.c: signatures */
cli_command_run cli_auth_dkim;
/* cli_show.c: what changes nothing */
cli_command_run cli_show_config, cli_show_mime, cli_show_judge, cli_show_address, cli_show_schema,
    cli_show_version;

#endif
