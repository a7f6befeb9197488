/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/peer_text.h"
#include "rules/rule.h"

static const struct {
    const char *name;
    bool streams;
    uint8_t stage;
} scopes[RULE_SCOPES] = {
#define WHOLE false
#define STREAM true
#define RULE_SCOPE(symbol, name, how, stage)                                                       \
    [RULE_SCOPE_##symbol] = {name, how, RULE_STAGE_##stage},
#include "rules/rule_scope.def"
#undef RULE_SCOPE
#undef STREAM
#undef WHOLE
};

static const struct {
    const char *name;
    bool answers;
} actions[RULE_ACTIONS] = {
#define RULE_ACTION(symbol, name, text) [RULE_ACTION_##symbol] = {name, text},
#include "rules/rule_action.def"
#undef RULE_ACTION
};

static const struct {
    const char *name;
    uint8_t stage;
} numbers[RULE_NUMBERS] = {
#define RULE_NUMBER(symbol, name, stage) [RULE_NUMBER_##symbol] = {name, RULE_STAGE_##stage},
#include "rules/rule_number.def"
#undef RULE_NUMBER
};

static const struct {
    const char *name;
    uint8_t stage;
} counters[RULE_COUNTERS] = {
#define RULE_COUNTER(symbol, name, stage) [RULE_COUNTER_##symbol] = {name, RULE_STAGE_##stage},
#include "rules/rule_counter.def"
#undef RULE_COUNTER
};

static const char *const stages[RULE_STAGES] = {
#define RULE_STAGE(symbol, name) [RULE_STAGE_##symbol] = name,
#include "rules/rule_stage.def"
#undef RULE_STAGE
};

const char *rule_scope_name(enum rule_scope scope)
{
    return scopes[scope].name;
}

bool rule_scope_streams(enum rule_scope scope)
{
    return scopes[scope].streams;
}

const char *rule_action_name(enum rule_action action)
{
    return actions[action].name;
}

bool rule_action_answers(enum rule_action action)
{
    return actions[action].answers;
}

const char *rule_stage_name(enum rule_stage stage)
{
    return stages[stage];
}

bool rule_scope_parse(struct span name, enum rule_scope *scope_out, struct span *header_out)
{
    static const char prefix[] = "header.";
    const size_t length = sizeof prefix - 1;

    *header_out = span_of(NULL, 0);
    if (span_equal(name, span_text("subject"))) {
        *scope_out = RULE_SCOPE_HEADER;
        *header_out = name;
        return true;
    }
    if (name.len > length && memcmp(name.data, prefix, length) == 0) {
        *scope_out = RULE_SCOPE_HEADER;
        *header_out = span_skip(name, length);
        return true;
    }
    for (size_t i = 0; i < RULE_SCOPES; i++)
        if (span_equal(name, span_text(scopes[i].name))) {
            *scope_out = (enum rule_scope)i;
            return true;
        }
    return false;
}

bool rule_action_parse(struct span name, enum rule_action *action_out)
{
    for (size_t i = 0; i < RULE_ACTIONS; i++)
        if (span_equal(name, span_text(actions[i].name))) {
            *action_out = (enum rule_action)i;
            return true;
        }
    return false;
}

bool rule_number_parse(struct span name, enum rule_number *number_out)
{
    for (size_t i = 0; i < RULE_NUMBERS; i++)
        if (span_equal(name, span_text(numbers[i].name))) {
            *number_out = (enum rule_number)i;
            return true;
        }
    return false;
}

bool rule_counter_parse(struct span name, enum rule_counter *counter_out)
{
    for (size_t i = 0; i < RULE_COUNTERS; i++)
        if (span_equal(name, span_text(counters[i].name))) {
            *counter_out = (enum rule_counter)i;
            return true;
        }
    return false;
}

const char *rule_number_name(enum rule_number number)
{
    return numbers[number].name;
}

const char *rule_counter_name(enum rule_counter counter)
{
    return counters[counter].name;
}

enum rule_stage rule_pattern_stage(const struct rule_pattern *p, bool whether)
{
    if (p->kind == RULE_NUMBER)
        return (enum rule_stage)numbers[p->scope].stage;
    if (p->kind == RULE_REPEATS)
        return (enum rule_stage)counters[p->scope].stage;
    /* Another recipient may still come. */
    if (whether && scopes[p->scope].stage == RULE_STAGE_RCPT)
        return RULE_STAGE_DATA;
    return (enum rule_stage)scopes[p->scope].stage;
}

void rule_error_begin(struct writer *errors, const struct rule_source *source, struct span id)
{
    writer_printf(errors, "%.*s:%u: rule '", (int)source->file.len, (const char *)source->file.data,
                  source->line);
    peer_text(errors, id, RULE_ID_MAX, PEER_TEXT_UTF8);
    writer_text(errors, "': ");
}
