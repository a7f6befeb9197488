/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_LIMITS_H
#define DATAPLANE_HANDOFF_LIMITS_H

#include "proto/base/ip_address.h"

/* How much one client, one network and one sender may have and do. Part of the settings. */
struct ban_table;
struct gauge_table;
struct window_table;

/* Whose: */
enum limit_scope {
    LIMIT_ADDRESS, /* the client's address */
    LIMIT_NETWORK, /* the configured network that it lies in, else the one of `prefix` bits */
    LIMIT_SENDER,  /* the address of MAIL; the null sender is not counted */
    LIMIT_SENDER_DOMAIN,
    LIMIT_ACCOUNT, /* that has logged in, whatever client it comes by */
    LIMIT_SCOPES,
};

/* Of what: */
enum limit_kind {
    LIMIT_SESSIONS,   /* at a time */
    LIMIT_CONNECTS,   /* all that follow: within the window */
    LIMIT_ERRORS,     /* commands refused with 5xx, wrong passwords */
    LIMIT_MESSAGES,   /* MAIL accepted */
    LIMIT_RECIPIENTS, /* RCPT accepted */
    LIMIT_BYTES,      /* of messages, accepted or not, in units of LIMIT_BYTES_UNIT */
    LIMIT_KINDS,
};

/* A message counts in whole units. */
enum { LIMIT_NETWORKS = 128, LIMIT_BYTES_UNIT = 4096 };

struct limit_network {
    struct ip_address address;
    uint8_t bits; /* of 128; an IPv4 prefix and 96 */
    bool trusted; /* no limit, no test of a stranger holds for it */
    uint32_t limit[LIMIT_KINDS];
};

struct limits {
    uint32_t window_ms;
    uint8_t prefix_v4, prefix_v6;              /* of 32 and 128 */
    uint32_t limit[LIMIT_SCOPES][LIMIT_KINDS]; /* 0: none */
    uint32_t network_count;
    struct limit_network networks[LIMIT_NETWORKS];
    struct gauge_table *gauges; /* both shared by all workers and all settings */
    struct window_table *windows;
    const struct ban_table *bans; /* the same */
    bool ban_reset;               /* who is banned is told nothing */
};

/* The configured network that the address lies in, the smallest of them; NULL: none. */
const struct limit_network *limits_network(const struct limits *limits, const struct ip_address *a);
/* The address without the bits behind the first `bits` of 128. */
struct ip_address limits_masked(const struct ip_address *a, uint8_t bits);
/* The bits of the network that the address is counted with, of 128. */
uint8_t limits_bits(const struct limits *limits, const struct ip_address *a);

#endif
