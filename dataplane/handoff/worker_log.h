/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_WORKER_LOG_H
#define DATAPLANE_HANDOFF_WORKER_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "proto/base/ip_address.h"

/*
 * What a worker has to say in the log: rows of log_message.def, through a ring that control empties
 * now and then; nobody is woken for it. Of each row at most WORKER_LOG_LINES a second are put, the
 * others are counted, and the next line of the row says how many. What finds the ring full is
 * dropped and counted.
 */
enum log_message {
#define LOG_MESSAGE(symbol, level, text) LOG_MESSAGE_##symbol,
#include "dataplane/handoff/log_message.def"
#undef LOG_MESSAGE
    LOG_MESSAGES
};

enum { WORKER_LOG_LINES = 5, WORKER_LOG_RING = 128 };

struct worker_log_line {
    uint16_t message; /* enum log_message */
    uint32_t left_out;
    struct ip_address client;
};

struct worker_log {
    _Atomic uint32_t tail; /* written by the worker, like all that follows up to `head` */
    _Atomic uint64_t dropped;
    struct {
        uint64_t second;
        uint32_t lines, left_out;
    } rows[LOG_MESSAGES];
    _Atomic uint32_t head __attribute__((aligned(64))); /* written by control */
    struct worker_log_line ring[WORKER_LOG_RING] __attribute__((aligned(64)));
};

/* By the worker. `now`: monotonic microseconds. */
void worker_log_put(struct worker_log *log, enum log_message message, uint64_t now,
                    const struct ip_address *client);
/* By one control thread. False: none is there. */
bool worker_log_take(struct worker_log *log, struct worker_log_line *line_out);

#endif
