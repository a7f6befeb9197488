/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/service_team.h"

#include <errno.h>

#include "control/service/service_thread.h"

enum { SLEEP_MS = 1000 };

/* The next job; one thread waits for it, the others for that thread. NULL: the team ends. */
static struct job *take(struct service_team *t)
{
    struct job *job = NULL;
    bool last = false;

    pthread_mutex_lock(&t->taking);
    for (;;) {
        last = atomic_load(&t->stop);
        if (service_take(t->handoff, t->service, &job, 1) > 0 || last)
            break;
        service_wait(t->handoff, t->service, SLEEP_MS);
    }
    pthread_mutex_unlock(&t->taking);
    return job;
}

static void *run(void *arg)
{
    struct service_team *t = arg;
    struct job *job;

    pthread_setname_np(pthread_self(), t->name);
    while ((job = take(t)) != NULL) {
        enum job_status status = t->serve(t->context, job);

        job_answer_shared(t->handoff, job, status);
    }
    return NULL;
}

bool service_team_start(struct service_team *t)
{
    uint32_t wanted = t->count;
    int why = 0;

    atomic_store(&t->stop, false);
    pthread_mutex_init(&t->taking, NULL);
    for (t->count = 0; t->count < wanted && why == 0; t->count += why == 0)
        why = service_thread_create(&t->threads[t->count], run, t);
    if (why == 0)
        return true;
    service_team_stop(t);
    errno = why;
    return false;
}

void service_team_stop(struct service_team *t)
{
    atomic_store(&t->stop, true);
    service_wake(t->handoff, t->service);
    for (uint32_t i = 0; i < t->count; i++)
        pthread_join(t->threads[i], NULL);
    pthread_mutex_destroy(&t->taking);
}
