/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/net/fake_tcp.h"

#include "tests/packet/packet.h"

#include <stdlib.h>

enum { RUN = 997 }; /* bytes sendq_at() returns at a time */

static uint8_t queue_bytes[FAKE_QUEUE];
static struct sendq queue;

struct fake_tcp *fake_tcp(struct tcp *tcp)
{
    return (struct fake_tcp *)tcp;
}

const struct sendq *fake_queue(void)
{
    for (uint32_t i = 0; i < FAKE_QUEUE; i++)
        queue_bytes[i] = packet_byte(i);
    queue.bytes = FAKE_QUEUE;
    return &queue;
}

struct span sendq_at(const struct sendq *q, uint32_t offset, uint32_t len)
{
    uint32_t run = RUN - offset % RUN;

    if (offset >= q->bytes)
        return span_of(NULL, 0);
    run = run < q->bytes - offset ? run : q->bytes - offset;
    return span_of(queue_bytes + offset, len < run ? len : run);
}

struct tcp *tcp_new(const struct tcp_options *options, struct chunk_pool *pool)
{
    (void)options, (void)pool;
    return calloc(1, sizeof(struct fake_tcp));
}

void tcp_free(struct tcp *tcp)
{
    free(tcp);
}

bool tcp_listen(struct tcp *tcp, uint16_t port, uint32_t tag)
{
    fake_tcp(tcp)->echo = port != 0 || tag != 0;
    return true;
}

static void refuse(struct fake_tcp *f, const struct tcp_packet *p, uint16_t source,
                   uint16_t destination)
{
    const uint8_t *h = p->header.data;
    uint32_t seq = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];

    if (!f->echo || !(h[13] & TCP_SYN) || f->out_count == FAKE_SEGMENTS)
        return;
    f->out[f->out_count++] = (struct tcp_segment){.source = p->destination,
                                                  .destination = p->source,
                                                  .source_port = destination,
                                                  .destination_port = source,
                                                  .ack = seq + 1,
                                                  .flags = TCP_RST | TCP_ACK,
                                                  .mss = 536};
}

void tcp_receive(struct tcp *tcp, const struct tcp_packet *packet, uint64_t now)
{
    struct fake_tcp *f = fake_tcp(tcp);
    const uint8_t *h = packet->header.data;
    uint16_t source = (uint16_t)(h[0] << 8 | h[1]);

    (void)now;
    f->ports[f->received++ % FAKE_SEGMENTS] = source;
    f->counters.segments_in++;
    f->last = *packet;
    f->payload_len = 0;
    for (uint32_t i = 0; i < packet->pieces; i++) {
        memcpy(f->payload + f->payload_len, packet->payload[i].data, packet->payload[i].len);
        f->payload_len += (uint32_t)packet->payload[i].len;
    }
    refuse(f, packet, source, (uint16_t)(h[2] << 8 | h[3]));
}

void tcp_receive_burst(struct tcp *tcp, const struct tcp_packet *packets, uint32_t n, uint64_t now)
{
    for (uint32_t i = 0; i < n; i++)
        tcp_receive(tcp, &packets[i], now);
}

void tcp_icmp_error(struct tcp *tcp, const struct tcp_packet *quoted, uint32_t mtu, bool hard,
                    uint64_t now)
{
    struct fake_tcp *f = fake_tcp(tcp);

    (void)now;
    f->errors++;
    f->last = *quoted;
    f->mtu = mtu;
    f->hard = hard;
}

void tcp_settle(struct tcp *tcp)
{
    fake_tcp(tcp)->settled++;
}

void tcp_timers(struct tcp *tcp, uint64_t now)
{
    (void)tcp, (void)now;
}

uint64_t tcp_next_timer(const struct tcp *tcp)
{
    (void)tcp;
    return UINT64_MAX;
}

uint32_t tcp_output(struct tcp *tcp, uint64_t now, struct tcp_segment *segments_out, uint32_t max)
{
    struct fake_tcp *f = fake_tcp(tcp);
    uint32_t n = f->out_count < max ? f->out_count : max;

    (void)now;
    memcpy(segments_out, f->out, n * sizeof(f->out[0]));
    memmove(f->out, f->out + n, (f->out_count - n) * sizeof(f->out[0]));
    f->out_count -= n;
    return n;
}

const struct tcp_counters *tcp_counters(const struct tcp *tcp)
{
    return &((const struct fake_tcp *)tcp)->counters;
}

uint32_t tcp_connections(const struct tcp *tcp)
{
    (void)tcp;
    return 0;
}

struct sessions *sessions_new(const struct sessions_options *options)
{
    (void)options;
    return calloc(1, 1);
}

void sessions_free(struct sessions *sessions)
{
    free(sessions);
}

uint32_t sessions_turn(struct sessions *sessions, struct turn_time time)
{
    (void)sessions, (void)time;
    return 0;
}

uint64_t sessions_next_timer(const struct sessions *sessions)
{
    (void)sessions;
    return UINT64_MAX;
}

uint32_t sessions_count(const struct sessions *sessions)
{
    (void)sessions;
    return 0;
}
