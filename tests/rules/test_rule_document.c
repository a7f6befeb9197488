/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/rulefile/rule_file.h"
#include "rules/rule_set.h"
#include "tests/harness/check.h"

/* The examples of docs/rules.md: each is what it says it is, so that who copies one has a rule. */

enum { TEXT = 1 << 20 };

static char document[TEXT], error_text[8192];

/* The next block between "```yaml" and "```"; false: there is none. */
static bool next_example(const char **at, struct span *block_out)
{
    static const char begins[] = "```yaml\n";
    const char *begin = strstr(*at, begins), *end;

    if (!begin)
        return false;
    begin += sizeof begins - 1;
    end = strstr(begin, "```");
    if (!CHECK(end != NULL))
        return false;
    *at = end + 3;
    *block_out = span_of(begin, (size_t)(end - begin));
    return true;
}

/* Most examples are rules without the line above them all. */
static bool read_example(struct rule_file *file, struct span block, unsigned number,
                         struct writer *errors)
{
    static char text[TEXT];
    struct writer w = writer_of(text, sizeof text);
    char name[32];

    snprintf(name, sizeof name, "example-%u", number);
    if (memcmp(block.data, "rules:", 6) != 0)
        writer_text(&w, "rules:\n");
    writer_span_put(&w, block);
    return rule_file_parse(file, name, writer_span(&w), errors);
}

static void every_example_is_loaded(void)
{
    FILE *in = fopen(SOURCE_ROOT "/docs/rules.md", "r");
    struct writer errors = writer_of(error_text, sizeof error_text);
    struct rule_file *file = rule_file_new();
    struct rule_set *set = NULL;
    const struct rule *rules;
    const char *at = document;
    unsigned number = 0;
    struct span block;
    size_t count;

    if (!CHECK(in != NULL))
        return;
    document[fread(document, 1, sizeof document - 1, in)] = 0;
    fclose(in);
    while (next_example(&at, &block))
        CHECK(read_example(file, block, ++number, &errors));
    CHECK(number >= 8);
    /* Some refer to rules of the starter set. */
    CHECK(rule_file_read(file, SOURCE_ROOT "/rules/starter.yaml", &errors));
    rules = rule_file_rules(file, &count);
    CHECK(rule_set_compile(rules, count, &RULE_LIMITS_DEFAULT, &errors, &set) == RULE_OK);
    CHECK_TEXT(writer_span(&errors), "");
    rule_set_free(set);
    rule_file_free(file);
}

int main(void)
{
    check_begin();
    CHECK_CASE(every_example_is_loaded);
    return check_end();
}
