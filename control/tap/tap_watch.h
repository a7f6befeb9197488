/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_WATCH_H
#define CONTROL_TAP_TAP_WATCH_H

#include "control/config/config.h"
#include "dataplane/handoff/tap_live.h"

/* `wirepost tap -c FILE`: watches live ports until it is ended. */
struct tap_watch {
    const char *program, *version;
    const char *config_path;     /* for reloads */
    const struct config *config; /* of the role tap; freed after it */
    const struct tap_live_calls *engine;
};

/* Returns an exit status: 0 when it was ended in order, 1 when it could not start. */
int tap_watch(const struct tap_watch *run);

#endif
