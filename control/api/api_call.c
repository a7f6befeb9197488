/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_call.h"

#include <stdlib.h>

#include "control/record/record_json.h"

static const struct {
    unsigned status;
    const char *code, *text;
} problems[API_PROBLEMS] = {
    [API_FINE] = {200, "", ""},
#define API_PROBLEM(SYMBOL, status_, code_, text_)                                                 \
    [API_PROBLEM_##SYMBOL] = {.status = status_, .code = code_, .text = text_},
#include "control/api/api_problem.def"
#undef API_PROBLEM
};

unsigned api_problem_status(enum api_problem problem)
{
    return problems[problem].status;
}

void api_refuse(struct api_answer *a, enum api_problem problem, struct span detail)
{
    json_decref(a->body);
    a->problem = problem;
    a->status = problems[problem].status;
    a->tag[0] = 0;
    a->body = json_pack("{s:s, s:i, s:s, s:o}", "title", problems[problem].text, "status",
                        (int)a->status, "code", problems[problem].code, "detail",
                        record_json_text(detail.len ? detail : span_text(problems[problem].text)));
}

static bool is_text(struct span why, const char *text)
{
    return span_equal(why, span_text(text));
}

/* What ctl says in words, by the words: they are in ctl_directory.h. All that is not there is about
 * a value. */
static enum api_problem problem_of(struct span why, bool creates)
{
    static const struct {
        const char *text;
        enum api_problem problem;
    } rows[] = {
        {CTL_DIRECTORY_NO_ADDRESS, API_PROBLEM_BAD_PATH},
        {CTL_DIRECTORY_NO_STORE, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_NONE_ACCOUNT, API_PROBLEM_NOT_FOUND},
        {CTL_DIRECTORY_NONE_DOMAIN, API_PROBLEM_NOT_FOUND},
        {CTL_DIRECTORY_NONE_ALIAS, API_PROBLEM_NOT_FOUND},
        {CTL_DIRECTORY_HAS_ACCOUNT, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_HAS_DOMAIN, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_HAS_ALIAS, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_TAKEN, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_KEPT, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_KEPT_DOMAIN, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_NO_POSTMASTER, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_IN_USE, API_PROBLEM_CONFLICT},
        {CTL_DIRECTORY_UNMET, API_PROBLEM_UNMET},
    };

    if (is_text(why, CTL_DIRECTORY_NO_DOMAIN))
        return creates ? API_PROBLEM_CONFLICT : API_PROBLEM_NOT_FOUND;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (is_text(why, rows[i].text))
            return rows[i].problem;
    for (int s = STORE_OK + 1; s <= STORE_TOO_OLD; s++)
        if (is_text(why, store_status_name((enum store_status)s)))
            return API_PROBLEM_UNAVAILABLE;
    return API_PROBLEM_BAD_VALUE;
}

void api_refuse_for(struct api_answer *a, const struct api_call *call,
                    const struct ctl_terms *terms, struct span why)
{
    bool creates = api_routes[call->match.operation].method == API_PUT &&
                   call->match.operation != API_ACCOUNT_PASSWORD;

    if (terms->forbidden)
        api_refuse(a, API_PROBLEM_FORBIDDEN, span_text(CTL_DIRECTORY_FORBIDDEN));
    else
        api_refuse(a, problem_of(why, creates), why);
}

void api_answer_fini(struct api_answer *a)
{
    json_decref(a->body);
    free(a->lines);
    *a = (struct api_answer){0};
}

bool api_may_domain(const struct api_call *c, struct span key)
{
    if (c->token.role != TOKEN_DOMAIN && !c->token.domain_count)
        return true;
    for (uint32_t i = 0; i < c->token.domain_count; i++)
        if (span_equal(c->token.domains[i], key))
            return true;
    return false;
}

bool api_may(const struct api_call *c, struct span key)
{
    struct span domain = key;

    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '@')
            domain = span_skip(key, i + 1);
    return api_may_domain(c, domain);
}

static bool may(void *context, struct span key)
{
    return api_may(context, key);
}

struct ctl_terms api_terms(const struct api_call *c, struct span why)
{
    return (struct ctl_terms){.remote = true,
                              .reason = {.who = span_text(c->name), .why = why},
                              .match = c->if_match,
                              .absent = span_equal(c->if_none_match, span_text("*")),
                              .may = may,
                              .context = (void *)(uintptr_t)c};
}

void api_call(const struct api_call *call, struct api_answer *answer)
{
    switch (call->match.operation) {
    case API_DOMAIN_LIST:
    case API_ACCOUNT_LIST:
    case API_ALIAS_LIST:
        api_list(call, answer);
        break;
    case API_DOMAIN_GET:
    case API_ACCOUNT_GET:
    case API_ALIAS_GET:
        api_directory_get(call, answer);
        break;
    case API_DOMAIN_PUT:
    case API_ACCOUNT_PUT:
    case API_ALIAS_PUT:
        api_directory_put(call, answer);
        break;
    case API_DOMAIN_PATCH:
    case API_ACCOUNT_PATCH:
    case API_ACCOUNT_PASSWORD:
        api_directory_patch(call, answer);
        break;
    case API_DOMAIN_DELETE:
    case API_ACCOUNT_DELETE:
    case API_ALIAS_DELETE:
        api_directory_delete(call, answer);
        break;
    default:
        api_engine(call, answer);
        break;
    }
}
