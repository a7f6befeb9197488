/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SENDER_DNS_H
#define CONTROL_SERVICE_SENDER_DNS_H

#include "control/dns/dns_config.h"

/*
 * A resolver, and how many use it: one that a reload replaces goes on until the last of its
 * questions is answered.
 */
struct sender_dns {
    struct sender_dns *next; /* for the holder's list */
    struct dns_resolver *resolver;
    struct dns_source source;
    uint32_t users; /* guarded by the holder */
};

/* NULL: `why` says what is wrong. */
struct sender_dns *sender_dns_new(const struct config_dns *config, struct writer *why);
/* Nobody uses it any more. NULL is nothing. Not from a thread of the resolver's. */
void sender_dns_free(struct sender_dns *d);
#endif
