/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_body.h"

/* The engine's status and health, and bans. */

static void status(const struct api_call *call, struct api_answer *answer)
{
    char text[CTL_ERROR_MAX];
    struct writer why = writer_of(text, sizeof(text));
    const struct ctl_subject *engine = &call->context->engine;
    const struct ctl_request request = {.command = CTL_STATUS};

    answer->status = 200;
    answer->body = engine->answer(engine->context, &request, &why);
    if (!answer->body)
        api_refuse(answer, API_PROBLEM_UNAVAILABLE, writer_span(&why));
}

static void health(const struct api_call *call, struct api_answer *answer)
{
    if (!call->context->healthy(call->context->healthy_context)) {
        api_refuse(answer, API_PROBLEM_UNAVAILABLE, span_text("not ready, or draining"));
        return;
    }
    answer->status = 200;
    answer->body = json_pack("{s:s}", "health", "ready");
}

static enum api_problem problem_of(struct span why)
{
    if (span_equal(why, span_text("there is no such ban")))
        return API_PROBLEM_NOT_FOUND;
    if (span_equal(why, span_text("lies in a network that is trusted")))
        return API_PROBLEM_CONFLICT;
    return span_equal(why, span_text("there are too many bans")) ? API_PROBLEM_UNAVAILABLE
                                                                 : API_PROBLEM_BAD_VALUE;
}

static void ban(const struct api_call *call, struct ctl_request *request, struct api_answer *answer)
{
    char text[CTL_ERROR_MAX], reason[256];
    struct writer why = writer_of(text, sizeof(text)), w = writer_of(reason, sizeof(reason));
    struct ctl_terms terms;

    writer_printf(&w, "over HTTP from %s", call->client);
    terms = api_terms(call, writer_span(&w));
    request->terms = &terms;
    /* The network, where the path names one. */
    if (request->count)
        request->arguments[0] = span_of(call->match.parameter, call->match.len);
    answer->body = ctl_ban(call->context->mail, request, &why);
    if (!answer->body)
        api_refuse(answer, problem_of(writer_span(&why)), writer_span(&why));
}

static void put_ban(const struct api_call *call, struct api_answer *answer)
{
    char text[API_DETAIL];
    struct writer why = writer_of(text, sizeof(text));
    struct api_body body;
    enum api_problem problem = api_body_read(&body, API_BODY_BAN, call->body, true, &why);

    if (problem != API_FINE) {
        api_refuse(answer, problem, writer_span(&why));
        return;
    }
    body.request.command = CTL_BAN_ADD;
    answer->status = 200;
    ban(call, &body.request, answer);
    api_body_fini(&body);
}

void api_engine(const struct api_call *call, struct api_answer *answer)
{
    struct ctl_request request = {.command = CTL_BAN_LIST};

    answer->status = 200;
    switch (call->match.operation) {
    case API_HEALTH:
        health(call, answer);
        return;
    case API_STATUS:
        status(call, answer);
        return;
    case API_BAN_PUT:
        put_ban(call, answer);
        return;
    case API_BAN_LIST:
        ban(call, &request, answer);
        if (!answer->problem)
            answer->body = json_pack("{s:o}", "items", answer->body);
        return;
    case API_BAN_CLEAR:
        request.command = CTL_BAN_CLEAR;
        ban(call, &request, answer);
        return;
    default:
        request.command = CTL_BAN_DELETE;
        request.count = 1;
        answer->status = 204;
        ban(call, &request, answer);
        if (!answer->problem) {
            json_decref(answer->body);
            answer->body = NULL;
        }
        return;
    }
}
