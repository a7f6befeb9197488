/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_half_open.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_sequence.h"

bool tcp_half_open_init(struct tcp_half_open *table, uint32_t capacity)
{
    uint32_t heads = 1;

    while (heads < capacity)
        heads *= 2;
    *table = (struct tcp_half_open){.mask = heads - 1, .capacity = capacity, .free = 0};
    table->entries = aligned_alloc(64, capacity * sizeof(*table->entries));
    table->heads = malloc(heads * sizeof(*table->heads));
    if (!table->entries || !table->heads) {
        tcp_half_open_fini(table);
        return false;
    }
    memset(table->heads, 0xff, heads * sizeof(*table->heads));
    for (uint32_t i = 0; i < capacity; i++)
        table->entries[i].next = i + 1 < capacity ? (uint16_t)(i + 1) : HALF_NONE;
    for (uint32_t i = 0; i <= TCP_HALF_OPEN_RETRIES; i++)
        table->queues[i] = (struct tcp_half_queue){HALF_NONE, HALF_NONE};
    return true;
}

void tcp_half_open_fini(struct tcp_half_open *table)
{
    free(table->entries);
    free(table->heads);
    *table = (struct tcp_half_open){0};
}

struct tcp_flow_key tcp_half_open_key(const struct tcp_half *h)
{
    return (struct tcp_flow_key){h->local, h->remote, h->local_port, h->remote_port};
}

struct tcp_half *tcp_half_open_find(const struct tcp_half_open *table, uint64_t hash,
                                    const struct tcp_flow_key *key)
{
    uint16_t i = table->heads[hash & table->mask];

    while (i != HALF_NONE) {
        struct tcp_half *h = &table->entries[i];

        if (h->remote_port == key->remote_port && h->local_port == key->local_port &&
            ip_address_equal(&h->remote, &key->remote) && ip_address_equal(&h->local, &key->local))
            return h;
        i = h->next;
    }
    return NULL;
}

static void queue_add(struct tcp_half_open *table, struct tcp_half *h)
{
    struct tcp_half_queue *q = &table->queues[h->retries];
    uint16_t i = (uint16_t)(h - table->entries);

    h->newer = HALF_NONE;
    h->older = q->newest;
    if (q->newest == HALF_NONE)
        q->oldest = i;
    else
        table->entries[q->newest].newer = i;
    q->newest = i;
}

static void queue_remove(struct tcp_half_open *table, struct tcp_half *h)
{
    struct tcp_half_queue *q = &table->queues[h->retries];

    if (h->older == HALF_NONE)
        q->oldest = h->newer;
    else
        table->entries[h->older].newer = h->newer;
    if (h->newer == HALF_NONE)
        q->newest = h->older;
    else
        table->entries[h->newer].older = h->older;
}

struct tcp_half *tcp_half_open_add(struct tcp_half_open *table, uint64_t hash,
                                   const struct tcp_flow_key *key, uint32_t due)
{
    uint16_t i = table->free, *head = &table->heads[hash & table->mask];
    struct tcp_half *h;

    if (i == HALF_NONE)
        return NULL;
    h = &table->entries[i];
    table->free = h->next;
    table->count++;
    *h = (struct tcp_half){
        .local = key->local,
        .remote = key->remote,
        .local_port = key->local_port,
        .remote_port = key->remote_port,
        .due = due,
        .next = *head,
    };
    *head = i;
    queue_add(table, h);
    return h;
}

void tcp_half_open_remove(struct tcp_half_open *table, uint64_t hash, struct tcp_half *h)
{
    uint16_t i = (uint16_t)(h - table->entries), *link = &table->heads[hash & table->mask];

    while (*link != i)
        link = &table->entries[*link].next;
    *link = h->next;
    queue_remove(table, h);
    h->next = table->free;
    table->free = i;
    table->count--;
}

void tcp_half_open_repeated(struct tcp_half_open *table, struct tcp_half *h, uint32_t due)
{
    queue_remove(table, h);
    h->retries = (h->retries + 1) & 15;
    h->due = due;
    queue_add(table, h);
}

struct tcp_half *tcp_half_open_oldest(const struct tcp_half_open *table)
{
    for (uint32_t i = TCP_HALF_OPEN_RETRIES + 1; i-- > 0;)
        if (table->queues[i].oldest != HALF_NONE)
            return &table->entries[table->queues[i].oldest];
    return NULL;
}

struct tcp_half *tcp_half_open_due(const struct tcp_half_open *table)
{
    struct tcp_half *first = NULL;

    for (uint32_t i = 0; i <= TCP_HALF_OPEN_RETRIES; i++) {
        struct tcp_half *h =
            table->queues[i].oldest == HALF_NONE ? NULL : &table->entries[table->queues[i].oldest];

        if (h && (!first || seq_lt(h->due, first->due)))
            first = h;
    }
    return first;
}
