/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_PORT_PACKET_H
#define DATAPLANE_PORT_PORT_PACKET_H

#include <stdint.h>

/*
 * What the kernel dropped because a ring of af_packet was full: the driver has the count within
 * reach (PACKET_STATISTICS, packet(7)) and does not ask for it.
 */
struct port_packet;

/* Looks for this process's packet sockets on the interface, which are the driver's. NULL: none, or
 * no memory. To be called while descriptors can be listed. */
struct port_packet *port_packet_new(uint32_t interface);
void port_packet_free(struct port_packet *packet);
/* Frames dropped since the start. Any thread; a system call a socket. NULL is 0. */
uint64_t port_packet_drops(struct port_packet *packet);

/*
 * Makes an interface take in what is for others for as long as the socket that is returned stays
 * open, and no longer, however the process ends (PACKET_MR_PROMISC, packet(7)). -1 with errno.
 */
int port_packet_promiscuous(uint32_t interface);

#endif
