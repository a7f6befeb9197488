/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/api/api_body.h"
#include "control/api/api_json.h"
#include "control/config/config_settings.h"
#include "proto/address/address.h"

/* An entry is put by "set", then "add", then "set" again where others put and remove it meanwhile.
 */
enum { TRIES = 4 };

/* What a path names: kind, key, and the ctl commands that change it. */
struct target {
    enum directory_row_kind kind;
    enum api_body_kind body;
    enum ctl_command add, set, remove;
    const char *none; /* what "set" says of one that is not there */
    const char *has;  /* what "add" says of one that is */
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct span key;
    struct span name; /* as it was named */
};

static void set_account(struct target *t)
{
    t->kind = DIRECTORY_ROW_ACCOUNT;
    t->body = API_BODY_ACCOUNT;
    t->add = CTL_ACCOUNT_ADD;
    t->set = CTL_ACCOUNT_SET;
    t->remove = CTL_ACCOUNT_DELETE;
    t->none = CTL_DIRECTORY_NONE_ACCOUNT;
    t->has = CTL_DIRECTORY_HAS_ACCOUNT;
}

static void set_domain(struct target *t)
{
    t->kind = DIRECTORY_ROW_DOMAIN;
    t->body = API_BODY_DOMAIN;
    t->add = CTL_DOMAIN_ADD;
    t->set = CTL_DOMAIN_SET;
    t->remove = CTL_DOMAIN_DELETE;
    t->none = CTL_DIRECTORY_NONE_DOMAIN;
    t->has = CTL_DIRECTORY_HAS_DOMAIN;
}

static void set_alias(struct target *t)
{
    t->kind = DIRECTORY_ROW_ALIAS;
    t->body = API_BODY_ALIAS;
    t->add = CTL_ALIAS_ADD;
    t->set = CTL_ALIAS_SET;
    t->remove = CTL_ALIAS_DELETE;
    t->none = CTL_DIRECTORY_NONE_ALIAS;
    t->has = CTL_DIRECTORY_HAS_ALIAS;
}

/* False, with the refusal in the answer: it names nothing, or nothing that the token may name. */
static bool find_target(const struct api_call *call, struct target *t, struct api_answer *answer)
{
    struct writer w = writer_of(t->bytes, sizeof(t->bytes));
    bool ok;

    switch (call->match.operation) {
    case API_DOMAIN_GET:
    case API_DOMAIN_PUT:
    case API_DOMAIN_PATCH:
    case API_DOMAIN_DELETE:
        set_domain(t);
        break;
    case API_ALIAS_GET:
    case API_ALIAS_PUT:
    case API_ALIAS_DELETE:
        set_alias(t);
        break;
    default:
        set_account(t);
        break;
    }
    t->name = span_of(call->match.parameter, call->match.len);
    ok = t->kind == DIRECTORY_ROW_DOMAIN ? config_domain_key(&w, t->name)
                                         : config_address_key(&w, t->name, true);
    t->key = writer_span(&w);
    if (!ok)
        api_refuse(answer, API_PROBLEM_BAD_PATH, span_of(NULL, 0));
    else if (!(t->kind == DIRECTORY_ROW_DOMAIN ? api_may_domain(call, t->key)
                                               : api_may(call, t->key)))
        api_refuse(answer, API_PROBLEM_FORBIDDEN, span_of(NULL, 0));
    return !answer->problem;
}

static enum store_status read_row(struct store *store, const struct target *t, uint8_t *memory,
                                  struct directory_admin_row *row)
{
    row->kind = t->kind;
    if (t->kind == DIRECTORY_ROW_ACCOUNT)
        return directory_admin_account(store, t->key, memory, &row->account);
    if (t->kind == DIRECTORY_ROW_DOMAIN)
        return directory_admin_domain(store, t->key, memory, &row->domain);
    return directory_admin_alias(store, t->key, memory, &row->alias);
}

/* The row as it is now. */
static void show(const struct api_call *call, const struct target *t, struct api_answer *answer)
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE);
    struct directory_admin_row *row = calloc(1, sizeof(*row));
    enum store_status status =
        memory && row ? read_row(call->context->mail->store, t, memory, row) : STORE_FAILED;

    if (status == STORE_OK) {
        directory_admin_tag(row, answer->tag);
        answer->body = api_json_row(t->key, row);
    } else {
        api_refuse(answer, status == STORE_NONE ? API_PROBLEM_NOT_FOUND : API_PROBLEM_UNAVAILABLE,
                   span_of(NULL, 0));
    }
    if (memory)
        explicit_bzero(memory, DIRECTORY_ROW_VALUE);
    free(memory);
    free(row);
}

