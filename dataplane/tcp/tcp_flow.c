/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_flow.h"

#include <stdlib.h>

#include "proto/base/siphash.h"

bool tcp_flow_init(struct tcp_flows *flows, uint32_t entries, const uint8_t secret[16])
{
    uint32_t heads = 1;

    while (heads < entries)
        heads *= 2;
    flows->mask = heads - 1;
    flows->entries = calloc(entries, sizeof(*flows->entries));
    flows->heads = malloc(heads * sizeof(*flows->heads));
    if (!flows->entries || !flows->heads) {
        tcp_flow_fini(flows);
        return false;
    }
    memset(flows->heads, 0xff, heads * sizeof(*flows->heads));
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
    uint8_t bytes[40];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_span_put(&w, span_of(key->local.bytes, 16));
    writer_span_put(&w, span_of(key->remote.bytes, 16));
    writer_uint(&w, key->local_port, 2);
    writer_uint(&w, key->remote_port, 2);
    return siphash(flows->secret, writer_span(&w));
}

uint32_t tcp_flow_find(const struct tcp_flows *flows, uint64_t hash, const struct tcp_flow_key *key)
{
    uint32_t i = flows->heads[hash & flows->mask];

    while (i != TCP_FLOW_NONE) {
        const struct tcp_flow *f = &flows->entries[i];

        if (f->hash == hash && f->remote_port == key->remote_port &&
            f->local_port == key->local_port && ip_address_equal(&f->remote, &key->remote))
            return i;
        i = f->next;
    }
    return TCP_FLOW_NONE;
}

void tcp_flow_add(struct tcp_flows *flows, uint32_t i, uint64_t hash,
                  const struct tcp_flow_key *key)
{
    uint32_t *head = &flows->heads[hash & flows->mask];

    flows->entries[i] = (struct tcp_flow){
        .hash = hash,
        .next = *head,
        .local_port = key->local_port,
        .remote_port = key->remote_port,
        .remote = key->remote,
    };
    *head = i;
}

void tcp_flow_remove(struct tcp_flows *flows, uint32_t i)
{
    uint32_t *link = &flows->heads[flows->entries[i].hash & flows->mask];

    while (*link != i)
        link = &flows->entries[*link].next;
    *link = flows->entries[i].next;
}
