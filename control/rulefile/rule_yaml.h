/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_YAML_H
#define CONTROL_RULEFILE_RULE_YAML_H

#include <yaml.h>

#include "control/rulefile/rule_file.h"

/*
 * Values out of a YAML document, and what is wrong with them. Each fault is one line in `errors`,
 * "file:line: rule 'id': what was expected", and clears `ok`. Internal to rulefile/.
 */
struct rule_yaml {
    yaml_document_t *document;
    struct writer *errors;
    struct span file;
    struct rule_names_known tenants, domains;
    struct span id; /* of the rule at hand; empty outside of one or when it has none */
    bool ok;
};

struct rule_yaml_key {
    const char *name;
    void (*read)(struct rule_yaml *r, yaml_node_t *value, void *target);
};

uint32_t rule_yaml_line(const yaml_node_t *node);
/* Begins a line of `errors`; the caller writes what was expected, and the line end. */
void rule_yaml_fault(struct rule_yaml *r, const yaml_node_t *node);
/* "expected WHAT, not 'VALUE'" */
void rule_yaml_expected(struct rule_yaml *r, const yaml_node_t *node, const char *what);
/* A scalar's bytes; false, with an error, for lists and mappings. */
bool rule_yaml_scalar(struct rule_yaml *r, yaml_node_t *node, const char *what,
                      struct span *text_out);
/* A scalar's bytes; none for lists and mappings. */
struct span rule_yaml_text(const yaml_node_t *node);
/* Reads a mapping of known keys, each at most once, in the order of the file. */
void rule_yaml_keys(struct rule_yaml *r, yaml_node_t *node, const struct rule_yaml_key *keys,
                    size_t count, void *target);
void rule_yaml_bool(struct rule_yaml *r, yaml_node_t *node, bool *to);
bool rule_yaml_number(struct rule_yaml *r, yaml_node_t *node, uint64_t *number_out);
bool rule_yaml_time(struct rule_yaml *r, yaml_node_t *node, uint64_t least_ms, uint64_t most_ms,
                    uint64_t *ms_out);
/* The scalars of a list of 1 to `room`, or one scalar by itself; returns how many. */
size_t rule_yaml_list(struct rule_yaml *r, yaml_node_t *node, const char *what, struct span *texts,
                      size_t room);

#endif
