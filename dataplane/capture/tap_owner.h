/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_CAPTURE_TAP_OWNER_H
#define DATAPLANE_CAPTURE_TAP_OWNER_H

#include "dataplane/capture/tap_input.h"

/*
 * Which of several workers a frame belongs to, as a hash for flow_owner_of(). It is the hash of the
 * innermost connection's addresses and ports, the same for both directions and whatever tunnel each
 * came by. Of a fragment it is the hash of the addresses alone, so that all fragments of a datagram
 * meet; once whole, the datagram belongs to its connection's owner. A plain TCP segment has the
 * hash by which a port's RSS was programmed.
 */

/* False: the frame belongs to no connection, and whoever has it keeps it. `vxlan_port` as in struct
 * tap_input_options. */
bool tap_owner_hash(const struct tap_input_frame *frame, uint16_t vxlan_port, uint32_t *hash_out);
/* Of a whole datagram; false: too short for ports. */
bool tap_owner_packet(const struct observed_packet *packet, uint32_t *hash_out);

#endif
