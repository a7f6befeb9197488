/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_CONFIG_H
#define CONTROL_DNS_DNS_CONFIG_H

#include "control/config/config_dns.h"
#include "control/dns/dns_resolver.h"

enum { DNS_CONFIG_SERVERS = 64 }; /* as long as the configuration's lists are */

/* The group `dns` of a configuration, as a resolver takes it. */
struct dns_config {
    struct dns_settings settings; /* borrows from below, and from the configuration */
    struct dns_server forwarders[DNS_CONFIG_SERVERS], stubs[DNS_CONFIG_SERVERS];
};

void dns_config_read(struct dns_config *d, const struct config_dns *config);
/* Whether two configurations ask in the same way. */
bool dns_config_same(const struct config_dns *a, const struct config_dns *b);

#endif
