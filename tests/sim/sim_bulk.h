/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_BULK_H
#define TESTS_SIM_SIM_BULK_H

#include <stdbool.h>
#include <stdint.h>

/* The link that throughput is measured over; the same for two hosts here and for two TAPs. */
struct sim_bulk_link {
    uint64_t rate;  /* bits a second, of whole frames */
    uint32_t queue; /* bytes */
    uint64_t delay; /* one way, microseconds */
    uint32_t loss;  /* of a million packets, in both directions */
};

/*
 * One connection between two hosts on a virtual clock: payload bytes a second that the receiver
 * read, from `skip` to `skip` + `seconds` after the start. 0 when a byte was wrong.
 */
double sim_bulk(const struct sim_bulk_link *link, uint64_t seed, uint32_t skip, uint32_t seconds);

struct sim_link;
/* The link's elements. */
void sim_bulk_elements(const struct sim_bulk_link *bulk, struct sim_link *link);

/*
 * Makes two TAP devices of these names and moves frames between them over the link, by the real
 * clock, until the standard input ends; then prints how late it was at most. Says "ready" when the
 * devices are there. False: they cannot be made.
 */
bool sim_taps(const struct sim_bulk_link *link, uint64_t seed, const char *one, const char *other);

#endif
