/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/sender_dns.h"

#include <stdlib.h>

struct sender_dns *sender_dns_new(const struct config_dns *config, struct writer *why)
{
    struct dns_config asked;
    struct sender_dns *d = calloc(1, sizeof(*d));

    if (!d) {
        writer_text(why, "out of memory");
        return NULL;
    }
    dns_config_read(&asked, config);
    d->resolver = dns_resolver_new(&asked.settings, why);
    if (!d->resolver) {
        free(d);
        return NULL;
    }
    d->source = dns_resolver_source(d->resolver);
    return d;
}

void sender_dns_free(struct sender_dns *d)
{
    if (!d)
        return;
    dns_resolver_free(d->resolver);
    free(d);
}
