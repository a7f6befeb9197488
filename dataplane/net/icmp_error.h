/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_NET_ICMP_ERROR_H
#define DATAPLANE_NET_ICMP_ERROR_H

#include "dataplane/net/net_state.h"

/*
 * ICMP errors that we send (RFC 1122 section 3.2.2, RFC 4443 section 2.4): never about what came to
 * a group, about a fragment that is not the first, or about ICMP; at most NET_ERRORS a second, all
 * together. They quote as much of the packet as fits in 576 octets, or 1280 for IPv6.
 */

/*
 * The packet in `m`, parsed into `f` as far as its protocol, is for us and of a protocol that we
 * do not speak. UDP: port unreachable; others: protocol unreachable, or for IPv6 a parameter
 * problem that points at the next header field.
 */
void icmp_error_protocol(struct net *net, const struct frame *f, const struct rte_mbuf *m,
                         uint64_t now);

#endif