void api_directory_get(const struct api_call *call, struct api_answer *answer)
{
    struct target t;

    if (!find_target(call, &t, answer))
        return;
    answer->status = 200;
    show(call, &t, answer);
    if (!answer->problem && call->if_none_match.len &&
        ctl_terms_tag_listed(call->if_none_match, answer->tag)) {
        answer->status = 304;
        json_decref(answer->body);
        answer->body = NULL;
    }
}

/* For the audit log: "PATCH over HTTP from 192.0.2.1: quota, login" */
static struct span reason(const struct api_call *call, const char *fields, char *text, size_t size)
{
    struct writer w = writer_of(text, size);

    writer_printf(&w, "%s over HTTP from %s",
                  api_method_name((enum api_method)api_routes[call->match.operation].method),
                  call->client);
    if (fields && fields[0])
        writer_printf(&w, ": %s", fields);
    return writer_span(&w);
}

static bool ask(const struct api_call *call, struct ctl_request *request, bool secret,
                struct writer *why)
{
    json_t *result;

    why->len = 0;
    why->full = false;
    request->terms->unmet = request->terms->forbidden = false;
    if (secret)
        while (sem_wait(call->context->hashing) != 0)
            continue;
    result = ctl_directory_answer(call->context->mail, request, why);
    if (secret)
        sem_post(call->context->hashing);
    json_decref(result);
    return result != NULL;
}

/* Reads the body into a request for the target. False, with the refusal in the answer. */
static bool read_body(const struct api_call *call, const struct target *t, bool whole,
                      struct api_body *body, struct api_answer *answer)
{
    char text[API_DETAIL];
    struct writer why = writer_of(text, sizeof(text));
    bool password = call->match.operation == API_ACCOUNT_PASSWORD;
    enum api_problem problem =
        api_body_read(body, password ? API_BODY_PASSWORD : t->body, call->body, whole, &why);

    if (problem != API_FINE) {
        api_refuse(answer, problem, writer_span(&why));
        return false;
    }
    body->request.arguments[0] = t->name;
    return true;
}

static bool put(const struct api_call *call, const struct target *t, struct api_body *body,
                unsigned *status_out, struct writer *why)
{
    for (int i = 0; i < TRIES; i++) {
        bool adds = i % 2 == 1;

        body->request.command = adds ? t->add : t->set;
        *status_out = adds ? 201 : 200;
        if (ask(call, &body->request, body->secret, why))
            return true;
        if (!span_equal(writer_span(why), span_text(adds ? t->has : t->none)))
            return false;
    }
    return false;
}

void api_directory_put(const struct api_call *call, struct api_answer *answer)
{
    char text[CTL_ERROR_MAX], reason_text[512];
    struct writer why = writer_of(text, sizeof(text));
    struct ctl_terms terms;
    struct api_body body;
    struct target t;

    if (!find_target(call, &t, answer) || !read_body(call, &t, true, &body, answer))
        return;
    terms = api_terms(call, reason(call, body.fields, reason_text, sizeof(reason_text)));
    body.request.terms = &terms;
    if (put(call, &t, &body, &answer->status, &why))
        show(call, &t, answer);
    else
        api_refuse_for(answer, call, &terms, writer_span(&why));
    api_body_fini(&body);
}

void api_directory_patch(const struct api_call *call, struct api_answer *answer)
{
    char text[CTL_ERROR_MAX], reason_text[512];
    struct writer why = writer_of(text, sizeof(text));
    bool password = call->match.operation == API_ACCOUNT_PASSWORD;
    struct ctl_terms terms;
    struct api_body body;
    struct target t;

    if (!find_target(call, &t, answer) || !read_body(call, &t, false, &body, answer))
        return;
    terms = api_terms(call, reason(call, body.fields, reason_text, sizeof(reason_text)));
    body.request.terms = &terms;
    body.request.command = password ? CTL_ACCOUNT_PASSWORD : t.set;
    answer->status = password ? 204 : 200;
    if (!ask(call, &body.request, body.secret, &why))
        api_refuse_for(answer, call, &terms, writer_span(&why));
    else if (password)
        memcpy(answer->tag, terms.tag, sizeof(answer->tag));
    else
        show(call, &t, answer);
    api_body_fini(&body);
}

void api_directory_delete(const struct api_call *call, struct api_answer *answer)
{
    char text[CTL_ERROR_MAX], reason_text[512];
    struct writer why = writer_of(text, sizeof(text));
    struct ctl_terms terms;
    struct ctl_request request = {.count = 1, .terms = &terms};
    struct target t;

    if (!find_target(call, &t, answer))
        return;
    terms = api_terms(call, reason(call, NULL, reason_text, sizeof(reason_text)));
    request.command = t.remove;
    request.arguments[0] = t.name;
    answer->status = 204;
    if (!ask(call, &request, false, &why))
        api_refuse_for(answer, call, &terms, writer_span(&why));
}
