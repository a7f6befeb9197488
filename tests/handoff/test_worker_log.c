/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/worker_log.h"
#include "tests/harness/check.h"

static struct ip_address client = {.bytes = {1, 2, 3}};

static void rows_have_limits_of_their_own(void)
{
    static struct worker_log log;
    struct worker_log_line line;

    for (int i = 0; i < 100; i++)
        worker_log_put(&log, LOG_MESSAGE_sessions_full, 1999999, &client);
    worker_log_put(&log, LOG_MESSAGE_records_short, 1999999, &client);
    for (int i = 0; i < WORKER_LOG_LINES; i++)
        CHECK(worker_log_take(&log, &line) && line.message == LOG_MESSAGE_sessions_full &&
              line.left_out == 0);
    CHECK(worker_log_take(&log, &line) && line.message == LOG_MESSAGE_records_short);
    CHECK(memcmp(&line.client, &client, sizeof(client)) == 0);
    CHECK(!worker_log_take(&log, &line));
    /* The next second says what was left out, once. */
    worker_log_put(&log, LOG_MESSAGE_sessions_full, 2000000, &client);
    worker_log_put(&log, LOG_MESSAGE_sessions_full, 2000001, &client);
    CHECK(worker_log_take(&log, &line) && line.left_out == 100 - WORKER_LOG_LINES);
    CHECK(worker_log_take(&log, &line) && line.left_out == 0);
}

static void full_ring_drops_and_counts(void)
{
    static struct worker_log log;
    struct worker_log_line line;
    uint32_t n = 0;

    for (uint64_t second = 1; second <= 100; second++)
        for (int i = 0; i < WORKER_LOG_LINES; i++)
            worker_log_put(&log, LOG_MESSAGE_unanswered, second * 1000000, &client);
    CHECK(atomic_load(&log.dropped) == 100 * WORKER_LOG_LINES - WORKER_LOG_RING);
    while (worker_log_take(&log, &line))
        n++;
    CHECK(n == WORKER_LOG_RING);
    worker_log_put(&log, LOG_MESSAGE_unanswered, 1000000000, &client);
    CHECK(worker_log_take(&log, &line));
}

int main(void)
{
    check_begin();
    CHECK_CASE(rows_have_limits_of_their_own);
    CHECK_CASE(full_ring_drops_and_counts);
    return check_end();
}
