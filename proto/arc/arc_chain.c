/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/arc/arc_chain.h"

#include "proto/base/ascii.h"
#include "proto/base/tag_list.h"

static const char *const results[] = {
#define ROW(name, word) word,
#include "proto/arc/arc_result.def"
#undef ROW
};

static const struct {
    const char *word, *what;
    uint8_t result;
} reasons[] = {
#define ROW(name, result, word, what) {word, what, ARC_RESULT_##result},
#include "proto/arc/arc_reason.def"
#undef ROW
};

const char *arc_result_word(enum arc_result result)
{
    return results[result];
}

const char *arc_reason_word(enum arc_reason reason)
{
    return reasons[reason].word;
}

const char *arc_reason_what(enum arc_reason reason)
{
    return reasons[reason].what;
}

enum arc_result arc_chain_result(const struct arc_chain *c)
{
    return reasons[c->reason].result;
}

/* What is found first stays. */
static void decide(struct arc_chain *c, enum arc_reason reason, uint32_t set)
{
    if (c->decided)
        return;
    c->decided = true;
    c->reason = (uint8_t)reason;
    c->blamed = set;
}

static bool number_of(struct span value, uint64_t *instance_out)
{
    return tag_number(value, 2, instance_out) && *instance_out >= 1 &&
           *instance_out <= ARC_SETS_MAX;
}

/* arc-info = instance [CFWS] ";" authres-payload; instance = [CFWS] "i" [CFWS] "=" ... (section
 * 4.1.1): the number stands first. */
static bool instance_of_results(struct span value, uint64_t *instance_out)
{
    ptrdiff_t end = span_find(value, ';');
    struct span tag = span_head(value, end < 0 ? 0 : (size_t)end);
    ptrdiff_t equals = span_find(tag, '=');

    return equals >= 0 && span_equal(ascii_trim(span_head(tag, (size_t)equals)), span_text("i")) &&
           number_of(ascii_trim(span_skip(tag, (size_t)equals + 1)), instance_out);
}

static bool instance_of_tags(struct span value, uint64_t *instance_out)
{
    struct tag_list tags;
    const struct tag *tag;

    if (tag_list_read(value, &tags) != TAG_LIST_GOOD)
        return false;
    tag = tag_list_find(&tags, "i");
    return tag && number_of(tag->value, instance_out);
}

/* A field of a set, where it is one. */
static void take_field(struct arc_chain *c, uint16_t field)
{
    struct span name = dkim_header_name(c->header, field);
    struct span value = dkim_header_value(c->header, field);
    bool is_results = span_equal_nocase(name, span_text("arc-authentication-results"));
    bool is_message = span_equal_nocase(name, span_text("arc-message-signature"));
    uint64_t instance = 0;
    uint16_t *place;

    if (!is_results && !is_message && !span_equal_nocase(name, span_text("arc-seal")))
        return;
    if (!(is_results ? instance_of_results(value, &instance)
                     : instance_of_tags(value, &instance))) {
        decide(c, ARC_INSTANCE, 0);
        return;
    }
    if (instance > c->found)
        c->found = (uint32_t)instance;
    place = is_results   ? &c->sets[instance - 1].results
            : is_message ? &c->sets[instance - 1].message
                         : &c->sets[instance - 1].seal;
    if (*place != DKIM_FIELD_NONE)
        decide(c, ARC_TWICE, (uint32_t)instance);
    *place = field;
}

/* cv= of a seal: "none" in the first set, "pass" in others (section 5.2, step 3). */
static void judge_chain_word(struct arc_chain *c, uint32_t set)
{
    struct span word = c->checks[set - 1].signature.chain;

    if (set == c->count && span_equal(word, span_text("fail")))
        decide(c, ARC_CHAIN_FAILED, set);
    else if (!span_equal(word, span_text(set == 1 ? "none" : "pass")))
        decide(c, ARC_CHAIN, set);
}

/* The sets are whole: reads their seals, and the last signature. */
static void read_checks(struct arc_chain *c)
{
    uint32_t count = c->count;

    for (uint32_t i = 0; i < count; i++)
        dkim_check_init(&c->checks[i], c->header, c->sets[i].seal, DKIM_KIND_ARC_SEAL,
                        &c->settings);
    dkim_check_init(&c->checks[count], c->header, c->sets[count - 1].message, DKIM_KIND_ARC_MESSAGE,
                    &c->settings);
    c->check_count = count + 1;
    for (uint32_t set = count; set > 0; set--) {
        if (c->checks[set - 1].decided)
            decide(c, ARC_SEAL, set);
        judge_chain_word(c, set);
    }
    if (c->checks[count].decided)
        decide(c, ARC_MESSAGE, count);
}

