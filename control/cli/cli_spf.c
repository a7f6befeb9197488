/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_spf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "control/auth/spf_run.h"
#include "control/base/clock.h"
#include "control/cli/cli.h"
#include "control/cli/cli_peer.h"
#include "control/cli/cli_wait.h"
#include "proto/address/address.h"
#include "proto/spf/spf_header.h"

/* One check, and what is told of it. */
struct check {
    struct spf_run run;
    struct spf_query query;
    bool helo; /* the identity is HELO */
    bool headers;
    json_t *steps;
    uint8_t domain[ADDRESS_KEY_MAX]; /* as A-labels */
    struct cli_wait wait;
};

static void name_question(const struct dns_question *q, char type[16], char name[DNS_SHOWN_MAX + 1])
{
    struct writer w = writer_of(type, 15), n = writer_of(name, DNS_SHOWN_MAX);

    dns_type_put(&w, q->type);
    type[w.len] = 0;
    dns_name_put(&n, &q->name);
    name[n.len] = 0;
}

static void keep_step(void *context, const struct spf_step *s)
{
    struct check *c = context;
    json_t *step = json_pack("{s:s, s:I, s:o}", "step", spf_step_word(s->kind), "depth",
                             (json_int_t)s->depth, "domain", cli_peer_json(s->domain));
    char type[16], name[DNS_SHOWN_MAX + 1];

    if (s->kind == SPF_STEP_QUESTION) {
        name_question(s->question, type, name);
        json_object_set_new(step, "type", json_string(type));
        json_object_set_new(step, "name", json_string(name));
        json_object_set_new(step, "outcome", json_string(dns_outcome_word(s->answer->outcome)));
        json_object_set_new(step, "records", json_integer(s->answer->count));
        json_object_set_new(step, "secure", json_boolean(s->answer->secure));
    } else {
        json_object_set_new(step, "text", cli_peer_json(s->text));
    }
    if (s->kind == SPF_STEP_TERM)
        json_object_set_new(step, "matched", json_boolean(s->matched));
    if (s->kind == SPF_STEP_INCLUDED)
        json_object_set_new(step, "result", json_string(spf_result_word(s->result)));
    json_array_append_new(c->steps, step);
}

static void print_step(void *context, const struct spf_step *s)
{
    char type[16], name[DNS_SHOWN_MAX + 1];

    printf("%*s", (int)(2 + 2 * s->depth), "");
    if (s->kind == SPF_STEP_QUESTION) {
        name_question(s->question, type, name);
        printf("asked %s %s: %s", type, name, dns_outcome_word(s->answer->outcome));
        if (s->answer->outcome == DNS_ANSWER)
            printf(", records: %u", s->answer->count);
        printf("%s\n", s->answer->secure ? ", secure" : "");
        return;
    }
    printf("%s ", spf_step_word(s->kind));
    if (s->kind == SPF_STEP_RECORD) {
        cli_peer_print(s->domain);
        fputs(": ", stdout);
    }
    cli_peer_print(s->text);
    if (s->kind == SPF_STEP_TERM)
        fputs(s->matched ? ": matches" : ": does not match", stdout);
    if (s->kind == SPF_STEP_INCLUDED)
        printf(": %s", spf_result_word(s->result));
    putchar('\n');
}

static void on_done(void *context, struct spf_run *run)
{
    struct check *c = context;

    cli_wait_end(&c->wait);
}

/* Splits MAIL FROM at its last "@"; without one it is a domain. Empty: the HELO identity (RFC 7208
 * section 2.4). */
static void set_identity(struct check *c, const char *mail_from)
{
    struct span from = span_text(mail_from ? mail_from : "");
    size_t at = from.len;

    c->helo = from.len == 0;
    while (at > 0 && from.data[at - 1] != '@')
        at--;
    c->query.domain = address_a_labels(c->helo ? c->query.helo : span_skip(from, at), c->domain);
    c->query.local = span_head(from, at ? at - 1 : 0);
}

/* The fields that a message would get. */
static void write_headers(const struct check *c, struct writer *received, struct writer *results)
{
    spf_header_received(received, &c->run.check, c->run.check.query.receiver, c->helo);
    spf_header_results(results, &c->run.check, c->run.check.query.receiver, c->helo);
}

static json_t *headers_of(const struct check *c)
{
    uint8_t first[SPF_HEADER_MAX], second[SPF_HEADER_MAX];
    struct writer received = writer_of(first, sizeof(first)),
                  results = writer_of(second, sizeof(second));

    write_headers(c, &received, &results);
    return json_pack("[s%, s%]", first, received.len, second, results.len);
}

