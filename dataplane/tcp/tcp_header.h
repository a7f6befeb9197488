/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_HEADER_H
#define DATAPLANE_TCP_TCP_HEADER_H

#include "dataplane/tcp/tcp_option.h"

enum { TCP_HEADER_MIN = 20 };

/* The header of a segment (RFC 9293 section 3.1). The urgent pointer and the checksum are left to
 * others. */
struct tcp_header {
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint16_t window; /* as it stands there, not scaled */
    uint8_t flags;   /* enum tcp_flag */
    uint8_t len;     /* with its options */
    struct tcp_option option;
};

/*
 * `bytes` begins with the header. False: it is shorter than it says, or says less than 20. A bad
 * option ends the list of options; what was read before it holds (RFC 9293 MUST-7: no error may
 * follow).
 */
bool tcp_header_parse(struct span bytes, struct tcp_header *header_out);

#endif
