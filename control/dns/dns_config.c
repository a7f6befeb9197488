/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_config.h"

#include <string.h>

static uint32_t copy_servers(const struct config_dns_server *from, uint32_t count,
                             struct dns_server *to)
{
    uint32_t n = count < DNS_CONFIG_SERVERS ? count : DNS_CONFIG_SERVERS;

    for (uint32_t i = 0; i < n; i++)
        to[i] = (struct dns_server){
            .address = from[i].address, .port = from[i].port, .zone = from[i].zone};
    return n;
}

static const char *file_of(const char *path)
{
    return path[0] ? path : NULL;
}

void dns_config_read(struct dns_config *d, const struct config_dns *config)
{
    d->settings = (struct dns_settings){
        .forwarders = d->forwarders,
        .forwarder_count =
            copy_servers(config->forwarders, config->forwarders_count, d->forwarders),
        .stubs = d->stubs,
        .stub_count = copy_servers(config->stubs, config->stubs_count, d->stubs),
        .trust_anchors = file_of(config->trust_anchors),
        .hosts = file_of(config->hosts),
        .timeout_ns = (uint64_t)config->timeout * 1000,
        .questions_max = (uint32_t)config->questions,
        .answer_max = (uint32_t)config->answer_size,
        .cache_bytes = (uint64_t)config->cache};
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_servers(const struct config_dns_server *a, uint32_t count,
                         const struct config_dns_server *b, uint32_t other)
{
    if (count != other)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&a[i].address, &b[i].address, sizeof(a[i].address)) != 0 ||
            a[i].port != b[i].port || !same_text(a[i].zone, b[i].zone))
            return false;
    return true;
}

bool dns_config_same(const struct config_dns *a, const struct config_dns *b)
{
    return same_servers(a->forwarders, a->forwarders_count, b->forwarders, b->forwarders_count) &&
           same_servers(a->stubs, a->stubs_count, b->stubs, b->stubs_count) &&
           same_text(a->trust_anchors, b->trust_anchors) && same_text(a->hosts, b->hosts) &&
           a->timeout == b->timeout && a->questions == b->questions &&
           a->answer_size == b->answer_size && a->cache == b->cache;
}
