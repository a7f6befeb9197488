/* SPDX-License-Identifier: BSD-3-Clause */
#include <unistd.h>

#include "control/base/clock.h"
#include "control/directory/directory_pool.h"
#include "tests/harness/check.h"

static void serve_slowly(void *context, uint32_t thread, struct directory_question *q)
{
    usleep(20000);
    directory_answer(q, DIRECTORY_NOBODY);
}

static _Atomic uint32_t nobody, unavailable;

static void count(struct directory_question *q, enum directory_result result)
{
    nobody += result == DIRECTORY_NOBODY;
    unavailable += result == DIRECTORY_UNAVAILABLE;
}

static void a_pool_is_bounded_and_keeps_deadlines(void)
{
    struct directory_pool *pool = directory_pool_start(&(struct directory_pool_options){
        .name = "test", .threads = 1, .waiting = 2, .serve = serve_slowly});
    struct directory_question q[6] = {{0}};

    for (int i = 0; i < 6; i++) {
        q[i].done = count;
        q[i].one = true;
        q[i].deadline_ms = i == 5 ? 0 : UINT64_MAX;
        directory_pool_ask(pool, &q[i]);
        if (i == 0)
            usleep(5000); /* it is being served */
    }
    CHECK(directory_pool_counters(pool).full == 3);
    directory_pool_stop(pool);
    CHECK(nobody == 3 && unavailable == 3);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_pool_is_bounded_and_keeps_deadlines);
    return check_end();
}
