/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DNS_DNS_RESOLVER_H
#define CONTROL_DNS_DNS_RESOLVER_H

#include "control/dns/dns_source.h"

/*
 * Questions to the network, through libunbound: recursive or through forwarders, validating, with
 * a cache of its own. One thread of ours hands questions over and answers out; libunbound has
 * another one.
 */

enum { DNS_ANSWER_MAX_DEFAULT = 16384 };

struct dns_server {
    struct ip_address address;
    uint16_t port;
    const char *zone; /* of a stub */
};

/* Borrowed for the call that gets it. */
struct dns_settings {
    const struct dns_server *forwarders; /* none: recursion from the root */
    uint32_t forwarder_count;
    const struct dns_server *stubs; /* zones whose own servers are asked at these addresses */
    uint32_t stub_count;
    const char *trust_anchors; /* file of DNSKEY and DS records; NULL: nothing is validated */
    const char *hosts;         /* file as /etc/hosts; NULL: none */
    uint64_t timeout_ns;       /* of one question */
    uint32_t questions_max;    /* under way at a time; more are DNS_BUSY at once */
    uint32_t answer_max;       /* bytes of the records of an answer */
    uint64_t cache_bytes;      /* for messages and records; 0: libunbound's own default */
};

struct dns_resolver;

/* Starts the threads. NULL: `why` says what is wrong. */
struct dns_resolver *dns_resolver_new(const struct dns_settings *settings, struct writer *why);
/* Ends the threads; questions under way are answered DNS_TIMEOUT first. NULL is nothing. */
void dns_resolver_free(struct dns_resolver *r);
/* What asks it; may be used from any thread. Valid as long as the resolver is. */
struct dns_source dns_resolver_source(struct dns_resolver *r);
/* How many questions ended so. From any thread. */
uint64_t dns_resolver_count(const struct dns_resolver *r, enum dns_outcome outcome);
#endif
