/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_spf.h"
#include "control/dns/dns_context.h"
#include "control/dns/dns_zone.h"

/* Who really sent it: commands that ask DNS, the network or a zone file. */

enum {
    LIMIT_MS_DEFAULT = 20000, /* RFC 7208 section 4.6.4: at least 20 seconds */
    QUESTION_MS = 5000,
    QUESTIONS_MAX = 64,
    SERVERS_MAX = 64, /* of a list in the configuration */
};

struct dns {
    struct dns_zone *zone;
    struct dns_resolver *resolver;
    struct dns_source source;
};

static const char *file_of(const char *path)
{
    return path[0] ? path : NULL;
}

static void copy_servers(const struct config_dns_server *from, uint32_t count,
                         struct dns_server *to)
{
    for (uint32_t i = 0; i < count && i < SERVERS_MAX; i++)
        to[i] = (struct dns_server){from[i].address, from[i].port, from[i].zone};
}

/* By the configuration, where one is named; the command line counts more. */
static struct dns_resolver *new_resolver(const struct cli_options *o, const struct config_dns *c,
                                         struct writer *why)
{
    struct dns_server forwarders[SERVERS_MAX], stubs[SERVERS_MAX];
    struct dns_settings settings = {.forwarders = forwarders,
                                    .stubs = stubs,
                                    .timeout_ns = QUESTION_MS * 1000000ull,
                                    .questions_max = QUESTIONS_MAX,
                                    .answer_max = DNS_ANSWER_MAX_DEFAULT};

    if (c) {
        copy_servers(c->forwarders, c->forwarders_count, forwarders);
        copy_servers(c->stubs, c->stubs_count, stubs);
        settings.forwarder_count = c->forwarders_count;
        settings.stub_count = c->stubs_count;
        settings.trust_anchors = file_of(c->trust_anchors);
        settings.hosts = file_of(c->hosts);
        settings.timeout_ns = (uint64_t)c->timeout * 1000;
        settings.questions_max = (uint32_t)c->questions;
        settings.answer_max = (uint32_t)c->answer_size;
        settings.cache_bytes = (uint64_t)c->cache;
    }
    if (o->dns) {
        if (!dns_context_server(o->dns, &forwarders[0])) {
            writer_printf(why, "no address of a server: %s", o->dns);
            return NULL;
        }
        settings.forwarder_count = 1;
        settings.stub_count = 0;
    }
    if (o->trust_anchors)
        settings.trust_anchors = o->trust_anchors;
    return dns_resolver_new(&settings, why);
}

/* False, and told on standard error, when it cannot be. */
static bool dns_open(struct dns *d, const struct cli_options *o, const struct config_dns *config,
                     const char *command)
{
    char text[256];
    struct writer why = writer_of(text, sizeof(text) - 1);

    *d = (struct dns){0};
    if (o->zone)
        d->zone = dns_zone_read(o->zone, &why);
    else
        d->resolver = new_resolver(o, config, &why);
    if (!d->zone && !d->resolver) {
        text[why.len] = 0;
        fprintf(stderr, "wirepost %s: %s%s%s\n", command, o->zone ? o->zone : "",
                o->zone ? ": " : "", text);
        return false;
    }
    d->source = d->zone ? dns_zone_source(d->zone) : dns_resolver_source(d->resolver);
    return true;
}

/* How many questions ended how: what a batch has to do with servers that fail shows here. */
static void print_counts(const struct dns *d)
{
    for (int i = 0; d->resolver && i < DNS_OUTCOMES; i++)
        if (dns_resolver_count(d->resolver, i))
            fprintf(stderr, "dns %s %" PRIu64 "\n", dns_outcome_word(i),
                    dns_resolver_count(d->resolver, i));
}

static void dns_close(struct dns *d)
{
    dns_resolver_free(d->resolver);
    dns_zone_free(d->zone);
}

/* A number from `least` to `most`, all of the text. */
static bool read_number(const char *text, double least, double most, double *number_out)
{
    char *end;

    *number_out = strtod(text, &end);
    return end != text && *end == 0 && *number_out >= least && *number_out <= most;
}

/* Opens DNS and checks; the status. */
static int run_spf(const struct cli_options *o, const struct cli_spf *told,
                   const struct config_dns *config)
{
    struct dns dns;
    int status;

    if (!dns_open(&dns, o, config, "spf"))
        return CLI_USAGE;
    status = cli_spf(told, &dns.source);
    if (told->batch)
        print_counts(&dns);
    dns_close(&dns);
    return status;
}

int cli_auth_spf(const struct cli_options *o, const struct cli_actions *actions,
                 const char *program)
{
    struct cli_spf told = {.ip = o->ip,
                           .helo = o->helo,
                           .mail_from = o->mail_from,
                           .receiver = o->receiver,
                           .json = o->json,
                           .batch = o->batch,
                           .headers = o->headers};
    double seconds = LIMIT_MS_DEFAULT / 1e3, voids = SPF_VOIDS_DEFAULT;
    struct config *config = NULL;
    int status = CLI_OK;

    if ((o->timeout && !read_number(o->timeout, 0.01, 3600, &seconds)) ||
        (o->voids && !read_number(o->voids, 0, SPF_LOOKUPS_MAX, &voids))) {
        fprintf(stderr, "wirepost spf: not a number, or out of its bounds\n");
        return CLI_USAGE;
    }
    told.limit_ns = (uint64_t)(seconds * 1e9);
    told.voids = (uint32_t)voids;
    if (o->config && !(config = cli_load(o->config, NULL, &status)))
        return status;
    if (config && !told.receiver)
        told.receiver = config->hostname;
    status = run_spf(o, &told, config ? &config->dns : NULL);
    config_free(config);
    return status;
}
