/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/auth/dkim_run.h"
#include "control/base/clock.h"
#include "control/cli/cli_dkim.h"
#include "control/cli/cli_peer.h"
#include "control/cli/cli_wait.h"
#include "proto/base/ascii.h"
#include "proto/base/tag_list.h"

/* One message, and what is told of it. */
struct verifier {
    const struct cli_dkim *told;
    struct dkim_message message;
    struct dkim_set set;
    struct dkim_run run;
    struct cli_wait wait;
    uint8_t header[CLI_HEADER_MAX];
};

int cli_dkim_status(enum dkim_result result)
{
    static const uint8_t statuses[] = {
        [DKIM_RESULT_NONE] = CLI_AUTH_NONE,           [DKIM_RESULT_PASS] = CLI_OK,
        [DKIM_RESULT_FAIL] = CLI_AUTH_FAIL,           [DKIM_RESULT_POLICY] = CLI_AUTH_POLICY,
        [DKIM_RESULT_NEUTRAL] = CLI_AUTH_NEUTRAL,     [DKIM_RESULT_TEMPERROR] = CLI_AUTH_TEMPERROR,
        [DKIM_RESULT_PERMERROR] = CLI_AUTH_PERMERROR,
    };

    return statuses[result];
}

static void on_done(void *context, struct dkim_run *run)
{
    cli_wait_end(context);
}

/* The header is whole: signatures are read, keys asked for while the body passes. */
static void on_header(void *context)
{
    struct verifier *v = context;

    dkim_set_init(&v->set, &v->message.header, &v->told->settings);
    dkim_set_want(&v->set, &v->message.body);
    cli_wait_begin(&v->wait);
    dkim_run_start(&v->run, &v->set, &v->told->source, clock_monotonic_ns() + v->told->limit_ns,
                   on_done, &v->wait);
}

static json_t *notes_of(uint32_t notes)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < DKIM_NOTES; i++)
        if (notes & UINT32_C(1) << i)
            json_array_append_new(list, json_string(dkim_note_word(i)));
    return list;
}

/* The first eight characters of b= (RFC 6008 section 4). */
static json_t *begin_of(struct span signed_with)
{
    uint8_t text[8];
    struct writer w = writer_of(text, sizeof(text));

    for (size_t i = 0; i < signed_with.len; i++)
        if (!ascii_folding(signed_with.data[i]))
            writer_byte(&w, signed_with.data[i]);
    return cli_peer_json(writer_span(&w));
}

/* Names of h= without folds and blanks. */
static json_t *names_of(struct span headers)
{
    uint8_t text[2048];
    struct writer w = writer_of(text, sizeof(text));
    struct span name;
    bool more = true;

    while (headers.len && tag_piece(&headers, &more, &name)) {
        writer_text(&w, w.len ? ":" : "");
        writer_span_put(&w, name);
    }
    return cli_peer_json(writer_span(&w));
}

static void set_question(json_t *row, const struct dkim_check *c)
{
    char name[DNS_SHOWN_MAX + 1];
    struct writer n = writer_of(name, DNS_SHOWN_MAX);

    if (c->outcome == DNS_OUTCOMES)
        return;
    dns_name_put(&n, &c->question.name);
    name[n.len] = 0;
    json_object_set_new(row, "question",
                        json_pack("{s:s, s:s, s:b}", "name", name, "outcome",
                                  dns_outcome_word(c->outcome), "secure", (int)c->secure));
}

