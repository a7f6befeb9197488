/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_STREAMS_H
#define CONTROL_TAP_TAP_STREAMS_H

#include "dataplane/handoff/tap_source.h"

/*
 * The bytes of connections in files of a folder, "CONNECTION.client" and "CONNECTION.server" by the
 * id that their events have. What the capture does not have is a hole in the file: zeros.
 */
struct tap_streams;

/* `folder`: made when missing. NULL with errno. */
struct tap_streams *tap_streams_new(const char *folder);
void tap_streams_free(struct tap_streams *streams);
void tap_streams_put(struct tap_streams *streams, const struct tap_flow_facts *flow,
                     const char *direction, struct span bytes, uint64_t offset);
/* Times that something could not be written. */
uint64_t tap_streams_failed(const struct tap_streams *streams);

#endif
