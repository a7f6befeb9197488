/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_TALLY_H
#define CONTROL_RULEFILE_RULE_TALLY_H

#include "control/rulefile/rule_loader.h"

/* Hits by rule id, added up over generations and workers. Internal to rulefile/. */
struct rule_tally;

struct rule_tally *rule_tally_new(void);
struct rule_tally *rule_tally_copy(const struct rule_tally *from);
void rule_tally_free(struct rule_tally *t);
/* False: no memory. */
bool rule_tally_add(struct rule_tally *t, struct span id, uint64_t hits, uint64_t last_ms);
struct rule_total rule_tally_find(const struct rule_tally *t, struct span id);

#endif
