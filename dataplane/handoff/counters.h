/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_COUNTERS_H
#define DATAPLANE_HANDOFF_COUNTERS_H

#include <stdint.h>

/* One worker's counts. Written by the worker only, read without a lock by whoever prints them. */
struct counters {
#define COUNTER(name, text) uint64_t name;
#include "dataplane/handoff/counter.def"
#undef COUNTER
    uint64_t smtp_reply[256]; /* by enum smtp_reply_id */
    uint64_t pop3_reply[64];  /* by enum pop3_reply_id */
    uint64_t imap_reply[64];  /* by enum imap_reply_id */
};

#endif
