/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_READER_H
#define CONTROL_RULEFILE_RULE_READER_H

#include <yaml.h>

#include "rules/rule.h"

/* From a YAML document to rules: the language's keys and values. Internal to rulefile/. */

/* Takes a rule whose patterns, nodes and domains are each one malloc'ed array, also taken when it
 * answers false, which ends reading. */
typedef bool rule_reader_add(void *context, const struct rule *rule);

/*
 * Reads all rules of the document; their spans point into it and to `file`. False when there was a
 * fault, with a line in `errors` for each.
 */
bool rule_reader_run(yaml_document_t *document, struct span file, rule_reader_add *add,
                     void *context, struct writer *errors);

#endif
