/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_hold.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "control/base/clock.h"

struct held {
    struct held *next; /* by `due_ms` */
    struct directory_question *question;
    enum directory_result result;
    uint64_t due_ms;
};

struct ldap_hold {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t news;
    struct held *first;
    bool stop;
};

static void wait_for_news(struct ldap_hold *h)
{
    struct timespec at;

    if (!h->first) {
        pthread_cond_wait(&h->news, &h->lock);
        return;
    }
    at.tv_sec = (time_t)(h->first->due_ms / 1000);
    at.tv_nsec = (long)(h->first->due_ms % 1000) * 1000000;
    pthread_cond_timedwait(&h->news, &h->lock, &at);
}

static void *run(void *arg)
{
    struct ldap_hold *h = arg;

    pthread_setname_np(pthread_self(), "ldap-hold");
    pthread_mutex_lock(&h->lock);
    while (h->first || !h->stop) {
        struct held *due = h->first;

        if (!due || (!h->stop && clock_monotonic_ms() < due->due_ms)) {
            wait_for_news(h);
            continue;
        }
        h->first = due->next;
        pthread_mutex_unlock(&h->lock);
        directory_answer(due->question, due->result);
        free(due);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct ldap_hold *ldap_hold_start(void)
{
    struct ldap_hold *h = calloc(1, sizeof(*h));
    pthread_condattr_t monotonic;
    sigset_t all, before;
    int why;

    if (!h)
        return NULL;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    why = pthread_create(&h->thread, NULL, run, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        return h;
    free(h);
    errno = why;
    return NULL;
}

void ldap_hold_stop(struct ldap_hold *hold)
{
    if (!hold)
        return;
    pthread_mutex_lock(&hold->lock);
    hold->stop = true;
    pthread_cond_signal(&hold->news);
    pthread_mutex_unlock(&hold->lock);
    pthread_join(hold->thread, NULL);
    pthread_cond_destroy(&hold->news);
    pthread_mutex_destroy(&hold->lock);
    free(hold);
}

void ldap_hold_answer(struct ldap_hold *hold, struct directory_question *question,
                      enum directory_result result, uint64_t since_ms, uint32_t step_ms)
{
    struct held *held = malloc(sizeof(*held)), **at = &hold->first;

    if (!held) {
        directory_answer(question, result);
        return;
    }
    *held = (struct held){.question = question,
                          .result = result,
                          .due_ms = since_ms +
                                    ((clock_monotonic_ms() - since_ms) / step_ms + 1) * step_ms};
    pthread_mutex_lock(&hold->lock);
    while (*at && (*at)->due_ms <= held->due_ms)
        at = &(*at)->next;
    held->next = *at;
    *at = held;
    pthread_cond_signal(&hold->news);
    pthread_mutex_unlock(&hold->lock);
}
