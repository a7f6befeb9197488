/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_PORT_H
#define DATAPLANE_TCP_TCP_PORT_H

#include "dataplane/tcp/tcp_flow.h"

/*
 * Local ports of connections that we open, by the double hash of RFC 6056 section 3.3.4: to each
 * destination they count up from a place that only the secret knows, and what is opened to one
 * tells little about another. Only ports for which the flow belongs to this worker (flow_owner.h)
 * are used, or the replies would go to another one.
 */
enum { TCP_PORT_COUNTERS = 64, TCP_PORT_TRIES = 2048, TCP_PORT_FIRST = 10240 };

struct tcp;

struct tcp_ports {
    uint16_t counters[TCP_PORT_COUNTERS];
};

/* Fills in key->local_port. False: none of TCP_PORT_TRIES was free and ours. */
bool tcp_port_choose(struct tcp *tcp, struct tcp_flow_key *key);

#endif
