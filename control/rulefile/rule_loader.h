/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_LOADER_H
#define CONTROL_RULEFILE_RULE_LOADER_H

#include "dataplane/handoff/generation.h"
#include "proto/base/writer.h"

/*
 * From rule files to generations that workers can use, and their end: a generation that is no
 * longer published is freed once no message uses it. One control thread calls all of this.
 */
struct rule_loader;

struct rule_loader_options {
    const char *const *files;
    uint32_t file_count;
    const char *cache; /* a directory, made when missing; empty: none */
    uint32_t workers;
    uint32_t streams; /* messages that a worker may scan at a time */
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
/* Reads and compiles, keeps nothing. */
bool rule_loader_check(const struct rule_loader_options *options, struct writer *errors);
/* It is no longer published and a grace period has passed, or it never was published. NULL is fine.
 */
void rule_loader_retire(struct rule_loader *l, struct rule_generation *g);
/* Frees retired generations that nobody uses any more; to be called now and then. Returns how many
 * are left. */
uint32_t rule_loader_sweep(struct rule_loader *l);

#endif
