/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/worker_log.h"

#include "proto/base/tally.h"

void worker_log_put(struct worker_log *log, enum log_message message, uint64_t now,
                    const struct ip_address *client)
{
    uint32_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
    uint64_t second = now / 1000000;

    if (log->rows[message].second != second) {
        log->rows[message].second = second;
        log->rows[message].lines = 0;
    }
    if (log->rows[message].lines == WORKER_LOG_LINES) {
        log->rows[message].left_out++;
        return;
    }
    if (tail - atomic_load_explicit(&log->head, memory_order_acquire) == WORKER_LOG_RING) {
        tally_add(&log->dropped, 1);
        return;
    }
    log->ring[tail % WORKER_LOG_RING] = (struct worker_log_line){
        .message = (uint16_t)message, .left_out = log->rows[message].left_out, .client = *client};
    log->rows[message].lines++;
    log->rows[message].left_out = 0;
    atomic_store_explicit(&log->tail, tail + 1, memory_order_release);
}

bool worker_log_take(struct worker_log *log, struct worker_log_line *line_out)
{
    uint32_t head = atomic_load_explicit(&log->head, memory_order_relaxed);

    if (head == atomic_load_explicit(&log->tail, memory_order_acquire))
        return false;
    *line_out = log->ring[head % WORKER_LOG_RING];
    atomic_store_explicit(&log->head, head + 1, memory_order_release);
    return true;
}
