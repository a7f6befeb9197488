/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_import.h"

#include <stdlib.h>

#include "control/api/api_lines.h"
#include "control/record/record_json.h"

enum { REASON = 160 };

struct api_import {
    const struct api_call *call;
    uint64_t size, size_max;
    uint64_t lines, accounts, refused;
    enum api_problem ended; /* why no more is taken; API_FINE: more is */
    bool stopped;           /* too many were refused */
    char why[API_DETAIL];
    char *told; /* lines of refusals */
    size_t told_len, told_cap;
    struct api_lines reader;
};

static void end_with(struct api_import *i, enum api_problem problem, struct span why)
{
    struct writer w = writer_of(i->why, sizeof(i->why) - 1);

    i->ended = problem;
    writer_span_put(&w, span_head(why, sizeof(i->why) - 1));
    i->why[w.len] = 0;
}

/* ---- refusals ---- */

/* Takes the object. */
static bool tell(struct api_import *i, json_t *object)
{
    size_t len = 0;
    char *line = record_json_dump(object, &len);
    size_t cap = i->told_cap ? i->told_cap : 4096;
    char *grown = i->told;

    while (cap - i->told_len < len)
        cap *= 2;
    if (line && cap != i->told_cap)
        grown = realloc(i->told, cap);
    if (!line || !grown) {
        free(line);
        return false;
    }
    i->told = grown;
    i->told_cap = cap;
    memcpy(i->told + i->told_len, line, len);
    i->told_len += len;
    free(line);
    return true;
}

static void refused(void *context, uint64_t line, struct span address, struct span why)
{
    struct api_import *i = context;

    if (i->refused == API_IMPORT_REFUSED)
        i->stopped = true;
    if (i->stopped)
        return;
    i->refused++;
    if (!tell(i, json_pack("{s:I, s:o, s:o}", "line", (json_int_t)line, "address",
                           address.len ? record_json_text(span_head(address, API_PARAMETER))
                                       : json_null(),
                           "error", record_json_text(span_head(why, API_DETAIL)))))
        end_with(i, API_PROBLEM_INTERNAL, span_of(NULL, 0));
}

/* ---- batches ---- */

static struct ctl_terms terms_of(const struct api_import *i, char text[REASON])
{
    struct writer w = writer_of(text, REASON);

    writer_printf(&w, "POST over HTTP from %s: lines from %llu on", i->call->client,
                  (unsigned long long)i->lines + 1);
    return api_terms(i->call, writer_span(&w));
}

/* Whole lines; a struct api_lines' batch. */
static void load(void *context, struct span lines)
{
    struct api_import *i = context;
    char text[CTL_ERROR_MAX], reason[REASON];
    struct writer why = writer_of(text, sizeof(text));
    struct ctl_terms terms = terms_of(i, reason);
    struct ctl_directory_load l = {
        .terms = &terms, .refused = refused, .context = i, .line = i->lines};
    enum store_status status;

    if (i->ended || i->stopped)
        return;
    while (sem_wait(i->call->context->hashing) != 0)
        continue;
    status = ctl_directory_load(i->call->context->mail, lines, &l, &why);
    sem_post(i->call->context->hashing);
    i->lines = l.line;
    i->accounts += l.accounts;
    if (status != STORE_OK && span_equal(writer_span(&why), span_text(CTL_DIRECTORY_NO_STORE)))
        end_with(i, API_PROBLEM_CONFLICT, writer_span(&why));
    else if (status != STORE_OK && !i->ended)
        end_with(i, API_PROBLEM_UNAVAILABLE, span_text(store_status_name(status)));
}

static void too_long(void *context)
{
    struct api_import *i = context;

    i->lines++;
    refused(i, i->lines, span_of(NULL, 0), span_text("a line is too long"));
}

struct api_import *api_import_new(const struct api_call *call, uint64_t size_max)
{
    struct api_import *i = malloc(sizeof(*i));

    if (!i)
        return NULL;
    memset(i, 0, offsetof(struct api_import, reader));
    i->call = call;
    i->size_max = size_max;
    i->reader.batch = load;
    i->reader.too_long = too_long;
    i->reader.context = i;
    api_lines_init(&i->reader);
    return i;
}

void api_import_feed(struct api_import *i, struct span bytes)
{
    i->size += bytes.len;
    if (i->size > i->size_max && !i->ended)
        end_with(i, API_PROBLEM_TOO_LARGE, span_of(NULL, 0));
    if (!i->ended && !i->stopped)
        api_lines_feed(&i->reader, bytes);
}

/* ---- the end ---- */

void api_import_end(struct api_import *i, struct api_answer *answer)
{
    if (!i->ended)
        api_lines_end(&i->reader);
    if (!i->ended && !tell(i, json_pack("{s:I, s:I, s:I, s:b}", "accounts", (json_int_t)i->accounts,
                                        "refused", (json_int_t)i->refused, "lines",
                                        (json_int_t)i->lines, "stopped", i->stopped)))
        end_with(i, API_PROBLEM_INTERNAL, span_of(NULL, 0));
    if (i->ended) {
        api_refuse(answer, i->ended, span_text(i->why));
        json_object_set_new(answer->body, "accounts", json_integer((json_int_t)i->accounts));
        json_object_set_new(answer->body, "lines", json_integer((json_int_t)i->lines));
        return;
    }
    answer->status = 200;
    answer->lines = i->told;
    answer->lines_len = i->told_len;
    i->told = NULL;
}

void api_import_counts(const struct api_import *i, uint64_t *accounts_out, uint64_t *refused_out)
{
    *accounts_out = i->accounts;
    *refused_out = i->refused;
}

void api_import_free(struct api_import *i)
{
    if (i) {
        explicit_bzero(i->reader.bytes, sizeof(i->reader.bytes));
        free(i->told);
    }
    free(i);
}
