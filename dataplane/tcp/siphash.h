/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_SIPHASH_H
#define DATAPLANE_TCP_SIPHASH_H

#include "proto/base/span.h"

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that a peer who does not know the key can neither
 * predict nor collide. It keys the flow table, the initial sequence numbers (RFC 6528) and the timestamp offsets.
 */
uint64_t siphash(const uint8_t key[16], struct span bytes);

#endif
