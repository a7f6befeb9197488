/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RULEFILE_RULE_FILE_H
#define CONTROL_RULEFILE_RULE_FILE_H

#include "rules/rule.h"

/*
 * Rules written in YAML; docs/rules.md describes the language.
 *
 *   file     = { rules: [rule, ...] }
 *   rule     = { id, description?, scope?, match?, patterns: [pattern, ...], score?, action?,
 * text?, domains?, except_domains?, tenants?, except_tenants?, shadow?, enabled? } pattern  = {
 * literal | regex, scope?, flags?: [caseless | dotall | multiline, ...] } scope    = a name of
 * rules/rule_scope.def, header.NAME or subject; a pattern's own comes before its rule's match    =
 * any | all          (any) score    = -1000 to 1000, at most three decimals  (0) action   = a name
 * of rules/rule_action.def  (none) shadow, enabled = true | false  (false, true)
 *
 * Strict: unknown and repeated keys, wrong types, names that do not exist and ids that repeat are
 * refused, each with one line "file:line: rule 'id': what was expected" (without the rule where
 * there is none).
 */
struct rule_file;

/* The tenants or domains there are, borrowed; domains as A-labels in lower case. NULL names: not
 * known, so any may be named. */
struct rule_names_known {
    const struct span *names;
    uint32_t count;
};

enum {
    RULE_FILE_BYTES = 64 << 20, /* largest file */
    RULE_FILE_PATTERNS = 65536, /* most patterns, and most rules, of all files together */
};

/* An empty collection; several files may be read into one. NULL: out of memory. */
struct rule_file *rule_file_new(void);
void rule_file_free(struct rule_file *f);
/* Rules of files that are read from now on may name these tenants and domains only. */
void rule_file_known(struct rule_file *f, const struct rule_names_known *tenants,
                     const struct rule_names_known *domains);
/*
 * Adds the rules of `text`, which is not needed afterwards; `name` stands in the messages. False
 * when anything is wrong: `errors` has a line for each fault, and the collection is good only for
 * finding more of them.
 */
bool rule_file_parse(struct rule_file *f, const char *name, struct span text,
                     struct writer *errors);
/* The same with the file at `path`. */
bool rule_file_read(struct rule_file *f, const char *path, struct writer *errors);
/* All rules in the order of reading. Valid until the next rule is added or the collection is freed.
 */
const struct rule *rule_file_rules(const struct rule_file *f, size_t *count_out);

#endif
