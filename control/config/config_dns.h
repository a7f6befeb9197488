/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_DNS_H
#define CONTROL_CONFIG_CONFIG_DNS_H

#include "proto/base/ip_address.h"

/* `dns`: how names are asked for. Part of struct config. */

struct config_dns_server {
    uint32_t line; /* where it stands in the file */
    struct ip_address address;
    uint16_t port;
    char *zone; /* of a stub */
};

struct config_dns {
    struct config_dns_server *forwarders, *stubs;
    uint32_t forwarders_count, stubs_count;
    char *trust_anchors, *hosts; /* files; empty: none */
    int64_t timeout;
    int64_t questions, answer_size, cache;
};

#endif
