/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/service_team.h"

#include <time.h>

#include "tests/harness/check.h"

/* Threads that share a service: side by side, and fair to each worker. */
enum { WORKERS = 2, JOBS = 64, FLOOD = 60, THREADS = 3, PATIENCE_MS = 5000 };

struct scene {
    struct handoff *handoff;
    struct service_team team;
    _Atomic uint32_t inside, most; /* threads that serve, and the most that ever did */
    _Atomic uint32_t wanted;       /* wait until so many do; 0: not at all */
    _Atomic uint32_t served, last; /* jobs; the number of the small worker's last one */
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static enum job_status serve(void *context, struct job *job)
{
    struct scene *s = context;
    uint32_t now = atomic_fetch_add(&s->inside, 1) + 1, number;

    for (int i = 0; i < PATIENCE_MS && atomic_load(&s->most) < atomic_load(&s->wanted); i++) {
        now = atomic_load(&s->inside);
        if (now > atomic_load(&s->most))
            atomic_store(&s->most, now);
        nap();
    }
    number = atomic_fetch_add(&s->served, 1) + 1;
    if (job->worker == 1)
        atomic_store(&s->last, number);
    atomic_fetch_sub(&s->inside, 1);
    return JOB_REFUSED;
}

static void begin(struct scene *s, uint32_t threads)
{
    *s = (struct scene){.handoff = handoff_new(&(struct handoff_options){
                            .workers = WORKERS, .jobs = JOBS, .records = 1})};
    s->team = (struct service_team){.handoff = s->handoff,
                                    .service = SERVICE_CRYPTO,
                                    .name = "team",
                                    .serve = serve,
                                    .context = s,
                                    .count = threads};
}

static void ask(struct scene *s, uint32_t worker, uint32_t count)
{
    struct handoff_port *port = handoff_port_of(s->handoff, worker);

    while (count--) {
        struct job *job = job_take(port);

        job->kind = JOB_TLS_END;
        job_submit(port, job);
    }
    handoff_flush(port);
}

/* All answers have come, each with what was said. */
static bool answered(struct scene *s, uint32_t worker, uint32_t count)
{
    struct handoff_port *port = handoff_port_of(s->handoff, worker);
    struct job *jobs[JOBS];
    uint32_t n = 0;

    for (int i = 0; i < PATIENCE_MS && n < count; i++) {
        uint32_t more = job_answers(port, jobs, JOBS);

        for (uint32_t k = 0; k < more; k++) {
            CHECK(jobs[k]->status == JOB_REFUSED);
            job_give(port, jobs[k]);
        }
        n += more;
        if (!more)
            nap();
    }
    return n == count;
}

static void each_worker_has_its_turn(void)
{
    struct scene s;

    begin(&s, 1);
    /* All of it waits when the thread begins. */
    ask(&s, 0, FLOOD);
    ask(&s, 1, 2);
    CHECK(service_team_start(&s.team));
    CHECK(answered(&s, 0, FLOOD) && answered(&s, 1, 2));
    CHECK(s.served == FLOOD + 2 && s.last <= 5);
    service_team_stop(&s.team);
    handoff_free(s.handoff);
}

static void threads_work_side_by_side(void)
{
    struct scene s;

    begin(&s, THREADS);
    s.wanted = THREADS;
    CHECK(service_team_start(&s.team));
    for (int round = 0; round < 20; round++) {
        ask(&s, round % WORKERS, FLOOD);
        CHECK(answered(&s, round % WORKERS, FLOOD));
    }
    CHECK(s.most == THREADS);
    service_team_stop(&s.team);
    handoff_free(s.handoff);
}

/* What was asked before the end is answered. */
static void nothing_is_left_at_the_end(void)
{
    struct scene s;

    begin(&s, THREADS);
    CHECK(service_team_start(&s.team));
    ask(&s, 0, FLOOD);
    ask(&s, 1, FLOOD);
    service_team_stop(&s.team);
    CHECK(s.served == 2 * FLOOD);
    CHECK(answered(&s, 0, FLOOD) && answered(&s, 1, FLOOD));
    handoff_free(s.handoff);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_worker_has_its_turn);
    CHECK_CASE(threads_work_side_by_side);
    CHECK_CASE(nothing_is_left_at_the_end);
    return check_end();
}
