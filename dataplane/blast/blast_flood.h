/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_FLOOD_H
#define DATAPLANE_BLAST_BLAST_FLOOD_H

#include "dataplane/blast/blast_client.h"
#include "proto/base/chance.h"

/*
 * SYNs from addresses of a network that are nobody's, to the order's target, never completed: so
 * many a second while the load lasts. Everything but the source port, the sequence number and the
 * address within its network is alike.
 */
struct blast_flood {
    const struct blast_shared *shared;
    uint32_t worker;
    struct chance chance;
    uint64_t sent;
};

struct blast_flood blast_flood_of(const struct blast_shared *shared, uint32_t worker);
/* Those that are due, up to `max`. */
uint32_t blast_flood_make(struct blast_flood *flood, uint64_t now, struct tcp_segment *segments_out,
                          uint32_t max);
/* When the next one is due; UINT64_MAX: never. */
uint64_t blast_flood_next(const struct blast_flood *flood);

#endif
