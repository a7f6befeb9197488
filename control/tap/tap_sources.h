/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_SOURCES_H
#define CONTROL_TAP_TAP_SOURCES_H

#include "control/tap/tap_extract.h"
#include "control/tap/tap_key_log.h"
#include "control/tap/tap_queue.h"
#include "control/tap/tap_settings.h"

/* What the workers of a live tap call: each has a queue for what it tells and digests of its own.
 * Nothing of it waits or asks the kernel for anything. */
enum { TAP_SOURCES_MAX = 64 };

struct tap_sources {
    uint32_t count;
    _Atomic bool closing;
    uint32_t pieces; /* of each worker, numbered from `pieces` times its index */
    struct tap_queue *queues[TAP_SOURCES_MAX];
    struct tap_extract_sink sinks[TAP_SOURCES_MAX];
    struct tap_extract *extracts[TAP_SOURCES_MAX];
    struct tap_sink {
        struct tap_queue *queue;
        struct tap_extract *extract;
        const _Atomic bool *closing;
        struct tap_key_log *keylog;
    } feeds[TAP_SOURCES_MAX];
    struct tap_source sources[TAP_SOURCES_MAX];
};

/* `queue`: bytes of each. The settings are borrowed, and the key log, which may be NULL. False: no
 * memory. */
bool tap_sources_init(struct tap_sources *sources, uint32_t workers, size_t queue,
                      const struct tap_settings *settings, struct tap_key_log *keylog);
/* From here on workers wait for room: they are about to end all flows at once, and no frame waits
 * for them any more. */
void tap_sources_close(struct tap_sources *sources);
void tap_sources_fini(struct tap_sources *sources);

#endif
