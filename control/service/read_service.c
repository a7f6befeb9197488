/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/read_service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "control/service/store_service.h"

enum { TAKE_MAX = 64, SLEEP_MS = 1000 };

struct read_service {
    struct handoff *handoff;
    struct store *store;
    pthread_t thread;
    _Atomic bool stop;
    struct job *taken[TAKE_MAX];
};

static enum store_status serve(struct store *store, struct job *job)
{
    switch (job->kind) {
    case JOB_MAILBOX_OPEN:
        return store_view_open(store, job->mailbox_open.account, &job->mailbox_open.view_out);
    case JOB_MAILBOX_READ:
        return store_view_read(store, job->mailbox_read.view, job->mailbox_read.index,
                               job->mailbox_read.offset, &job->mailbox_read.bytes_out,
                               &job->mailbox_read.pin_out);
    case JOB_MAILBOX_UNPIN:
        store_unpin(store, job->mailbox_unpin.pins, job->mailbox_unpin.count);
        return STORE_OK;
    case JOB_MAILBOX_CLOSE:
        store_view_close(store, job->mailbox_close.view);
        return STORE_OK;
    default:
        return STORE_FAILED;
    }
}

/* Pins and views come back also from sessions that have gone. */
static bool may_skip(const struct job *job)
{
    return atomic_load_explicit(&job->cancelled, memory_order_relaxed) &&
           (job->kind == JOB_MAILBOX_OPEN || job->kind == JOB_MAILBOX_READ);
}

static void *run(void *arg)
{
    struct read_service *s = arg;

    pthread_setname_np(pthread_self(), "read");
    for (;;) {
        bool last = atomic_load(&s->stop);
        uint32_t taken = service_take(s->handoff, SERVICE_READ, s->taken, TAKE_MAX);

        for (uint32_t i = 0; i < taken; i++) {
            struct job *job = s->taken[i];

            job_answer(s->handoff, job,
                       may_skip(job) ? JOB_CANCELLED
                                     : store_service_job_status(serve(s->store, job)));
        }
        if (taken == 0 && last)
            return NULL;
        if (taken == 0)
            service_wait(s->handoff, SERVICE_READ, SLEEP_MS);
    }
}

struct read_service *read_service_start(struct handoff *h, struct store *store)
{
    struct read_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->handoff = h;
    s->store = store;
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

void read_service_stop(struct read_service *s)
{
    atomic_store(&s->stop, true);
    service_wake(s->handoff, SERVICE_READ);
    pthread_join(s->thread, NULL);
    free(s);
}
