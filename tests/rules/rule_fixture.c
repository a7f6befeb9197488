/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/rules/rule_fixture.h"

static void need(bool ok, const struct writer *errors)
{
    if (ok)
        return;
    fprintf(stderr, "%.*s", (int)errors->len, (const char *)errors->data);
    abort();
}

void rule_fixture_init(struct rule_fixture *f, const char *yaml, size_t streams)
{
    char text[4096];
    struct writer errors = writer_of(text, sizeof text);
    const struct rule *rules;
    size_t count;

    f->file = rule_file_new();
    need(rule_file_parse(f->file, "test.yaml", span_text(yaml), &errors), &errors);
    rules = rule_file_rules(f->file, &count);
    need(rule_set_compile(rules, count, &RULE_LIMITS_DEFAULT, &errors, &f->set) == RULE_OK,
         &errors);
    f->pool = rule_pool_new(f->set, streams);
    need(f->pool, &errors);
    f->memory = malloc(rule_match_size(f->set));
    f->match = rule_match_init(f->memory, f->set, f->pool);
}

void rule_fixture_fini(struct rule_fixture *f)
{
    rule_match_fini(f->match);
    rule_pool_free(f->pool);
    rule_set_free(f->set);
    rule_file_free(f->file);
    free(f->memory);
}

void rule_fixture_again(struct rule_fixture *f)
{
    rule_match_fini(f->match);
    f->match = rule_match_init(f->memory, f->set, f->pool);
}

uint64_t rule_fixture_hits(const struct rule_fixture *f)
{
    uint32_t hits[64];
    uint64_t bits = 0;
    size_t count = rule_match_hits(f->match, hits, 64);

    for (size_t i = 0; i < count; i++)
        bits |= (uint64_t)1 << hits[i];
    return bits;
}
