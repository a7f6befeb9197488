/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/worker_app.h"

static uint32_t turn(void *self, struct turn_time time)
{
    return sessions_turn(self, time);
}

static uint64_t next_timer(const void *self)
{
    return sessions_next_timer(self);
}

static uint32_t count(const void *self)
{
    return sessions_count(self);
}

struct worker_app worker_app_sessions(struct sessions *sessions)
{
    return (struct worker_app){
        .self = sessions, .turn = turn, .next_timer = next_timer, .count = count};
}
