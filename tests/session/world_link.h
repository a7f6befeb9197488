/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SESSION_WORLD_LINK_H
#define TESTS_SESSION_WORLD_LINK_H

#include "dataplane/tcp/tcp.h"

/* The cable between the two TCPs of a world: what one has to send, as packets for the other. */
enum { MTU_PAYLOAD = 1448 };

struct world_frame {
    uint8_t header[60];
    uint8_t payload[MTU_PAYLOAD + 64];
    struct tcp_packet packet;
};

/* Cuts what `from` has to send into frames; returns how many. More than `max` end the test. */
uint32_t world_link_frames(struct tcp *from, uint64_t now, struct world_frame *frames,
                           uint32_t max);

#endif
