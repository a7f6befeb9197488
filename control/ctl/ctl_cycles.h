/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_CYCLES_H
#define CONTROL_CTL_CTL_CYCLES_H

#include "control/ctl/ctl_server.h"

/* What `wirepost ctl cycles` tells: what each stage costs a packet, a session, a message, a byte.
 */
struct handoff;

/* Borrows the handoff. */
struct ctl_subject ctl_cycles_subject(struct handoff *handoff);
/* The same as a table, for people. */
void ctl_cycles_print(FILE *out, struct handoff *handoff);

#endif
