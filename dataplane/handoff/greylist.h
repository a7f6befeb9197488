/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_GREYLIST_H
#define DATAPLANE_HANDOFF_GREYLIST_H

#include "proto/base/ip_address.h"

/*
 * Greylisting's keys, the same for workers, the service and the store:
 *
 *     network = "n" address bits                                  18 bytes
 *     triple  = "t" address bits sender NUL recipient
 *
 * The address is masked to its bits of 128; sender and recipient are keys of addresses
 * (address_key()), the local part folded.
 */
enum { GREYLIST_NETWORK = 18, GREYLIST_KEY_MAX = 700 };

struct known_table;
struct window_table;

/* What workers have of it; part of the settings. */
struct greylist {
    uint32_t timeout_ms; /* how long the service may take; then the mail is let in */
    struct known_table *known;
};

/* Puts the key of the triple. */
void greylist_key(struct writer *w, const struct ip_address *network, uint8_t bits,
                  struct span sender, struct span recipient);
/* Its network's, from a triple. */
static inline void greylist_network(struct span triple, uint8_t key_out[GREYLIST_NETWORK])
{
    memcpy(key_out, triple.data, GREYLIST_NETWORK);
    key_out[0] = 'n';
}
/* What a key is known by in the table. */
uint64_t greylist_name(const struct window_table *names, struct span key);

#endif