static void print_headers(const struct check *c)
{
    uint8_t text[2 * SPF_HEADER_MAX];
    struct writer w = writer_of(text, sizeof(text));

    write_headers(c, &w, &w);
    fwrite(text, 1, w.len, stdout);
}

static void print_json(const struct check *c)
{
    const struct spf_check *k = &c->run.check;
    uint8_t text[IP_ADDRESS_TEXT];
    struct writer ip = writer_of(text, sizeof(text));
    json_t *line;

    ip_address_put(&ip, &c->query.ip);
    line = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:O}", "identity",
                     c->helo ? "helo" : "mailfrom", "ip", cli_peer_json(writer_span(&ip)), "helo",
                     cli_peer_json(c->query.helo), "local", cli_peer_json(k->query.local), "domain",
                     cli_peer_json(c->query.domain), "result", spf_result_word(k->result), "reason",
                     spf_reason_word(k->reason), "what", spf_reason_what(k->reason), "lookups",
                     (json_int_t)k->lookups, "void_lookups", (json_int_t)k->voids, "questions",
                     (json_int_t)k->questions, "steps", c->steps);
    if (k->fault.len)
        json_object_set_new(line, "term", cli_peer_json(k->fault));
    if (k->explanation.len)
        json_object_set_new(line, "explanation", cli_peer_json(writer_span(&k->explanation)));
    if (c->headers)
        json_object_set_new(line, "headers", headers_of(c));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void print_text(const struct check *c)
{
    const struct spf_check *k = &c->run.check;

    printf("%s: %s", spf_result_word(k->result), spf_reason_what(k->reason));
    if (k->fault.len) {
        fputs(": ", stdout);
        cli_peer_print(k->fault);
    }
    putchar('\n');
    if (c->headers)
        print_headers(c);
}

/* Returns false when one of the texts is no address. */
static bool check_one(struct check *c, const struct cli_spf *told, const char *ip, const char *helo,
                      const char *mail_from, const struct dns_source *source)
{
    c->query = (struct spf_query){.helo = span_text(helo),
                                  .receiver = span_text(told->receiver ? told->receiver : ""),
                                  .now = clock_wall_ms() / 1000,
                                  .voids_max = told->voids};
    if (!ip_address_parse(span_text(ip), &c->query.ip))
        return false;
    set_identity(c, mail_from);
    c->headers = told->headers;
    cli_wait_begin(&c->wait);
    c->steps = json_array();
    spf_run_start(&c->run, &c->query, source, told->limit_ns, told->json ? keep_step : print_step,
                  on_done, c);
    cli_wait_for(&c->wait);
    if (told->json)
        print_json(c);
    else
        print_text(c);
    json_decref(c->steps);
    return true;
}

static const char *text_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

/* Each line of standard input is an object: ip, helo, and maybe mail_from. */
static int check_lines(struct check *c, const struct cli_spf *told, const struct dns_source *source)
{
    unsigned long number = 0;
    int status = CLI_OK;
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        const char *ip = text_of(row, "ip"), *helo = text_of(row, "helo");

        number++;
        if (!ip || !helo || !check_one(c, told, ip, helo, text_of(row, "mail_from"), source)) {
            fprintf(stderr, "wirepost spf: line %lu: expected {\"ip\", \"helo\", \"mail_from\"}\n",
                    number);
            status = CLI_FAILED;
        }
        json_decref(row);
    }
    free(line);
    return status;
}

int cli_spf(const struct cli_spf *told, const struct dns_source *source)
{
    static const uint8_t statuses[] = {
        [SPF_RESULT_NONE] = CLI_SPF_NONE,
        [SPF_RESULT_NEUTRAL] = CLI_SPF_NEUTRAL,
        [SPF_RESULT_PASS] = CLI_OK,
        [SPF_RESULT_FAIL] = CLI_SPF_FAIL,
        [SPF_RESULT_SOFTFAIL] = CLI_SPF_SOFTFAIL,
        [SPF_RESULT_TEMPERROR] = CLI_SPF_TEMPERROR,
        [SPF_RESULT_PERMERROR] = CLI_SPF_PERMERROR,
    };
    struct check *c = calloc(1, sizeof(*c));
    int status = CLI_FAILED;

    if (!c)
        return CLI_FAILED;
    cli_wait_init(&c->wait);
    if (told->batch) {
        status = check_lines(c, told, source);
    } else if (check_one(c, told, told->ip, told->helo, told->mail_from, source)) {
        status = statuses[c->run.check.result];
    } else {
        fprintf(stderr, "wirepost spf: no IP address: %s\n", told->ip);
        status = CLI_USAGE;
    }
    cli_wait_fini(&c->wait);
    free(c);
    return fflush(stdout) == 0 ? status : CLI_FAILED;
}
