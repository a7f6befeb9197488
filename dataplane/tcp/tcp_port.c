/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_port.h"

#include "dataplane/tcp/flow_owner.h"
#include "dataplane/tcp/tcp_passive.h"
#include "proto/base/siphash.h"

enum { PORTS_LAST = 65535 };

/* F and G of the RFC: one hash over the three values, of which each takes a half. */
static uint64_t place_of(const struct tcp *tcp, const struct tcp_flow_key *key)
{
    uint8_t bytes[40];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_text(&w, "port");
    writer_span_put(&w, span_of(key->local.bytes, 16));
    writer_span_put(&w, span_of(key->remote.bytes, 16));
    writer_uint(&w, key->remote_port, 2);
    return siphash(tcp->options.secret, writer_span(&w));
}

static bool is_home(const struct tcp *tcp, const struct tcp_flow_key *key)
{
    uint32_t hash = flow_owner_hash(&key->remote, &key->local, key->remote_port, key->local_port);

    return tcp->options.workers < 2 ||
           flow_owner_of(hash, tcp->options.workers) == tcp->options.worker;
}

static bool is_free(struct tcp *tcp, const struct tcp_flow_key *key)
{
    uint64_t hash = tcp_flow_hash(&tcp->flows, key);

    return !tcp_passive_listens(tcp, key->local_port) && !tcp_conn_find(tcp, key, hash) &&
           !tcp_half_open_find(&tcp->half, hash, key);
}

bool tcp_port_choose(struct tcp *tcp, struct tcp_flow_key *key)
{
    uint32_t first = tcp->options.port_first ? tcp->options.port_first : TCP_PORT_FIRST;
    uint32_t last = tcp->options.port_last ? tcp->options.port_last : PORTS_LAST;
    uint64_t place = place_of(tcp, key);
    uint16_t *counter = &tcp->ports.counters[(uint32_t)place % TCP_PORT_COUNTERS];

    for (uint32_t i = 0; i < TCP_PORT_TRIES && i <= last - first; i++) {
        key->local_port =
            (uint16_t)(first + ((uint32_t)(place >> 32) + (*counter)++) % (last - first + 1));
        if (is_home(tcp, key) && is_free(tcp, key))
            return true;
    }
    tcp->counters.ports_short++;
    return false;
}
