/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CAPTURE_IP_FRAGMENTS_H
#define DATAPLANE_CAPTURE_IP_FRAGMENTS_H

#include "dataplane/tcp/overlap.h"
#include "proto/base/ip_address.h"

/*
 * Datagrams put together from fragments (RFC 791 section 3.2, RFC 8200 section 4.5), by the policy
 * of the host that they go to. Under "linux" an overlap drops the datagram, as RFC 5722 has it for
 * IPv6, but for what repeats bytes that are there already; the kernel does so for IPv4 too.
 * Where the bytes are the same the datagram is given out as doubtful: it is known what it says, not
 * whether its receiver took it. Bounded in datagrams, memory and time; when there is no room the
 * oldest go.
 */
struct ip_fragments;

enum ip_fragments_status {
    IP_FRAGMENTS_HELD,
    IP_FRAGMENTS_WHOLE,
    IP_FRAGMENTS_BAD,     /* malformed, or it contradicts the others */
    IP_FRAGMENTS_OVERLAP, /* the datagram is dropped for it */
    IP_FRAGMENTS_LIMIT,   /* no room */
};

struct ip_fragment {
    struct ip_address source, destination;
    uint32_t identification;
    uint32_t domain;
    uint8_t protocol; /* names the datagram in IPv4; in IPv6 the first fragment's counts */
    uint8_t hop_limit;
    bool v4;
    bool more;
    uint16_t offset;   /* bytes */
    struct span bytes; /* all of it; borrowed */
    uint64_t time_ns;
};

/* What is told of fragments that differ where they overlap. */
struct ip_fragments_differ {
    const struct ip_fragment *fragment; /* the later one */
    uint32_t offset, len;
    bool dropped; /* and the datagram with them */
};

struct ip_fragments_options {
    enum overlap_policy policy;
    uint32_t datagrams;
    uint32_t memory; /* bytes */
    uint32_t ms;
    uint8_t secret[16];
    void (*differ)(void *context, const struct ip_fragments_differ *differ); /* may be NULL */
    void *context;
};

struct ip_datagram {
    struct span bytes; /* borrowed until the next call */
    uint8_t protocol;
    uint8_t hop_limit; /* of the first fragment */
    bool doubtful;     /* the policy drops it for an overlap, in which nothing differs */
};

struct ip_fragments *ip_fragments_new(const struct ip_fragments_options *options);
void ip_fragments_free(struct ip_fragments *fragments);
enum ip_fragments_status ip_fragments_add(struct ip_fragments *fragments,
                                          const struct ip_fragment *fragment,
                                          struct ip_datagram *datagram_out);
/* Fragments of datagrams that did not become whole in time, or for which there was no room. */
uint64_t ip_fragments_expired(const struct ip_fragments *fragments);
uint64_t ip_fragments_evicted(const struct ip_fragments *fragments);
uint64_t ip_fragments_held(const struct ip_fragments *fragments);

#endif