void arc_chain_init(struct arc_chain *c, const struct dkim_header *header,
                    const struct dkim_settings *settings)
{
    c->header = header;
    c->settings = *settings;
    c->decided = false;
    c->reason = ARC_NONE;
    c->count = c->found = c->blamed = c->check_count = 0;
    memset(c->sets, 0xff, sizeof(c->sets));
    for (uint16_t i = 0; i < header->count; i++)
        take_field(c, i);
    if (c->found && header->cut)
        decide(c, ARC_HEADER_LONG, 0);
    for (uint32_t i = 0; i < c->found; i++)
        if (c->sets[i].results == DKIM_FIELD_NONE || c->sets[i].message == DKIM_FIELD_NONE ||
            c->sets[i].seal == DKIM_FIELD_NONE)
            decide(c, ARC_MISSING, i + 1);
    if (c->decided || c->found == 0) {
        decide(c, ARC_NONE, 0);
        return;
    }
    c->count = c->found;
    read_checks(c);
}

void arc_chain_fini(struct arc_chain *c)
{
    for (uint32_t i = 0; i < c->check_count; i++)
        dkim_check_fini(&c->checks[i]);
    c->check_count = 0;
}

void arc_chain_want(struct arc_chain *c, struct dkim_body *body)
{
    if (!c->decided)
        dkim_check_want(&c->checks[c->count], body);
}

static bool same_question(const struct dkim_check *a, const struct dkim_check *b)
{
    return dns_name_equal(&a->question.name, &b->question.name);
}

bool arc_chain_asks(const struct arc_chain *c, uint32_t check)
{
    if (c->decided || c->checks[check].decided)
        return false;
    for (uint32_t i = 0; i < check; i++)
        if (!c->checks[i].decided && same_question(&c->checks[i], &c->checks[check]))
            return false;
    return true;
}

void arc_chain_answer(struct arc_chain *c, uint32_t check, const struct dns_answer *answer)
{
    /* Only the questions count, which no answer changes: each is answered by another thread. */
    for (uint32_t i = check; i < c->check_count; i++)
        if (same_question(&c->checks[i], &c->checks[check]))
            dkim_check_answer(&c->checks[i], answer, &c->settings);
}

void arc_chain_digest(struct dkim_digest *d, const struct dkim_header *header,
                      const struct arc_set *sets, uint32_t last)
{
    for (uint32_t i = 0; i < last; i++) {
        dkim_digest_field(d, DKIM_RELAXED, dkim_header_field(header, sets[i].results));
        dkim_digest_field(d, DKIM_RELAXED, dkim_header_field(header, sets[i].message));
        if (i + 1 < last)
            dkim_digest_field(d, DKIM_RELAXED, dkim_header_field(header, sets[i].seal));
    }
}

static void judge_seal(struct arc_chain *c, uint32_t set)
{
    struct dkim_check *check = &c->checks[set - 1];
    const struct dkim_signature *s = &check->signature;
    uint8_t bytes[DKIM_DIGEST_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dkim_digest digest;

    if (!check->key)
        dkim_check_expire(check);
    if (check->decided)
        return;
    dkim_digest_init(&digest, s->hash);
    arc_chain_digest(&digest, c->header, c->sets, set);
    dkim_digest_own(&digest, DKIM_RELAXED, s->field, s->b_at, s->b_end);
    if (dkim_digest_finish(&digest, &w))
        dkim_check_verify(check, writer_span(&w));
    else
        dkim_check_expire(check);
}

void arc_chain_judge(struct arc_chain *c, const struct dkim_body *body)
{
    if (c->decided)
        return;
    dkim_check_judge(&c->checks[c->count], c->header, body);
    if (c->checks[c->count].reason != DKIM_GOOD)
        decide(c, ARC_MESSAGE, c->count);
    for (uint32_t set = c->count; set > 0; set--) {
        judge_seal(c, set);
        if (c->checks[set - 1].reason != DKIM_GOOD)
            decide(c, ARC_SEAL, set);
    }
    decide(c, ARC_GOOD, 0);
}
