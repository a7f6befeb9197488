/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_clients.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "control/base/clock.h"

struct api_client {
    struct api_client *next, **link;
    uint64_t until_ms;
    int fd;
    bool late;
};

struct api_clients {
    pthread_mutex_t lock;
    pthread_cond_t ending;
    bool stop;
    uint32_t count;
    struct api_client *first;
};

struct api_clients *api_clients_new(void)
{
    struct api_clients *c = calloc(1, sizeof(*c));
    pthread_condattr_t attributes;

    if (!c)
        return NULL;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->ending, &attributes);
    pthread_condattr_destroy(&attributes);
    return c;
}

void api_clients_free(struct api_clients *c)
{
    if (!c)
        return;
    pthread_cond_destroy(&c->ending);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

struct api_client *api_clients_add(struct api_clients *c, int fd, uint64_t until_ms)
{
    struct api_client *client = calloc(1, sizeof(*client));

    if (!client)
        return NULL;
    client->fd = fd;
    client->until_ms = until_ms;
    pthread_mutex_lock(&c->lock);
    client->next = c->first;
    client->link = &c->first;
    if (c->first)
        c->first->link = &client->next;
    c->first = client;
    c->count++;
    pthread_mutex_unlock(&c->lock);
    return client;
}

void api_clients_remove(struct api_clients *c, struct api_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&c->lock);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    c->count--;
    pthread_mutex_unlock(&c->lock);
    free(client);
}

void api_clients_extend(struct api_clients *c, struct api_client *client, uint64_t until_ms)
{
    if (!client)
        return;
    pthread_mutex_lock(&c->lock);
    client->until_ms = until_ms;
    pthread_mutex_unlock(&c->lock);
}

uint32_t api_clients_count(struct api_clients *c)
{
    uint32_t count;

    pthread_mutex_lock(&c->lock);
    count = c->count;
    pthread_mutex_unlock(&c->lock);
    return count;
}

uint32_t api_clients_sweep(struct api_clients *c, uint64_t now)
{
    uint32_t late = 0;

    pthread_mutex_lock(&c->lock);
    for (struct api_client *client = c->first; client; client = client->next)
        if (!client->late && client->until_ms <= now) {
            client->late = true;
            shutdown(client->fd, SHUT_RDWR);
            late++;
        }
    pthread_mutex_unlock(&c->lock);
    return late;
}

bool api_clients_wait(struct api_clients *c, uint32_t ms)
{
    uint64_t until = clock_monotonic_ns() + (uint64_t)ms * 1000000;
    const struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
                                .tv_nsec = (long)(until % 1000000000)};
    bool on;

    pthread_mutex_lock(&c->lock);
    while (!c->stop && clock_monotonic_ns() < until)
        pthread_cond_timedwait(&c->ending, &c->lock, &at);
    on = !c->stop;
    pthread_mutex_unlock(&c->lock);
    return on;
}

void api_clients_stop(struct api_clients *c)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->ending);
    pthread_mutex_unlock(&c->lock);
}