json_t *cli_dkim_check_json(const struct dkim_check *c)
{
    static const char *const canons[] = {[DKIM_SIMPLE] = "simple", [DKIM_RELAXED] = "relaxed"};
    const struct dkim_signature *s = &c->signature;
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "result", dkim_result_word(dkim_check_result(c)),
        "reason", dkim_reason_word(c->reason), "what", dkim_reason_what(c->reason), "domain",
        cli_peer_json(s->domain), "selector", cli_peer_json(s->selector), "b",
        begin_of(s->signed_with), "notes", notes_of(c->notes));

    json_object_set_new(row, "algorithm", json_string(dkim_algorithm_word(s->key_type, s->hash)));
    json_object_set_new(row, "header_canonicalization", json_string(canons[s->header_canon]));
    if (s->kind != DKIM_KIND_ARC_SEAL) {
        json_object_set_new(row, "body_canonicalization", json_string(canons[s->body_canon]));
        json_object_set_new(row, "headers", names_of(s->headers));
    }
    if (s->identity.len)
        json_object_set_new(row, "identity",
                            cli_peer_json(span_of(s->identity_bytes, s->identity_len)));
    if (s->length != DKIM_LENGTH_ALL)
        json_object_set_new(row, "length", json_integer((json_int_t)(s->length & INT64_MAX)));
    if (s->time)
        json_object_set_new(row, "time", json_integer((json_int_t)s->time));
    if (s->expires)
        json_object_set_new(row, "expires", json_integer((json_int_t)s->expires));
    set_question(row, c);
    if (c->key && c->key->key)
        json_object_set_new(row, "key",
                            json_pack("{s:s, s:i}", "type",
                                      c->key->type == DKIM_RSA ? "rsa" : "ed25519", "bits",
                                      (int)c->key->bits));
    return row;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : "";
}

void cli_dkim_check_print(const json_t *row)
{
    const json_t *question = json_object_get(row, "question"), *key = json_object_get(row, "key");
    const json_t *notes = json_object_get(row, "notes");

    printf("  signature d=%s s=%s a=%s b=%s\n", text_of(row, "domain"), text_of(row, "selector"),
           text_of(row, "algorithm"), text_of(row, "b"));
    if (json_object_get(row, "headers"))
        printf("    signs %s\n", text_of(row, "headers"));
    if (question)
        printf("    asked TXT %s: %s%s\n", text_of(question, "name"), text_of(question, "outcome"),
               json_is_true(json_object_get(question, "secure")) ? ", secure" : "");
    if (key)
        printf("    key %s, bits: %lld\n", text_of(key, "type"),
               (long long)json_integer_value(json_object_get(key, "bits")));
    for (unsigned i = 0; i < DKIM_NOTES; i++)
        for (size_t n = 0; n < json_array_size(notes); n++)
            if (strcmp(json_string_value(json_array_get(notes, n)), dkim_note_word(i)) == 0)
                printf("    note: %s\n", dkim_note_what(i));
    printf("    %s: %s\n", text_of(row, "result"), text_of(row, "what"));
}

static void print(const struct verifier *v, const char *file)
{
    const char *result = dkim_result_word(dkim_set_result(&v->set));
    json_t *rows = json_array(), *line;

    for (uint32_t i = 0; i < v->set.count; i++)
        json_array_append_new(rows, cli_dkim_check_json(&v->set.checks[i]));
    if (v->told->json) {
        line = json_pack("{s:o, s:s, s:I, s:O}", "file", cli_peer_json(span_text(file)), "result",
                         result, "found", (json_int_t)v->set.found, "signatures", rows);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
    } else {
        for (size_t i = 0; i < json_array_size(rows); i++)
            cli_dkim_check_print(json_array_get(rows, i));
        if (v->set.found > v->set.count)
            printf("  signatures not looked at: %u\n", v->set.found - v->set.count);
        printf("%s\n", result);
    }
    json_decref(rows);
}

static int verify(struct verifier *v, const char *file)
{
    struct cli_message m;
    int status;

    if (!cli_dkim_message(&m, file, "dkim"))
        return CLI_FAILED;
    dkim_message_begin(&v->message, v->header, sizeof(v->header));
    cli_dkim_pass(&v->message, cli_message_span(&m), on_header, v);
    cli_wait_for(&v->wait);
    dkim_set_judge(&v->set, &v->message.body);
    print(v, file);
    status = cli_dkim_status(dkim_set_result(&v->set));
    dkim_set_fini(&v->set);
    cli_message_free(&m);
    return status;
}

int cli_dkim_verify(const struct cli_dkim *told, int count, char **files)
{
    struct verifier *v = malloc(sizeof(*v));
    int status = CLI_OK;

    if (!v)
        return CLI_FAILED;
    v->told = told;
    dkim_message_init(&v->message);
    cli_wait_init(&v->wait);
    for (int i = 0; i < count; i++) {
        int found = verify(v, files[i]);

        if (status == CLI_OK)
            status = found;
    }
    cli_wait_fini(&v->wait);
    dkim_message_fini(&v->message);
    free(v);
    return fflush(stdout) == 0 ? status : CLI_FAILED;
}
