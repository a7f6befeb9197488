/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_SCENARIO_H
#define TESTS_SIM_SIM_SCENARIO_H

#include "tests/sim/sim_link.h"

/*
 * What a run is made of. A scenario gives some of it, chance the rest; all that is 0 in a named one
 * is absent or has a plain value. Rates are of a million, times microseconds, sizes bytes.
 */
struct sim_scenario {
    const char *name, *about;
    uint32_t workers; /* 0: one to three */
    uint32_t messages, size_most;
    bool v6;
    uint64_t delay; /* one way; 0: 10 ms */
    uint64_t rate;  /* bits a second */
    uint32_t queue; /* bytes */
    uint32_t loss;
    uint32_t burst_bad, burst_good, burst_loss; /* into bad, out of it, loss while in it */
    uint32_t duplicate, reorder;
    uint64_t spread; /* of what is reordered or comes again */
    uint32_t corrupt;
    uint32_t mtu;
    bool mtu_tell;
    uint64_t window_period, window_shut;
    uint32_t strip; /* option kinds, a bit each */
    bool rewrite;
    uint64_t deaf, control; /* how late clients read, and control answers, at most */
    uint32_t window;        /* receive windows; 0: 256 KiB */
    uint32_t mss;           /* that the client announces; 0: 1460 */
    uint32_t chunks;        /* the engine's, in percent of plenty; 0: 100 */
    bool offloads;          /* the engine's port sums, cuts and joins */
};

enum { SIM_OPTION_SCALE = 1 << 3, SIM_OPTION_SACK = 1 << 4, SIM_OPTION_TIMESTAMPS = 1 << 8 };

/* The row of this name, or NULL. */
const struct sim_scenario *sim_scenario_find(const char *name);
/* The n-th row, NULL behind the last. */
const struct sim_scenario *sim_scenario_at(uint32_t n);
/* Draws one: most things at times, everything some time. */
void sim_scenario_draw(struct sim_scenario *s, struct sim_random *random);
/* The chain of elements that it asks for. */
void sim_scenario_link(const struct sim_scenario *s, struct sim_link *link,
                       struct sim_random *random);
void sim_scenario_print(const struct sim_scenario *s);

#endif
