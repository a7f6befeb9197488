/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_LOADER_H
#define CONTROL_RULEFILE_RULE_LOADER_H

#include "control/rulefile/rule_file.h"
#include "dataplane/handoff/generation.h"
#include "proto/base/writer.h"

/*
 * From rule files to generations that workers can use, and their end: a generation that is no
 * longer published is freed once no message uses it. One control thread calls all of this but
 * rule_loader_look().
 */
struct rule_loader;

struct rule_loader_options {
    const char *const *files;
    uint32_t file_count;
    struct rule_names_known tenants, domains; /* that rules may name */
    const char *cache;                        /* a directory, made when missing; empty: none */
    uint64_t scan_ns;                         /* struct rule_limits */
    uint32_t workers;
    uint32_t streams; /* messages that a worker may scan at a time */
};

/* What became of a rule since the engine started, over reloads, as long as it kept its id. */
struct rule_total {
    uint64_t hits;
    uint64_t last_ms; /* wall clock; 0: never */
};

/* The set in force and all that was counted; `total` is by rule, like `set`. NULL set: there are no
 * rules. */
struct rule_look {
    const struct rule_generation *generation;
    const struct rule_total *totals;
};

struct rule_loader *rule_loader_new(void);
/* Everything published was retired and every message is over. */
void rule_loader_free(struct rule_loader *l);
/*
 * Reads, compiles (or takes from the cache) and gives each worker its pool. False with lines
 * "file:line: rule 'x': ..." in `errors`. *generation_out is NULL when there are no rules at all.
 */
bool rule_loader_load(struct rule_loader *l, const struct rule_loader_options *options,
                      struct writer *errors, struct rule_generation **generation_out);
/* Calls `visit` while nothing changes; from any thread. False: no memory. */
bool rule_loader_look(struct rule_loader *l,
                      void (*visit)(void *context, const struct rule_look *look), void *context);
/* Reads and compiles, keeps nothing. */
bool rule_loader_check(const struct rule_loader_options *options, struct writer *errors);
/* It is no longer published and a grace period has passed, or it never was published. NULL is fine.
 */
void rule_loader_retire(struct rule_loader *l, struct rule_generation *g);
/* Frees retired generations that nobody uses any more; to be called now and then. Returns how many
 * are left. */
uint32_t rule_loader_sweep(struct rule_loader *l);

#endif
