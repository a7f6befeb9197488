/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_OPTION_H
#define DATAPLANE_TCP_TCP_OPTION_H

#include "proto/base/writer.h"

/* The options of one segment (RFC 9293 section 3.1, RFC 7323, RFC 2018). */
enum tcp_option_bit {
    TCP_OPTION_MSS = 1,
    TCP_OPTION_SCALE = 2,
    TCP_OPTION_TIMESTAMPS = 4,
    TCP_OPTION_SACK_PERMITTED = 8,
    TCP_OPTION_SACK = 16,
    TCP_OPTION_USER_TIMEOUT = 32, /* RFC 5482 */
};

enum { TCP_SACK_BLOCKS = 4, TCP_OPTION_USER_TIMEOUT_LEN = 4 };

/* Bytes that arrived: [start, end). */
struct tcp_sack_block {
    uint32_t start, end;
};

struct tcp_option {
    uint32_t present; /* enum tcp_option_bit */
    uint32_t ts_value, ts_echo;
    uint32_t user_timeout; /* milliseconds; 0 means nothing */
    uint16_t mss;
    uint8_t scale; /* at most 14 (RFC 7323 section 2.3) */
    uint8_t sack_count;
    struct tcp_sack_block sack[TCP_SACK_BLOCKS]; /* as they came, unchecked */
};

/*
 * Reads the options behind the fixed header. An option of a wrong length, or one that runs over the
 * end, ends the reading: false; what came before stands. Unknown kinds are skipped. Bound: one pass
 * over at most 40 bytes.
 */
bool tcp_option_parse(struct span bytes, struct tcp_option *option_out);
/* Writes what is present, padded to a multiple of 4; at most 40 bytes: 3 SACK blocks beside a
 * timestamp, 4 without one, none beside the options of a SYN. */
void tcp_option_put(struct writer *w, const struct tcp_option *option);

#endif
