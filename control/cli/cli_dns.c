/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_dns.h"

#include <inttypes.h>
#include <stdio.h>

#include "control/dns/dns_config.h"
#include "control/dns/dns_context.h"

enum {
    QUESTION_MS = 5000,
    QUESTIONS_MAX = 64,
};

/* By the configuration, where one is named; the command line counts more. */
static struct dns_resolver *new_resolver(const struct cli_options *o, const struct config_dns *c,
                                         struct writer *why)
{
    struct dns_config asked = {.settings = {.forwarders = asked.forwarders,
                                            .timeout_ns = QUESTION_MS * 1000000ull,
                                            .questions_max = QUESTIONS_MAX,
                                            .answer_max = DNS_ANSWER_MAX_DEFAULT}};

    if (c)
        dns_config_read(&asked, c);
    if (o->dns) {
        if (!dns_context_server(o->dns, &asked.forwarders[0])) {
            writer_printf(why, "no address of a server: %s", o->dns);
            return NULL;
        }
        asked.settings.forwarder_count = 1;
        asked.settings.stub_count = 0;
    }
    if (o->trust_anchors)
        asked.settings.trust_anchors = o->trust_anchors;
    return dns_resolver_new(&asked.settings, why);
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
