/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address.h"
#include "rules/rule.h"

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

_Static_assert(RULE_TENANT_MAX == RULE_ID_MAX, "a tenant's name is of the same characters");

bool rule_tenant_valid(struct span name)
{
    return is_id(name);
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

static bool text_check(const struct rule *rule, const struct rule_pattern *p, struct writer *errors)
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

static bool pattern_check(const struct rule *rule, const struct rule_pattern *p,
                          struct writer *errors)
{
    bool ok = p->kind != RULE_TEXT || text_check(rule, p, errors);

    if (p->name.len && !is_id(p->name))
        ok = fault(rule, &p->source, errors,
                   "expected a name of 1 to 64 letters, digits, '-', '_' or '.'");
    if (p->kind != RULE_TEXT && p->least > p->most)
        ok = fault(rule, &p->source, errors, "expected bounds that a number can lie between");
    if (p->kind == RULE_REPEATS && p->least > RULE_REPEATS_MAX)
        ok = fault(rule, &p->source, errors, "expected a count below 1000000");
    return ok;
}

/* Fields that say how the message is to be read, or what became of it, are not a rule's to write.
 */
static bool may_tag(struct span name)
{
    static const char *const reserved[] = {"bcc",          "cc",
                                           "date",         "delivered-to",
                                           "from",         "message-id",
                                           "mime-version", "received",
                                           "reply-to",     "return-path",
                                           "sender",       "subject",
                                           "to",           "authentication-results"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (span_equal_nocase(name, span_text(reserved[i])))
            return false;
    return !span_equal_nocase(span_head(name, 8), span_text("content-"));
}

/* "Name: value", the name as in RFC 5322 section 3.6.8, the value printable ASCII */
static bool is_field(struct span s)
{
    ptrdiff_t colon = span_find(s, ':');
    struct span value;

    if (colon < 1 || !is_header(span_head(s, (size_t)colon)) ||
        !may_tag(span_head(s, (size_t)colon)))
        return false;
    value = span_skip(s, (size_t)colon + 1);
    return value.len > 1 && value.data[0] == ' ' && value.data[1] != ' ' &&
           is_within(s, ' ', '~', RULE_TAG_MAX);
}

static bool tag_check(const struct rule *rule, struct writer *errors)
{
    bool ok = true;

    for (size_t i = 0; i < rule->tag.field_count; i++)
        if (!is_field(rule->tag.fields[i]))
            ok = fault(rule, &rule->source, errors,
                       "expected a header field 'Name: value' of printable ASCII, at most 200 "
                       "bytes, whose name says nothing of the message itself");
    if (!is_within(rule->tag.subject, ' ', '~', RULE_SUBJECT_TAG_MAX))
        ok = fault(rule, &rule->source, errors,
                   "expected a subject tag of 1 to 60 printable ASCII characters");
    if ((rule->tag.field_count || rule->tag.subject.len) && rule->action != RULE_ACTION_TAG &&
        rule->action != RULE_ACTION_ACCEPT && rule->action != RULE_ACTION_QUARANTINE)
        ok = fault(rule, &rule->source, errors,
                   "tag is only for the actions tag, accept and quarantine");
    return ok;
}

static bool tenants_check(const struct rule *rule, struct writer *errors)
{
    bool ok = rule->tenant_count <= RULE_DOMAINS_MAX ||
              fault(rule, &rule->source, errors, "expected at most 256 tenants");

    for (size_t i = 0; i < rule->tenant_count; i++)
        if (!rule_tenant_valid(rule->tenants[i]))
            ok = fault(rule, &rule->source, errors, "expected names of tenants");
    return ok;
}

static bool domains_check(const struct rule *rule, struct writer *errors)
{
    struct address unused;
    bool ok = rule->domain_count <= RULE_DOMAINS_MAX ||
              fault(rule, &rule->source, errors, "expected at most 256 domains");

    for (size_t i = 0; i < rule->domain_count; i++)
        if (address_domain(rule->domains[i], ADDRESS_ALLOW_UTF8, &unused) != ADDRESS_OK)
            ok = fault(rule, &rule->source, errors, "expected names of domains");
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

/* Each node finds its operands, and one value is left. Readers make nothing else. */
static bool nodes_check(const struct rule *rule, struct writer *errors)
{
    size_t depth = 0;
    bool ok = rule->node_count <= RULE_NODES_MAX;

    for (size_t i = 0; ok && i < rule->node_count; i++) {
        const struct rule_node *n = &rule->nodes[i];
        size_t takes = n->op == RULE_OP_NOT ? 1 : n->op >= RULE_OP_ALL ? n->count : 0;

        ok = takes <= depth && (n->op < RULE_OP_ALL || takes > 0) &&
             (n->op != RULE_OP_PATTERN || n->count < rule->pattern_count);
        depth = depth - (ok ? takes : 0) + 1;
    }
    return (ok && (rule->logic != RULE_WHEN || depth == 1)) ||
           fault(rule, &rule->source, errors, "expected logic of at most 256 terms");
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
    if ((rule->pattern_count == 0 && rule->logic != RULE_WHEN) ||
        rule->pattern_count > RULE_PATTERNS_MAX)
        ok = fault(rule, &rule->source, errors, "expected 1 to 256 patterns");
    if (rule->score > RULE_SCORE_MAX || rule->score < -RULE_SCORE_MAX)
        ok = fault(rule, &rule->source, errors, "expected a score from -1000 to 1000");
    ok &= answer_check(rule, errors);
    ok &= tag_check(rule, errors);
    ok &= domains_check(rule, errors);
    ok &= tenants_check(rule, errors);
    ok &= nodes_check(rule, errors);
    for (size_t i = 0; i < rule->pattern_count; i++)
        ok &= pattern_check(rule, &rule->patterns[i], errors);
    return ok;
}
