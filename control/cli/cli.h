/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_H
#define CONTROL_CLI_CLI_H

#include "control/config/config.h"

struct blast_order;
struct handoff;
struct judge_source;
struct tap_live_calls;
struct tap_source;

/* The command line of `wirepost`: commands, options, help, exit statuses. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1, /* what was asked for did not happen */
    CLI_USAGE = 2,  /* the command line or the configuration is wrong; nothing was done */
};

struct cli_run {
    const char *program;         /* argv[0] */
    const char *config_path;     /* for reloads */
    const struct config *config; /* freed after run() */
    bool profile;                /* cycles of every message by themselves */
};

/* What the caller does for the commands that need more than the configuration. */
struct cli_actions {
    void *context;
    const char *version; /* "0.1.0", with what it was built with */
    /* `wirepost run`: until the engine has ended. Returns a cli_status. NULL: built without DPDK.
     */
    int (*run)(void *context, const struct cli_run *run);
    /* `wirepost judge`: session_judge(). */
    bool (*judge)(struct handoff *handoff, const struct judge_source *source);
    /* `wirepost tap`: tap_run(). */
    bool (*tap)(struct handoff *handoff, const struct tap_source *source);
    /* `wirepost tap -c`. NULL: built without DPDK. */
    const struct tap_live_calls *tap_live;
    /* `wirepost blast` and `wirepost sink`: blast_run(). NULL: built without DPDK. */
    bool (*blast)(const struct blast_order *order, struct writer *why);
    /* What a start would find wrong beyond the configuration itself (rules): adds to the errors.
     * May be NULL. */
    void (*check)(void *context, const struct config *config, struct config_errors *errors);
};

/* Does what the command line says; the return value is the exit status. */
int cli_main(int argc, char **argv, const struct cli_actions *actions);

#endif
