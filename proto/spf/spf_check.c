/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_machine.h"

void spf_machine_tell(struct spf_check *c, struct spf_step step)
{
    if (!c->tell)
        return;
    step.depth = c->depth ? c->depth - 1u : 0;
    if (c->depth && step.domain.len == 0)
        step.domain = spf_machine_domain(spf_machine_top(c));
    c->tell(c->context, &step);
}

void spf_machine_finish(struct spf_check *c, enum spf_result result, enum spf_reason reason,
                        struct span fault)
{
    struct writer w = writer_of(c->fault_bytes, sizeof(c->fault_bytes));

    writer_span_put(&w, span_head(fault, sizeof(c->fault_bytes)));
    c->fault = writer_span(&w);
    c->result = result;
    c->reason = reason;
    c->state = SPF_STATE_DONE;
}

void spf_machine_ask(struct spf_check *c, uint16_t type, enum spf_awaits awaits)
{
    c->question.type = type;
    c->awaits = awaits;
    c->questions++;
}

void spf_machine_unanswered(struct spf_check *c, const struct dns_answer *answer)
{
    const struct spf_frame *f = spf_machine_top(c);
    struct span fault = f->term.text.len ? f->term.text : spf_machine_domain(f);

    /* What is too large to be read will be so the next time. */
    if (answer->outcome == DNS_TOO_LARGE)
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_RECORD_LONG, fault);
    else
        spf_machine_finish(c, SPF_RESULT_TEMPERROR, SPF_DNS, fault);
}

/*
 * Section 4.3: a domain of more than one label that DNS can have. Literals, blanks and whatever
 * else no host name has make it none; underscores are in use.
 */
static bool good_domain(struct span domain)
{
    struct dns_name name;

    for (size_t i = 0; i < domain.len; i++) {
        uint8_t c = domain.data[i];

        if ((uint8_t)(ascii_lower(c) - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-' &&
            c != '.' && c != '_')
            return false;
    }
    return dns_name_of_text(domain, &name) && dns_name_labels(&name) > 1;
}

void spf_check_init(struct spf_check *c, const struct spf_query *query, spf_tell *tell,
                    void *context)
{
    memset(c, 0, offsetof(struct spf_check, target_bytes));
    c->query = *query;
    if (c->query.local.len == 0)
        c->query.local = span_text("postmaster");
    if (c->query.receiver.len == 0)
        c->query.receiver = span_text("unknown");
    c->tell = tell;
    c->context = context;
    c->explanation = writer_of(c->explanation_bytes, sizeof(c->explanation_bytes));
}

static void set_domain(struct spf_frame *f, struct span domain)
{
    memcpy(f->domain, domain.data, domain.len);
    f->domain_len = (uint8_t)domain.len;
}

/* A domain without a record: no result of its own where it was included or redirected to. */
static void no_record(struct spf_check *c, enum spf_reason reason)
{
    struct spf_frame *f = spf_machine_top(c);

    if (f->redirected)
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_REDIRECT_NONE, spf_machine_domain(f));
    else if (c->depth > 1)
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_INCLUDE_NONE, f[-1].term.text);
    else
        spf_machine_finish(c, SPF_RESULT_NONE, reason, span_of(NULL, 0));
}

static void ask_record(struct spf_check *c)
{
    struct spf_frame *f = spf_machine_top(c);

    f->term.text = span_of(NULL, 0);
    if (dns_name_of_text(spf_machine_domain(f), &c->question.name))
        spf_machine_ask(c, DNS_TXT, SPF_AWAITS_RECORD);
    else
        no_record(c, SPF_NO_DOMAIN);
}

static void start(struct spf_check *c)
{
    struct span domain = c->query.domain;

    if (domain.len && domain.data[domain.len - 1] == '.')
        domain.len--;
    if (domain.len > SPF_EXPANDED_MAX || c->query.helo.len > SPF_IDENTITY_MAX ||
        c->query.local.len > SPF_IDENTITY_MAX || c->query.receiver.len > SPF_IDENTITY_MAX ||
        !good_domain(domain)) {
        spf_machine_finish(c, SPF_RESULT_NONE, SPF_NO_DOMAIN, span_of(NULL, 0));
        return;
    }
    c->query.domain = domain;
    c->depth = 1;
    spf_machine_top(c)->redirected = false;
    set_domain(spf_machine_top(c), domain);
    ask_record(c);
}

void spf_machine_include(struct spf_check *c)
{
    /* There is a frame for each look-up that is allowed. */
    c->depth++;
    spf_machine_top(c)->redirected = false;
    set_domain(spf_machine_top(c), writer_span(&c->target));
    ask_record(c);
}

