/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_host.h"

#include <stdlib.h>

#include "dataplane/packet/frame.h"

enum { SEGMENTS = 16, FRAME_MOST = SIM_ETHERNET + 40 + 60 + 9000, HOP_LIMIT = 64 };

void sim_host_init(struct sim_host *h, const struct sim_host_options *options)
{
    *h = (struct sim_host){.options = *options};
    h->pool = chunk_pool_new(options->chunks);
    h->tcp = tcp_new(&options->tcp, h->pool);
}

static void drop_held(struct sim_host *h)
{
    while (h->held_count)
        free(h->held[--h->held_count]);
}

uint32_t sim_host_fini(struct sim_host *h)
{
    uint32_t left = 0;

    drop_held(h);
    free(h->held);
    for (int c = 0; c < CHUNK_CLASSES; c++)
        left += chunk_used(h->pool, (enum chunk_class)c);
    tcp_free(h->tcp);
    chunk_pool_free(h->pool);
    return left;
}

void sim_host_input(struct sim_host *h, struct sim_packet *p)
{
    if (h->held_count == h->held_cap) {
        h->held_cap = h->held_cap ? 2 * h->held_cap : 64;
        h->held = realloc(h->held, h->held_cap * sizeof(struct sim_packet *));
    }
    h->held[h->held_count++] = p;
}

static void segment_in(struct sim_host *h, const struct sim_view *v, const struct frame *f,
                       uint64_t now)
{
    uint32_t header = v->l4_len < 20 ? v->l4_len : sim_view_header(v);
    struct tcp_packet packet = {.source = v->source, .destination = v->destination, .ecn = f->ecn};

    header = header < v->l4_len ? header : v->l4_len;
    packet.header = span_of(v->l4, header);
    packet.payload[0] = span_of(v->l4 + header, v->l4_len - header);
    packet.pieces = v->l4_len > header;
    tcp_receive(h->tcp, &packet, now);
}

/* "Too big" with a quotation of ours. */
static void error_in(struct sim_host *h, const struct sim_view *v, uint64_t now)
{
    uint32_t header = v->v4 ? 20 : 40;
    const uint8_t *ip = v->l4 + 8;
    struct tcp_packet quoted = {0};

    if (v->l4_len < 8 + header + 8 || (v->v4 ? v->l4[0] != 3 || v->l4[1] != 4 : v->l4[0] != 2))
        return;
    quoted.source = v->v4 ? ip_address_v4(ip + 12) : ip_address_v6(ip + 8);
    quoted.destination = v->v4 ? ip_address_v4(ip + 16) : ip_address_v6(ip + 24);
    quoted.header = span_of(ip + header, v->l4_len - 8 - header);
    h->errors++;
    tcp_icmp_error(h->tcp, &quoted, sim_get32(v->l4 + 4), false, now);
}

static void packet_in(struct sim_host *h, struct sim_packet *p, uint64_t now)
{
    struct span head = span_head(span_of(p->frame, p->len), FRAME_HEAD);
    struct frame f;
    struct sim_view v;

    if (frame_parse(head, p->len, &f) != FRAME_KEEP || !sim_packet_view(p, &v)) {
        h->bad_frames++;
        return;
    }
    if (!sim_view_sums_good(&v)) {
        h->bad_sums++;
        return;
    }
    if (v.protocol == SIM_TCP)
        segment_in(h, &v, &f, now);
    else
        error_in(h, &v, now);
}

static uint8_t *put_ip(uint8_t *at, const struct tcp_segment *s, uint32_t len)
{
    bool v4 = ip_address_is_v4(&s->source);

    sim_put16(at - 2, v4 ? 0x0800 : 0x86dd);
    if (v4) {
        memcpy(at, (uint8_t[]){0x45, 0, 0, 0, 0, 0, 0x40, 0, HOP_LIMIT, SIM_TCP, 0, 0}, 12);
        at[1] = s->ecn & 3;
        sim_put16(at + 2, 20 + len);
        memcpy(at + 12, s->source.bytes + 12, 4);
        memcpy(at + 16, s->destination.bytes + 12, 4);
        return at + 20;
    }
    memcpy(at, (uint8_t[]){0x60, 0, 0, 0, 0, 0, SIM_TCP, HOP_LIMIT}, 8);
    at[1] = (uint8_t)((s->ecn & 3) << 4);
    sim_put16(at + 4, len);
    memcpy(at + 8, s->source.bytes, 16);
    memcpy(at + 24, s->destination.bytes, 16);
    return at + 40;
}

static void put_payload(const struct tcp_segment *s, uint32_t at, uint32_t len, uint8_t *out)
{
    while (len) {
        struct span run = sendq_at(s->queue, s->offset + at, len);

        memcpy(out, run.data, run.len);
        out += run.len;
        at += (uint32_t)run.len;
        len -= (uint32_t)run.len;
    }
}

/* One frame: `len` payload bytes at `at` of the segment. */
static void frame_out(struct sim_host *h, const struct tcp_segment *s, uint32_t at, uint32_t len)
{
    uint8_t frame[FRAME_MOST] = {0};
    uint32_t header = 20u + s->options_len;
    bool last = at + len == s->len;
    uint8_t *l4 = put_ip(frame + SIM_ETHERNET, s, header + len);
    struct sim_packet *p;
    struct sim_view v;

    sim_put16(l4, s->source_port);
    sim_put16(l4 + 2, s->destination_port);
    sim_put32(l4 + SIM_SEQ, s->seq + at);
    sim_put32(l4 + SIM_ACK, s->ack);
    l4[SIM_OFFSET] = (uint8_t)(header / 4 << 4);
    l4[SIM_FLAGS] = last ? s->flags : (uint8_t)(s->flags & ~(TCP_FIN | TCP_PSH));
    sim_put16(l4 + SIM_WINDOW, s->window);
    memcpy(l4 + 20, s->options, s->options_len);
    put_payload(s, at, len, l4 + header);
    p = sim_packet_new(h->options.way, span_between(frame, l4 + header + len));
    sim_packet_view(p, &v);
    sim_view_sum(&v);
    h->options.send(h->options.user, p);
}

static uint32_t segments_out(struct sim_host *h, uint64_t now)
{
    struct tcp_segment out[SEGMENTS];
    uint32_t n, all = 0;

    while ((n = tcp_output(h->tcp, now, out, SEGMENTS)) != 0) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at = 0, mss = out[i].mss ? out[i].mss : out[i].len + 1;

            do {
                uint32_t left = out[i].len - at, len = left < mss ? left : mss;

                frame_out(h, &out[i], at, len);
                at += len;
            } while (at < out[i].len);
        }
        all += n;
    }
    return all;
}

uint32_t sim_host_turn(struct sim_host *h, uint64_t now)
{
    uint32_t moved = h->held_count;
    struct tcp_conn *conn;

    for (uint32_t i = 0; i < h->held_count; i++)
        packet_in(h, h->held[i], now);
    while ((conn = tcp_ready(h->tcp)) != NULL) {
        h->options.news(h->options.user, conn);
        moved++;
    }
    tcp_settle(h->tcp);
    for (uint32_t i = 0; i < h->held_count; i++)
        memset(h->held[i]->frame, 0xdd, h->held[i]->len);
    drop_held(h);
    tcp_timers(h->tcp, now);
    return moved + segments_out(h, now);
}

uint64_t sim_host_next(const struct sim_host *h)
{
    return h->held_count ? 0 : tcp_next_timer(h->tcp);
}
