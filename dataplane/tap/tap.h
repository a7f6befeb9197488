/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_H
#define DATAPLANE_TAP_TAP_H

#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/tap_source.h"

/*
 * Watches all that the source gives, with the settings that are published and as the handoff's
 * worker 0, which nobody else may be. The record of each message is given to the handoff before its
 * event, for the caller to collect there. From a registered RCU reader. False: no memory.
 */
bool tap_run(struct handoff *h, const struct tap_source *source);

#endif
