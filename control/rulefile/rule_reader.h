/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_READER_H
#define CONTROL_RULEFILE_RULE_READER_H

#include <yaml.h>

#include "control/rulefile/rule_file.h"

/* From a YAML document to rules: the language's keys and values. Internal to rulefile/. */

/* Takes a rule whose patterns, nodes, domains and tenants are each one malloc'ed array, also taken
 * when it answers false, which ends reading. */
typedef bool rule_reader_add(void *context, const struct rule *rule);

struct rule_reader {
    yaml_document_t *document;
    struct span file;
    struct rule_names_known tenants, domains;
    rule_reader_add *add;
    void *context;
};

/*
 * Reads all rules of the document; their spans point into it and to `file`. False when there was a
 * fault, with a line in `errors` for each.
 */
bool rule_reader_run(const struct rule_reader *reader, struct writer *errors);

#endif
