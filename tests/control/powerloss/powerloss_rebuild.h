/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_POWERLOSS_POWERLOSS_REBUILD_H
#define TESTS_CONTROL_POWERLOSS_POWERLOSS_REBUILD_H

#include "proto/base/span.h"
#include "tests/control/powerloss/powerloss_log.h"

/*
 * The folder as a power loss may leave it, at any place of a recording. docs/durability.md
 * describes the model. Cut points must ascend; everything borrows from the log.
 */
struct powerloss_rebuild;

/* Calls for each mark that a step passes. */
typedef void powerloss_on_mark(void *context, struct span bytes);

struct powerloss_rebuild *powerloss_rebuild_new(struct span log, powerloss_on_mark *on_mark,
                                                void *context);
void powerloss_rebuild_free(struct powerloss_rebuild *r);
/* Number of records; 0 when the log is not whole or holds something odd. */
uint64_t powerloss_rebuild_records(struct span log);
/* Goes on until `records` records have happened. */
void powerloss_rebuild_step(struct powerloss_rebuild *r, uint64_t records);
/* Writes the folder (which exists and is empty): all that was synced and, by the dice, some of the
 * rest. */
bool powerloss_rebuild_write(const struct powerloss_rebuild *r, const char *folder, uint64_t *dice);
/* The next number of a sequence (xorshift); *dice must not be 0. */
uint64_t powerloss_roll(uint64_t *dice);

#endif
