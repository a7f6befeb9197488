/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_flood.h"

#include "dataplane/tcp/tcp_option.h"

enum { PORT_FIRST = 1024, PORTS = 65536 - PORT_FIRST, WINDOW = 65535, MSS = 1460 };

struct blast_flood blast_flood_of(const struct blast_shared *shared, uint32_t worker)
{
    return (struct blast_flood){.shared = shared,
                                .worker = worker,
                                .chance = {shared->order->seed ^ ((uint64_t)worker + 1) << 32}};
}

/* The network's bits, and chance behind them. */
static struct ip_address source(struct blast_flood *f)
{
    const struct blast_address *network = &f->shared->order->flood_from;
    struct ip_address a = network->address;
    uint32_t bits = network->prefix + (ip_address_is_v4(&a) ? 96u : 0u);

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t kept = bits > 8 * i ? bits - 8 * i : 0;
        uint8_t mask = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);

        a.bytes[i] = (uint8_t)((a.bytes[i] & ~mask) | (chance_next(&f->chance) & mask));
    }
    return a;
}

static void make(struct blast_flood *f, struct tcp_segment *s)
{
    const struct blast_order *o = f->shared->order;
    const struct tcp_option option = {.present = TCP_OPTION_MSS, .mss = MSS};
    struct writer w;

    *s = (struct tcp_segment){.source = source(f),
                              .destination = o->target,
                              .source_port =
                                  (uint16_t)(PORT_FIRST + chance_below(&f->chance, PORTS)),
                              .destination_port = o->port,
                              .seq = (uint32_t)chance_next(&f->chance),
                              .window = WINDOW,
                              .flags = TCP_SYN};
    w = writer_of(s->options, sizeof(s->options));
    tcp_option_put(&w, &option);
    s->options_len = (uint8_t)w.len;
}

static bool is_on(const struct blast_flood *f)
{
    return f->shared->order->flood_rate > 0 &&
           atomic_load_explicit(&f->shared->phase, memory_order_acquire) == BLAST_PHASE_LOAD;
}

static uint64_t due_at(const struct blast_flood *f)
{
    double each = 1e6 * f->shared->order->workers / f->shared->order->flood_rate;

    return f->shared->begin + (uint64_t)((double)f->sent * each);
}

uint32_t blast_flood_make(struct blast_flood *f, uint64_t now, struct tcp_segment *segments,
                          uint32_t max)
{
    uint32_t n = 0;

    if (!is_on(f))
        return 0;
    for (; n < max && due_at(f) <= now; n++) {
        make(f, &segments[n]);
        f->sent++;
    }
    return n;
}

uint64_t blast_flood_next(const struct blast_flood *f)
{
    return is_on(f) ? due_at(f) : UINT64_MAX;
}
