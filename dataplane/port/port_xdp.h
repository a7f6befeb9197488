/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_PORT_PORT_XDP_H
#define DATAPLANE_PORT_PORT_XDP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes the XDP program that AF_XDP sockets bring with them off the interface: at the end, and before a start,
 * where a process that was killed has left it. A program that is not such a one stays, and false is returned.
 */
bool port_xdp_detach(uint32_t interface);

#endif
