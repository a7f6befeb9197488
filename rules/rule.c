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

enum rule_stage rule_stage_of(const struct rule *rule)
{
    uint8_t stage = RULE_STAGE_CONNECT;

    for (size_t i = 0; i < rule->pattern_count; i++)
        if (scopes[rule->patterns[i].scope].stage > stage)
            stage = scopes[rule->patterns[i].scope].stage;
    return (enum rule_stage)stage;
}

void rule_error_begin(struct writer *errors, const struct rule_source *source, struct span id)
{
    writer_printf(errors, "%.*s:%u: rule '", (int)source->file.len, (const char *)source->file.data,
                  source->line);
    peer_text(errors, id, RULE_ID_MAX, PEER_TEXT_UTF8);
    writer_text(errors, "': ");
}

static bool fault(const struct rule *rule, const struct rule_source *source, struct writer *errors,
                  const char *what)
{
    rule_error_begin(errors, source, rule->id);
    writer_printf(errors, "%s\n", what);
    return false;
}

static bool is_id(struct span id)
{
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.data[i];

        if ((uint8_t)(ascii_lower(c) - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-' &&
            c != '_' && c != '.')
            return false;
    }
    return id.len > 0 && id.len <= RULE_ID_MAX;
}

static bool is_within(struct span s, uint8_t lowest, uint8_t highest, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < lowest || s.data[i] > highest)
            return false;
    return s.len <= most;
}

/* field-name = 1*ftext; ftext = printable ASCII except ":" (RFC 5322 section 3.6.8) */
static bool is_header(struct span s)
{
    return is_within(s, '!', '~', RULE_HEADER_MAX) && span_find(s, ':') < 0;
}

static bool pattern_check(const struct rule *rule, const struct rule_pattern *p,
                          struct writer *errors)
{
    bool ok = true;

    if (p->text.len == 0 || p->text.len > RULE_PATTERN_MAX)
        ok = fault(rule, &p->source, errors, "expected a pattern of 1 to 8192 bytes");
    else if (!p->literal && span_find(p->text, 0) >= 0)
        ok = fault(rule, &p->source, errors, "expected a regex without NUL; write \\x00");
    if (!is_header(p->header))
        ok = fault(rule, &p->source, errors,
                   "expected a header field's name of at most 64 printable characters without ':'");
    return ok;
}

static bool answer_check(const struct rule *rule, struct writer *errors)
{
    if (!rule_action_answers((enum rule_action)rule->action))
        return rule->text.len == 0 ||
               fault(rule, &rule->source, errors, "text is only for the actions reject and defer");
    if (rule->text.len == 0 || !is_within(rule->text, ' ', '~', RULE_TEXT_MAX))
        return fault(rule, &rule->source, errors,
                     "expected a text of 1 to 200 printable ASCII characters to answer with");
    return true;
}

bool rule_check(const struct rule *rule, struct writer *errors)
{
    bool ok = true;

    if (!is_id(rule->id))
        ok = fault(rule, &rule->source, errors,
                   "expected an id of 1 to 64 letters, digits, '-', '_' or '.'");
    if (!is_within(rule->description, ' ', 0xff, RULE_DESCRIPTION_MAX) ||
        span_find(rule->description, 0x7f) >= 0)
        ok = fault(rule, &rule->source, errors,
                   "expected a description of at most 200 bytes without control characters");
    if (rule->pattern_count == 0 || rule->pattern_count > RULE_PATTERNS_MAX)
        ok = fault(rule, &rule->source, errors, "expected 1 to 256 patterns");
    if (rule->score > RULE_SCORE_MAX || rule->score < -RULE_SCORE_MAX)
        ok = fault(rule, &rule->source, errors, "expected a score from -1000 to 1000");
    ok &= answer_check(rule, errors);
    for (size_t i = 0; i < rule->pattern_count; i++)
        ok &= pattern_check(rule, &rule->patterns[i], errors);
    return ok;
}
