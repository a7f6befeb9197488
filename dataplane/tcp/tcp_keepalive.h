/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_KEEPALIVE_H
#define DATAPLANE_TCP_TCP_KEEPALIVE_H

#include "dataplane/tcp/tcp_conn.h"

/*
 * Keep-alive (RFC 9293 section 3.8.4): when nothing was heard for a while and nothing is under way,
 * an old sequence number asks whether the peer is still there. Off unless asked for.
 */
enum {
    TCP_KEEPALIVE_IDLE_MS = 7200000, /* MUST-28: not less than two hours by default */
    TCP_KEEPALIVE_INTERVAL_MS = 75000,
    TCP_KEEPALIVE_PROBES = 9, /* MUST-29: one lost probe means nothing */
};

/* Starts the timer of a connection with nothing under way and no other timer. */
void tcp_keepalive_arm(struct tcp *tcp, struct tcp_conn *conn);
/* TCP_TIMER_KEEPALIVE. True: nobody is there, the connection is to be given up. */
bool tcp_keepalive_due(struct tcp *tcp, struct tcp_conn *conn);

#endif
