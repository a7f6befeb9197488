/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_spf.h"
#include "control/dns/dns_resolver.h"
#include "control/dns/dns_zone.h"

/* Who really sent it: commands that ask DNS, the network or a zone file. */

enum {
    LIMIT_MS_DEFAULT = 20000, /* RFC 7208 section 4.6.4: at least 20 seconds */
    QUESTION_MS = 5000,
    QUESTIONS_MAX = 64,
};

struct dns {
    struct dns_zone *zone;
    struct dns_resolver *resolver;
    struct dns_source source;
};

/* False, and told on standard error, when it cannot be. */
static bool dns_open(struct dns *d, const struct cli_options *o, const char *command)
{
    char text[256];
    struct writer why = writer_of(text, sizeof(text) - 1);
    struct dns_settings settings = {.forwarders = &o->dns,
                                    .forwarder_count = o->dns != NULL,
                                    .trust_anchors = o->trust_anchors,
                                    .timeout_ns = QUESTION_MS * 1000000ull,
                                    .questions_max = QUESTIONS_MAX,
                                    .answer_max = DNS_ANSWER_MAX_DEFAULT};

    *d = (struct dns){0};
    if (o->zone)
        d->zone = dns_zone_read(o->zone, &why);
    else
        d->resolver = dns_resolver_new(&settings, &why);
    if (!d->zone && !d->resolver) {
        text[why.len] = 0;
        fprintf(stderr, "wirepost %s: %s%s%s\n", command, o->zone ? o->zone : "",
                o->zone ? ": " : "", text);
        return false;
    }
    d->source = d->zone ? dns_zone_source(d->zone) : dns_resolver_source(d->resolver);
    return true;
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

int cli_auth_spf(const struct cli_options *o, const struct cli_actions *actions,
                 const char *program)
{
    struct cli_spf told = {.ip = o->ip,
                           .helo = o->helo,
                           .mail_from = o->mail_from,
                           .receiver = o->receiver,
                           .json = o->json,
                           .batch = o->batch};
    double seconds = LIMIT_MS_DEFAULT / 1e3, voids = SPF_VOIDS_DEFAULT;
    struct dns dns;
    int status;

    if ((o->timeout && !read_number(o->timeout, 0.01, 3600, &seconds)) ||
        (o->voids && !read_number(o->voids, 0, SPF_LOOKUPS_MAX, &voids))) {
        fprintf(stderr, "wirepost spf: not a number, or out of its bounds\n");
        return CLI_USAGE;
    }
    told.limit_ns = (uint64_t)(seconds * 1e9);
    told.voids = (uint32_t)voids;
    if (!dns_open(&dns, o, "spf"))
        return CLI_USAGE;
    status = cli_spf(&told, &dns.source);
    dns_close(&dns);
    return status;
}
