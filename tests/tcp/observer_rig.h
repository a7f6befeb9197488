/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TCP_OBSERVER_RIG_H
#define TESTS_TCP_OBSERVER_RIG_H

#include "dataplane/tcp/tcp.h"
#include "dataplane/tcp/tcp_observer.h"

/*
 * One observer, one flow's segments written by hand, and what it tells as text, a line a call,
 * bytes of one direction in a row joined: begin / C hello / S world / gap C 5 / event C overlap /
 * fin C / end closed C is what the client sends. Numbers are relative: 0 is the SYN, 1 the first
 * byte.
 */
enum { RIG_LOG = 1 << 16 };

struct observer_rig {
    struct tcp_observer *observer;
    struct tcp_observer_options options;
    char log[RIG_LOG];
    size_t len;
    char last; /* whose bytes the last line has, 0 for another line */
    uint64_t now_ns;
    uint32_t isn[2]; /* client's, server's */
    uint16_t window[2];
    uint8_t ttl[2];
    uint32_t ts[2];   /* sent as an option when not 0 */
    uint8_t scale[2]; /* sent with a SYN when not 0 */
    uint8_t checksum; /* of the next segments */
    bool doubtful;    /* the same */
    uint32_t cut;     /* bytes that the capture cuts off the next segments */
    bool v6;
    /* Where segments go; the observer itself unless set. The TCP checksum is left to it. */
    void (*sink)(struct observer_rig *rig, const struct observed_packet *packet);
};

/* Set options in `rig->options` between the two. */
void rig_init(struct observer_rig *rig);
void rig_start(struct observer_rig *rig);
void rig_fini(struct observer_rig *rig);
/* 'C' or 'S'; flags as in "SA"; relative numbers. */
void rig_send(struct observer_rig *rig, char from, const char *flags, uint32_t seq, uint32_t ack,
              struct span payload);
void rig_text(struct observer_rig *rig, char from, uint32_t seq, uint32_t ack, const char *text);
/* The three segments. */
void rig_open(struct observer_rig *rig);
void rig_wait(struct observer_rig *rig, uint32_t ms);
/* What was told since the last call, and forgets it. */
const char *rig_told(struct observer_rig *rig);

#endif
