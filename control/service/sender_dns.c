/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/sender_dns.h"

#include <stdlib.h>
#include <string.h>

enum { SERVERS_MAX = 64 }; /* as the configuration's lists have them */

static void copy_servers(const struct config_dns_server *from, uint32_t count,
                         struct dns_server *to)
{
    for (uint32_t i = 0; i < count && i < SERVERS_MAX; i++)
        to[i] = (struct dns_server){
            .address = from[i].address, .port = from[i].port, .zone = from[i].zone};
}

static const char *file_of(const char *path)
{
    return path[0] ? path : NULL;
}

struct sender_dns *sender_dns_new(const struct config_dns *config, struct writer *why)
{
    struct dns_server forwarders[SERVERS_MAX], stubs[SERVERS_MAX];
    struct sender_dns *d = calloc(1, sizeof(*d));

    if (!d) {
        writer_text(why, "out of memory");
        return NULL;
    }
    copy_servers(config->forwarders, config->forwarders_count, forwarders);
    copy_servers(config->stubs, config->stubs_count, stubs);
    d->resolver = dns_resolver_new(
        &(struct dns_settings){.forwarders = forwarders,
                               .forwarder_count = config->forwarders_count,
                               .stubs = stubs,
                               .stub_count = config->stubs_count,
                               .trust_anchors = file_of(config->trust_anchors),
                               .hosts = file_of(config->hosts),
                               .timeout_ns = (uint64_t)config->timeout * 1000,
                               .questions_max = (uint32_t)config->questions,
                               .answer_max = (uint32_t)config->answer_size,
                               .cache_bytes = (uint64_t)config->cache},
        why);
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

static bool same_servers(const struct config_dns_server *a, uint32_t count,
                         const struct config_dns_server *b, uint32_t other)
{
    if (count != other)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&a[i].address, &b[i].address, sizeof(a[i].address)) != 0 ||
            a[i].port != b[i].port || !a[i].zone != !b[i].zone ||
            (a[i].zone && strcmp(a[i].zone, b[i].zone) != 0))
            return false;
    return true;
}

bool sender_dns_same(const struct config_dns *a, const struct config_dns *b)
{
    return same_servers(a->forwarders, a->forwarders_count, b->forwarders, b->forwarders_count) &&
           same_servers(a->stubs, a->stubs_count, b->stubs, b->stubs_count) &&
           strcmp(a->trust_anchors, b->trust_anchors) == 0 && strcmp(a->hosts, b->hosts) == 0 &&
           a->timeout == b->timeout && a->questions == b->questions &&
           a->answer_size == b->answer_size && a->cache == b->cache;
}
