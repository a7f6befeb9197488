/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_WAIT_H
#define CONTROL_CLI_CLI_WAIT_H

#include <pthread.h>
#include <stdbool.h>

/* A command waits for what another thread does. */
struct cli_wait {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static inline void cli_wait_init(struct cli_wait *w)
{
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->done = true;
}

static inline void cli_wait_fini(struct cli_wait *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

/* Something begins that ends with cli_wait_end(). */
static inline void cli_wait_begin(struct cli_wait *w)
{
    w->done = false;
}

/* From any thread. */
static inline void cli_wait_end(struct cli_wait *w)
{
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static inline void cli_wait_for(struct cli_wait *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->done)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

#endif
