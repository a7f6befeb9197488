/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/rulefile/rule_file.h"

/*
 * A rule file: either it is refused with at least one line, or what it yields passes rule_check().
 * Compiling is left out, because Hyperscan's compiler is slow and not ours.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rule_file *f = rule_file_new();
    char text[2048];
    struct writer errors = writer_of(text, sizeof text);
    const struct rule *rules;
    size_t count;

    if (rule_file_parse(f, "fuzz.yaml", span_of(data, size), &errors)) {
        rules = rule_file_rules(f, &count);
        for (size_t i = 0; i < count; i++)
            if (!rule_check(&rules[i], &errors))
                abort();
        if (errors.len || errors.full)
            abort();
    } else if (errors.len == 0 && !errors.full) {
        abort();
    }
    rule_file_free(f);
    return 0;
}
