/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_NET_FAKE_TCP_H
#define TESTS_NET_FAKE_TCP_H

#include "dataplane/session/sessions.h"

/*
 * A TCP and sessions that only remember: for tests of what lies below them. What tcp_output() is to
 * return is put in by the test.
 */
enum { FAKE_SEGMENTS = 64, FAKE_QUEUE = 65536 };

struct fake_tcp {
    uint32_t received, errors, settled;
    struct tcp_packet last;        /* its spans die with the turn */
    uint16_t ports[FAKE_SEGMENTS]; /* source ports in the order they came */
    uint8_t payload[FAKE_QUEUE];   /* of the last segment, gathered */
    uint32_t payload_len;
    uint32_t mtu; /* of the last error */
    bool hard;
    struct tcp_segment out[FAKE_SEGMENTS];
    uint32_t out_count;
    struct tcp_counters counters;
    bool echo; /* answers each SYN with RST */
};

/* The fake behind a struct tcp. */
struct fake_tcp *fake_tcp(struct tcp *tcp);
/* A queue whose byte at offset i is a function of i, in runs of a prime length. */
const struct sendq *fake_queue(void);

#endif
