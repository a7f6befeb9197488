/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_JUDGE_SOURCE_H
#define DATAPLANE_HANDOFF_JUDGE_SOURCE_H

#include "proto/address/address.h"
#include "proto/base/ip_address.h"

/*
 * Messages to be judged outside of any connection, with one envelope for all: what control asks of
 * session_judge(). Everything is borrowed for the call.
 */
struct judge_source {
    void *context;
    bool (*open)(void *context); /* the next message; false: no more */
    /* The next bytes of it as they would come on the wire, at most `room`; 0: its end. */
    size_t (*read)(void *context, uint8_t *bytes_out, size_t room);
    void (*close)(void *context); /* its record lies in the handoff */
    uint64_t wall_ms;
    struct ip_address client;
    struct span client_name, helo;
    uint8_t spf; /* enum spf_result + 1; 0: SPF is not asked */
    struct address sender;
    const struct address *recipients;
    uint32_t recipient_count;
};

#endif
