/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_flow.h"

#include <endian.h>
#include <stdlib.h>

#include "proto/base/siphash.h"

bool tcp_flow_init(struct tcp_flows *flows, uint32_t entries, const uint8_t secret[16])
{
    uint32_t capacity = TCP_FLOW_LEAST;

    while (capacity < entries)
        capacity *= 2;
    flows->capacity = capacity;
    flows->buckets = TCP_FLOW_LEAST;
    flows->count = 0;
    flows->entries = calloc(entries, sizeof(*flows->entries));
    flows->heads = calloc(capacity, sizeof(*flows->heads));
    if (!flows->entries || !flows->heads) {
        tcp_flow_fini(flows);
        return false;
    }
    memcpy(flows->secret, secret, 16);
    return true;
}

void tcp_flow_fini(struct tcp_flows *flows)
{
    free(flows->entries);
    free(flows->heads);
    *flows = (struct tcp_flows){0};
}

uint64_t tcp_flow_hash(const struct tcp_flows *flows, const struct tcp_flow_key *key)
{
    uint16_t ports[2] = {htobe16(key->local_port), htobe16(key->remote_port)};
    uint8_t bytes[36];

    /* Of IPv4 what is alike in all of them is left out. */
    if (ip_address_is_v4(&key->local) && ip_address_is_v4(&key->remote)) {
        memcpy(bytes, key->local.bytes + 12, 4);
        memcpy(bytes + 4, key->remote.bytes + 12, 4);
        memcpy(bytes + 8, ports, 4);
        return siphash_table(flows->secret, span_of(bytes, 12));
    }
    memcpy(bytes, key->local.bytes, 16);
    memcpy(bytes + 16, key->remote.bytes, 16);
    memcpy(bytes + 32, ports, 4);
    return siphash_table(flows->secret, span_of(bytes, sizeof(bytes)));
}

static uint32_t *head_of(const struct tcp_flows *flows, uint64_t hash)
{
    return &flows->heads[tcp_flow_chain(flows, hash)];
}

uint32_t tcp_flow_find(const struct tcp_flows *flows, uint64_t hash, const struct tcp_flow_key *key)
{
    uint32_t i = *head_of(flows, hash);

    while (i) {
        const struct tcp_flow *f = &flows->entries[i - 1];

        if (f->hash == hash && f->remote_port == key->remote_port &&
            f->local_port == key->local_port && ip_address_equal(&f->remote, &key->remote))
            return i - 1;
        i = f->next;
    }
    return TCP_FLOW_NONE;
}

/* One more chain: its entries come out of the one that held them so far. */
static void split(struct tcp_flows *flows)
{
    uint32_t low = tcp_flow_power(flows->buckets), to = flows->buckets++;
    uint32_t *link = &flows->heads[to - low];

    while (*link) {
        struct tcp_flow *f = &flows->entries[*link - 1];
        uint32_t i = *link;

        if (((uint32_t)f->hash & (2 * low - 1)) != to) {
            link = &f->next;
            continue;
        }
        *link = f->next;
        f->next = flows->heads[to];
        flows->heads[to] = i;
    }
}

/* The last chain goes back to where it was split off. */
static void join(struct tcp_flows *flows)
{
    uint32_t from = --flows->buckets;
    uint32_t *link = &flows->heads[from - tcp_flow_power(from)];

    while (*link)
        link = &flows->entries[*link - 1].next;
    *link = flows->heads[from];
    flows->heads[from] = 0;
}

void tcp_flow_add(struct tcp_flows *flows, uint32_t i, uint64_t hash,
                  const struct tcp_flow_key *key)
{
    uint32_t *head;

    if (++flows->count > flows->buckets && flows->buckets < flows->capacity)
        split(flows);
    head = head_of(flows, hash);
    flows->entries[i] = (struct tcp_flow){
        .hash = hash,
        .next = *head,
        .local_port = key->local_port,
        .remote_port = key->remote_port,
        .remote = key->remote,
    };
    *head = i + 1;
}

void tcp_flow_remove(struct tcp_flows *flows, uint32_t i)
{
    uint32_t *link = head_of(flows, flows->entries[i].hash);

    while (*link != i + 1)
        link = &flows->entries[*link - 1].next;
    *link = flows->entries[i].next;
    flows->count--;
    /* Below half, so that one connection that comes and goes does not move a chain; two, so that it
     * stays so. */
    for (int n = 0; n < 2 && flows->count < flows->buckets / 2 && flows->buckets > TCP_FLOW_LEAST;
         n++)
        join(flows);
}
