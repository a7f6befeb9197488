/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_dns.h"

#include <inttypes.h>
#include <stdio.h>

#include "control/dns/dns_context.h"

enum {
    QUESTION_MS = 5000,
    QUESTIONS_MAX = 64,
    SERVERS_MAX = 64, /* of a list in the configuration */
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

bool cli_dns_open(struct cli_dns *d, const struct cli_options *o, const struct config_dns *config,
                  const char *command)
{
    char text[256];
    struct writer why = writer_of(text, sizeof(text) - 1);

    *d = (struct cli_dns){0};
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

void cli_dns_counts(const struct cli_dns *d)
{
    for (int i = 0; d->resolver && i < DNS_OUTCOMES; i++)
        if (dns_resolver_count(d->resolver, i))
            fprintf(stderr, "dns %s %" PRIu64 "\n", dns_outcome_word(i),
                    dns_resolver_count(d->resolver, i));
}

void cli_dns_close(struct cli_dns *d)
{
    dns_resolver_free(d->resolver);
    dns_zone_free(d->zone);
}
