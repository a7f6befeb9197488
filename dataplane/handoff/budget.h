/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_BUDGET_H
#define DATAPLANE_HANDOFF_BUDGET_H

/*
 * What things may cost in memory, all in one place: a million idle connections are paid with these.
 * Each is asserted where the struct is defined. An idle connection costs the first three and no
 * chunk: buffers come when a command or a message begins.
 */
enum {
    BUDGET_FLOW_ENTRY = 32,  /* bytes: struct tcp_flow */
    BUDGET_CONNECTION = 256, /* struct tcp_conn: four cache lines, by who writes them */
    BUDGET_SESSION = 256,    /* struct session, the protocol machine included */
    BUDGET_HALF_OPEN = 64,   /* struct tcp_half: a handshake that a peer began */
    BUDGET_JOB = 192,        /* struct job: three cache lines, fixed number a worker */
    BUDGET_TRANSACTION =
        49152, /* struct transaction: of the chunk it lies in; the rest holds prefixes and texts */
};

#endif