/* Section 4.6: the whole record is read before any of it is evaluated. */
static bool read_record(struct spf_check *c, struct spf_frame *f)
{
    struct span rest = f->rest, text;
    struct spf_term t;

    f->redirect = f->exp = span_of(NULL, 0);
    while (spf_term_next(&rest, &text)) {
        enum spf_reason reason = spf_term_read(text, &t);
        struct span *modifier = t.mechanism == SPF_TERM_REDIRECT ? &f->redirect
                                : t.mechanism == SPF_TERM_EXP    ? &f->exp
                                                                 : NULL;

        if (reason == SPF_MATCH && modifier && modifier->len)
            reason = SPF_MODIFIER;
        if (reason != SPF_MATCH) {
            spf_machine_finish(c, SPF_RESULT_PERMERROR, reason, text);
            return false;
        }
        if (modifier)
            *modifier = t.domain;
    }
    return true;
}

/* Section 4.5: the one TXT record that begins with the version. */
static void take_record(struct spf_check *c, const struct dns_answer *answer)
{
    struct spf_frame *f = spf_machine_top(c);
    size_t begin = c->text_len;
    unsigned records = 0;
    struct span rest;

    if (dns_answer_error(answer)) {
        spf_machine_unanswered(c, answer);
        return;
    }
    for (uint32_t i = 0; i < answer->count; i++) {
        struct writer w = writer_of(c->text + begin, sizeof(c->text) - begin);
        bool whole = dns_read_text(answer->records[i], &w);

        /* Of one that does not fit, the strings that do tell whether it is an SPF record. */
        if (!spf_term_version(writer_span(&w), &rest))
            continue;
        if (!whole || ++records > 1) {
            spf_machine_finish(c, SPF_RESULT_PERMERROR, whole ? SPF_RECORDS : SPF_RECORD_LONG,
                               spf_machine_domain(f));
            return;
        }
        f->text = writer_span(&w);
        f->rest = rest;
        begin += w.len; /* others are read behind it */
    }
    if (records == 0) {
        no_record(c, SPF_NO_RECORD);
        return;
    }
    c->text_len = begin;
    spf_machine_tell(c, (struct spf_step){.kind = SPF_STEP_RECORD, .text = f->text});
    if (read_record(c, f))
        c->state = SPF_STATE_TERMS;
}

bool spf_machine_lookup(struct spf_check *c, struct span term)
{
    if (c->lookups == SPF_LOOKUPS_MAX) {
        spf_machine_finish(c, SPF_RESULT_PERMERROR, SPF_LOOKUPS, term);
        return false;
    }
    c->lookups++;
    return true;
}

/* What the record of the top frame comes to. */
static void leave(struct spf_check *c, enum spf_result result, enum spf_reason reason)
{
    struct spf_frame *f = spf_machine_top(c), *outer;

    if (c->depth == 1) {
        spf_machine_finish(c, result, reason,
                           reason == SPF_MATCH ? f->term.text : span_of(NULL, 0));
        c->explaining = result == SPF_RESULT_FAIL && f->exp.len;
        if (c->explaining)
            c->state = SPF_STATE_EXPLAIN;
        return;
    }
    c->depth--;
    outer = spf_machine_top(c);
    c->text_len = (size_t)(outer->text.data + outer->text.len - c->text);
    spf_machine_tell(c, (struct spf_step){
                            .kind = SPF_STEP_INCLUDED, .text = outer->term.text, .result = result});
    /* Section 5.2. Errors have ended the check. */
    spf_machine_match(c, result == SPF_RESULT_PASS);
}

/* Section 2.6: the qualifier of the mechanism that matches is the result. */
void spf_machine_match(struct spf_check *c, bool matched)
{
    struct spf_term *t = &spf_machine_top(c)->term;

    spf_machine_tell(c,
                     (struct spf_step){.kind = SPF_STEP_TERM, .text = t->text, .matched = matched});
    if (matched)
        leave(c,
              t->qualifier == '-'   ? SPF_RESULT_FAIL
              : t->qualifier == '~' ? SPF_RESULT_SOFTFAIL
              : t->qualifier == '?' ? SPF_RESULT_NEUTRAL
                                    : SPF_RESULT_PASS,
              SPF_MATCH);
    else
        c->state = SPF_STATE_TERMS;
}

static bool asks_dns(enum spf_mechanism mechanism)
{
    return mechanism == SPF_TERM_INCLUDE || mechanism == SPF_TERM_A || mechanism == SPF_TERM_MX ||
           mechanism == SPF_TERM_PTR || mechanism == SPF_TERM_EXISTS;
}

