/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_RUN_H
#define TESTS_SIM_SIM_RUN_H

#include "tests/sim/sim_scenario.h"

/* One run: what it found wrong, and figures to print. */
struct sim_result {
    uint32_t faults;
    char first[200]; /* the first of them, with the virtual time */
    uint64_t virtual_us, packets, steps, looked;
    uint64_t retransmitted, dropped, changed;
};

/*
 * Plays `scenario` (NULL: one drawn from the seed) to its end. `verbose` prints each packet and
 * what the run is made of.
 */
void sim_run(const struct sim_scenario *scenario, uint64_t seed, bool verbose,
             struct sim_result *result_out);

#endif
