/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_SPF_PLAY_H
#define TESTS_PROTO_SPF_PLAY_H

#include "proto/spf/spf_check.h"

/* Checks of SPF with DNS made of a table. */

struct spf_play_row {
    const char *name;
    uint16_t type;
    const char *value; /* text, address, "10 host", name; NULL: the outcome */
    enum dns_outcome outcome;
};

/* Plays a check to its end. Questions for which there is no row do not exist. Returns how many were
 * asked. */
unsigned spf_play(struct spf_check *c, const struct spf_query *query,
                  const struct spf_play_row *rows, size_t count, spf_tell *tell, void *context);
/* The RDATA of a value. */
void spf_play_rdata(uint16_t type, struct span value, struct writer *w);

#endif
