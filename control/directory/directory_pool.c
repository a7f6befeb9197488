/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "control/base/clock.h"

struct directory_pool {
    struct directory_pool_options options;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t come;
    struct directory_question *first, *last;
    struct directory_pool_counters counters;
    bool stop;
    uint32_t started;
    struct pool_thread {
        pthread_t thread;
        struct directory_pool *pool;
        uint32_t place;
    } thread[];
};

/* NULL: the pool ends. */
static struct directory_question *take(struct directory_pool *p)
{
    struct directory_question *q;

    pthread_mutex_lock(&p->lock);
    while (!p->first && !p->stop)
        pthread_cond_wait(&p->come, &p->lock);
    q = p->first;
    if (q) {
        p->first = q->next;
        p->counters.waiting--;
    }
    pthread_mutex_unlock(&p->lock);
    return q;
}

static bool is_late(struct directory_pool *p, const struct directory_question *q)
{
    bool late = clock_monotonic_ms() > q->deadline_ms;

    pthread_mutex_lock(&p->lock);
    p->counters.late += late;
    p->counters.served += !late;
    pthread_mutex_unlock(&p->lock);
    return late;
}

static void *run(void *arg)
{
    const struct pool_thread *t = arg;
    struct directory_pool *p = t->pool;
    struct directory_question *q;

    pthread_setname_np(pthread_self(), p->options.name);
    while ((q = take(p)) != NULL) {
        if (is_late(p, q))
            directory_answer(q, DIRECTORY_UNAVAILABLE);
        else
            p->options.serve(p->options.context, t->place, q);
    }
    return NULL;
}

static int start_threads(struct directory_pool *p)
{
    sigset_t all, before;
    int why = 0;

    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (why == 0 && p->started < p->options.threads) {
        struct pool_thread *t = &p->thread[p->started];

        t->pool = p;
        t->place = p->started;
        why = pthread_create(&t->thread, NULL, run, t);
        p->started += why == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}

struct directory_pool *directory_pool_start(const struct directory_pool_options *options)
{
    struct directory_pool *p =
        calloc(1, sizeof(*p) + options->threads * sizeof(struct pool_thread));
    int why;

    if (!p)
        return NULL;
    p->options = *options;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->come, NULL);
    why = start_threads(p);
    if (why == 0)
        return p;
    directory_pool_stop(p);
    errno = why;
    return NULL;
}

void directory_pool_ask(struct directory_pool *pool, struct directory_question *question)
{
    bool fits;

    question->next = NULL;
    pthread_mutex_lock(&pool->lock);
    fits = pool->counters.waiting < pool->options.waiting;
    if (fits) {
        *(pool->first ? &pool->last->next : &pool->first) = question;
        pool->last = question;
        pool->counters.waiting++;
        pthread_cond_signal(&pool->come);
    } else {
        pool->counters.full++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!fits)
        directory_answer(question, DIRECTORY_UNAVAILABLE);
}

void directory_pool_stop(struct directory_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->come);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->started; i++)
        pthread_join(pool->thread[i].thread, NULL);
    pthread_cond_destroy(&pool->come);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct directory_pool_counters directory_pool_counters(struct directory_pool *pool)
{
    struct directory_pool_counters counters;

    pthread_mutex_lock(&pool->lock);
    counters = pool->counters;
    pthread_mutex_unlock(&pool->lock);
    return counters;
}
