/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/watchdog.h"

bool watchdog_look(struct watchdog *dog, uint32_t worker, uint64_t last_turn, uint64_t now)
{
    bool stalled;

    if (!dog->began)
        dog->began = now;
    if (!last_turn)
        last_turn = dog->began;
    /* A worker's clock may be read after the watcher's. */
    stalled = now > last_turn && now - last_turn > WATCHDOG_PATIENCE_US;
    dog->stalls += stalled && !dog->stalled[worker];
    dog->stalled[worker] = stalled;
    return stalled;
}
