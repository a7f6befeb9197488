/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_SIM_SIM_MESSAGE_H
#define TESTS_SIM_SIM_MESSAGE_H

#include "proto/base/span.h"
#include "tests/sim/sim_random.h"

/* A message of known bytes: lines of all lengths, some beginning with a dot. */
struct sim_message {
    uint8_t *bytes, *wire; /* as it is; with dots doubled and the final one */
    uint32_t len, wire_len;
    bool sent; /* 250 was read */
};

/* About `len` bytes, whose header names `index`. */
void sim_message_init(struct sim_message *m, struct sim_random *random, uint32_t index,
                      uint32_t len);
void sim_message_fini(struct sim_message *m);
/* Doubles the dots that begin lines and adds the end of a multi-line answer. Returns malloc'ed
 * bytes. */
uint8_t *sim_message_stuff(struct span bytes, uint32_t *len_out);

#endif
