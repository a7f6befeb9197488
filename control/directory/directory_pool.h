/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_DIRECTORY_POOL_H
#define CONTROL_DIRECTORY_DIRECTORY_POOL_H

#include "control/directory/directory_backend.h"

/*
 * Threads that may wait: a back end's, which then answers its questions there one after the other,
 * several at a time. The queue in front of them is bounded; a question that finds it full, or is
 * taken out of it after its deadline, is answered UNAVAILABLE without being asked.
 */
struct directory_pool;

struct directory_pool_options {
    const char *name; /* of the threads, at most 15 characters; static */
    uint32_t threads;
    uint32_t waiting; /* questions in the queue, at most */
    /* Answers the question, on this thread. `thread`: 0 .. threads - 1, for what each has of its
     * own. */
    void (*serve)(void *context, uint32_t thread, struct directory_question *question);
    void *context;
};

/* The threads inherit the caller's CPUs and block all signals. NULL with errno. */
struct directory_pool *directory_pool_start(const struct directory_pool_options *options);
/* Takes the question, from any thread; it may be answered before this returns. */
void directory_pool_ask(struct directory_pool *pool, struct directory_question *question);
/* Ends the threads once the queue is empty. Nobody asks any more. */
void directory_pool_stop(struct directory_pool *pool);

struct directory_pool_counters {
    uint64_t served, full, late; /* of these, the last two were answered UNAVAILABLE */
    uint32_t waiting;
};
struct directory_pool_counters directory_pool_counters(struct directory_pool *pool);

#endif