static void next_term(struct spf_check *c)
{
    struct spf_frame *f = spf_machine_top(c);
    struct span text;

    while (spf_term_next(&f->rest, &text)) {
        spf_term_read(text, &f->term); /* well-formed: read_record() has looked */
        if (f->term.mechanism >= SPF_TERM_REDIRECT)
            continue;
        if (!asks_dns(f->term.mechanism) || spf_machine_lookup(c, text))
            c->state = SPF_STATE_EVALUATE;
        return;
    }
    if (f->redirect.len)
        c->state = SPF_STATE_REDIRECT;
    else
        leave(c, SPF_RESULT_NEUTRAL, SPF_DEFAULT);
}

/* Section 6.1: the other domain's record takes the place of this one, its explanation too. */
static void redirect(struct spf_check *c)
{
    struct spf_frame *f = spf_machine_top(c);
    struct span spec = f->redirect;

    if (!spf_evaluate_expand(c, spec, SPF_STATE_REDIRECT) || !spf_machine_lookup(c, spec))
        return;
    spf_machine_tell(c,
                     (struct spf_step){.kind = SPF_STEP_REDIRECT, .text = writer_span(&c->target)});
    set_domain(f, writer_span(&c->target));
    f->redirected = true;
    c->text_len = (size_t)(f->text.data - c->text);
    ask_record(c);
}

/* Section 6.2: whatever goes wrong with an explanation, there is none. */
static void explain(struct spf_check *c)
{
    if (!spf_evaluate_expand(c, spf_machine_top(c)->exp, SPF_STATE_EXPLAIN))
        return;
    c->state = SPF_STATE_DONE;
    if (dns_name_of_text(writer_span(&c->target), &c->question.name))
        spf_machine_ask(c, DNS_TXT, SPF_AWAITS_EXPLANATION);
}

static void take_explanation(struct spf_check *c, const struct dns_answer *answer)
{
    struct writer w = writer_of(c->text + c->text_len, sizeof(c->text) - c->text_len);

    if (answer->outcome != DNS_ANSWER || answer->count != 1 ||
        !dns_read_text(answer->records[0], &w) ||
        spf_macro_check(writer_span(&w), SPF_MACRO_TEXT) != SPF_MACRO_GOOD)
        return;
    c->explained = writer_span(&w);
    c->state = SPF_STATE_EXPAND;
}

static void expand(struct spf_check *c)
{
    uint8_t name[SPF_EXPANDED_MAX];
    struct writer validated = writer_of(name, sizeof(name));
    struct spf_macro_values values;

    if (!spf_evaluate_named(c, c->explained, SPF_STATE_EXPAND))
        return;
    values = spf_evaluate_values(c, &validated);
    c->state = SPF_STATE_DONE;
    if (spf_macro_text(c->explained, &values, &c->explanation))
        spf_machine_tell(c, (struct spf_step){.kind = SPF_STEP_EXPLANATION,
                                              .text = writer_span(&c->explanation)});
}

enum spf_status spf_check_next(struct spf_check *c)
{
    while (c->awaits == SPF_AWAITS_NONE) {
        switch ((enum spf_state)c->state) {
        case SPF_STATE_START:
            start(c);
            break;
        case SPF_STATE_TERMS:
            next_term(c);
            break;
        case SPF_STATE_REDIRECT:
            redirect(c);
            break;
        case SPF_STATE_EXPLAIN:
            explain(c);
            break;
        case SPF_STATE_EXPAND:
            expand(c);
            break;
        case SPF_STATE_DONE:
            return SPF_DONE;
        default:
            spf_evaluate_next(c);
            break;
        }
    }
    return SPF_ASK;
}

void spf_check_answer(struct spf_check *c, const struct dns_answer *answer)
{
    enum spf_awaits awaits = c->awaits;

    spf_machine_tell(c, (struct spf_step){
                            .kind = SPF_STEP_QUESTION, .question = &c->question, .answer = answer});
    c->awaits = SPF_AWAITS_NONE;
    if (awaits == SPF_AWAITS_RECORD)
        take_record(c, answer);
    else if (awaits == SPF_AWAITS_EXPLANATION)
        take_explanation(c, answer);
    else
        spf_evaluate_answer(c, awaits, answer);
}

void spf_check_expire(struct spf_check *c)
{
    c->awaits = SPF_AWAITS_NONE;
    if (c->explaining)
        c->state = SPF_STATE_DONE;
    else
        spf_machine_finish(c, SPF_RESULT_TEMPERROR, SPF_TIME, span_of(NULL, 0));
}
