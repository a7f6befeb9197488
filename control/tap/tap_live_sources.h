/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_LIVE_SOURCES_H
#define CONTROL_TAP_TAP_LIVE_SOURCES_H

#include "control/tap/tap_extract.h"
#include "control/tap/tap_queue.h"
#include "control/tap/tap_settings.h"

/* What the workers of a live tap call: each has a queue for what it tells and digests of its own.
 * Nothing of it waits or asks the kernel for anything. */
enum { TAP_LIVE_WORKERS = 64 };

struct tap_live_sources {
    uint32_t count;
    uint32_t pieces; /* of each worker, numbered from `pieces` times its index */
    struct tap_queue *queues[TAP_LIVE_WORKERS];
    struct tap_extract_sink sinks[TAP_LIVE_WORKERS];
    struct tap_extract *extracts[TAP_LIVE_WORKERS];
    struct tap_live_feed {
        struct tap_queue *queue;
        struct tap_extract *extract;
    } feeds[TAP_LIVE_WORKERS];
    struct tap_source sources[TAP_LIVE_WORKERS];
};

/* `queue`: bytes of each. The settings are borrowed. False: no memory. */
bool tap_live_sources_init(struct tap_live_sources *sources, uint32_t workers, size_t queue,
                           const struct tap_settings *settings);
void tap_live_sources_fini(struct tap_live_sources *sources);

#endif
