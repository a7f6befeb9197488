/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_dkim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"
#include "control/cli/cli_auth_options.h"
#include "control/cli/cli_dns.h"
#include "control/cli/cli_load.h"

enum {
    LIMIT_MS_DEFAULT = 20000, /* for the keys of a message */
    PIECE = 65536,            /* bytes of a message that are passed on at a time */
};

bool cli_dkim_message(struct cli_message *m, const char *path, const char *command)
{
    if (cli_message_read(m, path) && cli_message_lines(m))
        return true;
    fprintf(stderr, "wirepost %s: %s: %s\n", command, path, strerror(errno));
    return false;
}

void cli_dkim_pass(struct dkim_message *d, struct span message, void (*wants)(void *context),
                   void *context)
{
    while (message.len) {
        struct span piece = span_head(message, PIECE);

        message = span_skip(message, piece.len);
        if (dkim_message_header(d, &piece))
            wants(context);
        dkim_body_feed(&d->body, piece);
    }
    if (dkim_message_end(d))
        wants(context);
    dkim_body_finish(&d->body);
}

/* Seconds since 1970, or 2026-11-23T10:00:00Z. */
static bool read_time(const char *text, uint64_t *seconds_out)
{
    struct tm t = {0};
    char *end;

    *seconds_out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == 0)
        return true;
    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &t);
    *seconds_out = (uint64_t)timegm(&t);
    return end && *end == 0 && t.tm_year >= 70;
}

bool cli_auth_now(const struct cli_options *o, const char *command, uint64_t *now_out)
{
    *now_out = clock_wall_ms() / 1000;
    if (!o->now || read_time(o->now, now_out))
        return true;
    fprintf(stderr, "wirepost %s: no time: %s\n", command, o->now);
    return false;
}

bool cli_auth_settings(const struct cli_options *o, const char *command, struct cli_dkim *told)
{
    double seconds = LIMIT_MS_DEFAULT / 1e3;
    char *end;

    if (o->timeout) {
        seconds = strtod(o->timeout, &end);
        if (end == o->timeout || *end || !(seconds >= 0.01 && seconds <= 3600)) {
            fprintf(stderr, "wirepost %s: not a number, or out of its bounds\n", command);
            return false;
        }
    }
    *told = (struct cli_dkim){
        .settings = {.bits_least = DKIM_RSA_BITS_LEAST, .most = UINT32_MAX, .legacy = o->legacy},
        .limit_ns = (uint64_t)(seconds * 1e9),
        .receiver = o->receiver,
        .json = o->json};
    return cli_auth_now(o, command, &told->settings.now);
}

int cli_auth_check(const struct cli_options *o, const char *command, cli_auth_checker *check)
{
    struct config *config = NULL;
    struct cli_dkim told;
    struct cli_dns dns;
    int status = CLI_USAGE;

    if (!cli_auth_settings(o, command, &told))
        return CLI_USAGE;
    if (o->config && !(config = cli_load(o->config, NULL, &status)))
        return status;
    if (cli_dns_open(&dns, o, config ? &config->dns : NULL, command)) {
        if (config && !told.receiver)
            told.receiver = config->hostname;
        told.source = dns.source;
        status = check(&told, o);
        cli_dns_close(&dns);
    }
    config_free(config);
    return status;
}

static int verify(const struct cli_dkim *told, const struct cli_options *o)
{
    return cli_dkim_verify(told, o->argc - 1, o->argv + 1);
}

int cli_auth_dkim(const struct cli_options *o, const struct cli_actions *actions,
                  const char *program)
{
    const char *word = o->argv[0];

    if (strcmp(word, "verify") == 0)
        return cli_auth_check(o, "dkim", verify);
    if (strcmp(word, "sign") == 0)
        return cli_dkim_sign(o);
    return cli_dkim_record(o);
}
