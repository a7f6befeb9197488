/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_COST_COST_CLIENT_H
#define TESTS_COST_COST_CLIENT_H

#include "tests/sim/sim_host.h"

/*
 * Mail clients that do always the same: each connection says its lines one after the other, the
 * next when what the last asked for was answered.
 */
enum { COST_TALKS = 64 };

/* One thing to say: `text`, once `answers` replies have come. */
struct cost_line {
    struct span text;
    uint32_t answers;
    bool many; /* what answers this ends with a line of a single dot */
};

/* What a connection says, from the banner on; then it closes. Borrowed. */
struct cost_script {
    const struct cost_line *lines;
    uint32_t count;
    uint16_t port;
};

struct cost_talk {
    struct tcp_conn *conn;
    const struct cost_script *script;
    uint32_t at, answers, line_len;
    uint8_t line[4]; /* its first bytes */
    uint8_t last;    /* byte read */
};

struct cost_client {
    struct sim_host host;
    struct cost_talk talks[COST_TALKS];
    uint32_t talk_count;                              /* at a time */
    const struct cost_script *scripts;                /* of the connections, in turn */
    uint32_t script_count, begun, ended, connections; /* connections in all */
    uint64_t now, refused;                            /* replies that were not what is expected */
    uint16_t source;
};

void cost_client_init(struct cost_client *c, const struct sim_host_options *host);
/* One turn at this time. Returns how much moved. */
uint32_t cost_client_turn(struct cost_client *c, uint64_t now);

#endif
