/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/auth/dkim_run.h"
#include "control/base/clock.h"
#include "control/cli/cli_auth_options.h"
#include "control/cli/cli_peer.h"
#include "control/cli/cli_wait.h"
#include "proto/arc/arc_chain.h"

/* One message, and what is told of its chain. */
struct validator {
    const struct cli_dkim *told;
    struct dkim_message message;
    struct arc_chain chain;
    struct dkim_run run;
    struct cli_wait wait;
    uint8_t header[CLI_HEADER_MAX];
};

static void on_done(void *context, struct dkim_run *run)
{
    cli_wait_end(context);
}

/* The header is whole: the chain is read, keys are asked for while the body passes. */
static void on_header(void *context)
{
    struct validator *v = context;

    arc_chain_init(&v->chain, &v->message.header, &v->told->settings);
    arc_chain_want(&v->chain, &v->message.body);
    cli_wait_begin(&v->wait);
    dkim_run_start_chain(&v->run, &v->chain, &v->told->source,
                         clock_monotonic_ns() + v->told->limit_ns, on_done, &v->wait);
}

/* What was found out of each set, from the last one on: its own signature is looked at in the last
 * set alone. */
static json_t *sets_of(const struct arc_chain *c)
{
    json_t *rows = json_array();

    for (uint32_t set = c->check_count ? c->count : 0; set > 0; set--) {
        const struct dkim_check *seal = &c->checks[set - 1];
        json_t *row = json_pack("{s:I, s:o}", "instance", (json_int_t)set, "cv",
                                cli_peer_json(seal->signature.chain));

        if (seal->decided)
            json_object_set_new(row, "seal", cli_dkim_check_json(seal));
        if (set == c->count && c->checks[c->count].decided)
            json_object_set_new(row, "message", cli_dkim_check_json(&c->checks[c->count]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void print_text(const struct arc_chain *c, const json_t *rows)
{
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        printf("set %lld, cv=%s\n", (long long)json_integer_value(json_object_get(row, "instance")),
               json_string_value(json_object_get(row, "cv")));
        if (json_object_get(row, "message"))
            cli_dkim_check_print(json_object_get(row, "message"));
        if (json_object_get(row, "seal"))
            cli_dkim_check_print(json_object_get(row, "seal"));
    }
    printf("%s: %s", arc_result_word(arc_chain_result(c)), arc_reason_what(c->reason));
    if (c->blamed)
        printf(": set %u", c->blamed);
    putchar('\n');
}

static void print(const struct validator *v, const char *file)
{
    const struct arc_chain *c = &v->chain;
    json_t *rows = sets_of(c), *line;

    if (v->told->json) {
        line = json_pack("{s:o, s:s, s:s, s:s, s:I, s:O}", "file", cli_peer_json(span_text(file)),
                         "result", arc_result_word(arc_chain_result(c)), "reason",
                         arc_reason_word(c->reason), "what", arc_reason_what(c->reason), "found",
                         (json_int_t)c->found, "sets", rows);
        if (c->blamed)
            json_object_set_new(line, "blamed", json_integer(c->blamed));
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
    } else {
        print_text(c, rows);
    }
    json_decref(rows);
}

static int validate(struct validator *v, const char *file)
{
    static const uint8_t statuses[] = {[ARC_RESULT_NONE] = CLI_AUTH_NONE,
                                       [ARC_RESULT_PASS] = CLI_OK,
                                       [ARC_RESULT_FAIL] = CLI_AUTH_FAIL};
    struct cli_message m;
    int status;

    if (!cli_dkim_message(&m, file, "arc"))
        return CLI_FAILED;
    dkim_message_begin(&v->message, v->header, sizeof(v->header));
    cli_dkim_pass(&v->message, cli_message_span(&m), on_header, v);
    cli_wait_for(&v->wait);
    arc_chain_judge(&v->chain, &v->message.body);
    print(v, file);
    status = statuses[arc_chain_result(&v->chain)];
    arc_chain_fini(&v->chain);
    cli_message_free(&m);
    return status;
}

static int verify(const struct cli_dkim *told, const struct cli_options *o)
{
    struct validator *v = malloc(sizeof(*v));
    int status = CLI_OK;

    if (!v)
        return CLI_FAILED;
    v->told = told;
    dkim_message_init(&v->message);
    cli_wait_init(&v->wait);
    for (int i = 1; i < o->argc; i++) {
        int found = validate(v, o->argv[i]);

        if (status == CLI_OK)
            status = found;
    }
    cli_wait_fini(&v->wait);
    dkim_message_fini(&v->message);
    free(v);
    return fflush(stdout) == 0 ? status : CLI_FAILED;
}

int cli_auth_arc(const struct cli_options *o, const struct cli_actions *actions,
                 const char *program)
{
    return cli_auth_check(o, "arc", verify);
}
