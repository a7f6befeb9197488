/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tcp/tcp_link.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp_option.h"
#include "dataplane/tcp/tcp_sequence.h"

enum { STREAM = 1 << 25, PATTERN = 65521, BURST = 32, OUT = 16 };

/*
 * Checked for the tracked connection, at each segment that an end sends:
 *   nothing is acknowledged that has not reached this end;
 *   payload is what the stream has at that place;
 *   it ends within the window that reached this end, one octet of a probe (or FIN) allowed beyond;
 *   the window's right edge never moves left by a unit of its scale or more.
 */
struct tcp_link_packet {
    uint64_t at, order;
    int to;
    uint32_t header_len, len, pieces;
    uint32_t cut[TCP_PIECES];
    struct ip_address source;
    uint8_t ecn;
    uint8_t header[60];
    uint8_t payload[];
};

uint64_t tcp_link_random(struct tcp_link *link)
{
    uint64_t z = link->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static bool chance(struct tcp_link *link, uint32_t of_1000)
{
    return of_1000 && tcp_link_random(link) % 1000 < of_1000;
}

struct span tcp_link_bytes(uint32_t offset, uint32_t len)
{
    static uint8_t pattern[PATTERN + 65536];
    static bool made;

    if (!made) {
        uint32_t x = 12345;

        for (size_t i = 0; i < sizeof(pattern); i++) {
            if (i < PATTERN)
                x = x * 1664525 + 1013904223;
            pattern[i] = i < PATTERN ? (uint8_t)(x >> 24) : pattern[i - PATTERN];
        }
        made = true;
    }
    return span_of(pattern + offset % PATTERN, len < 65536 ? len : 65536);
}

static void fault(struct tcp_link *link, int end, const char *what)
{
    if (!link->faults++)
        fprintf(stderr, "# seed %llu, %.6f s, %s: %s\n", (unsigned long long)link->options.seed,
                (double)link->now / 1e6, end == TCP_LINK_CLIENT ? "client" : "server", what);
}

static struct tcp_options defaults(struct tcp_options t)
{
    t.connections = t.connections ? t.connections : 16;
    t.half_open = t.half_open ? t.half_open : 8;
    t.receive_window = t.receive_window ? t.receive_window : 262144;
    t.send_limit = t.send_limit ? t.send_limit : 262144;
    t.mss_v4 = t.mss_v4 ? t.mss_v4 : 1460;
    t.mss_v6 = t.mss_v6 ? t.mss_v6 : 1440;
    return t;
}

struct tcp_link *tcp_link_new(const struct tcp_link_options *options)
{
    static const uint32_t chunks[CHUNK_CLASSES] = {2000, 1000, 200};
    struct tcp_link *link = calloc(1, sizeof(*link));

    link->options = *options;
    link->now = options->start ? options->start : 1000000;
    link->random = options->seed;
    link->track = true;
    for (int i = 0; i < TCP_LINK_ENDS; i++) {
        struct tcp_link_end *e = &link->ends[i];
        struct tcp_options t = defaults(options->tcp);
        uint8_t v4[4] = {198, 18, 0, (uint8_t)(1 + i)},
                v6[16] = {0x20, 0x01, 0, 2, [15] = (uint8_t)(1 + i)};

        t.secret[15] = (uint8_t)(t.secret[15] + i);
        e->pool = chunk_pool_new(options->chunks[CHUNK_SMALL] ? options->chunks : chunks);
        e->tcp = tcp_new(&t, e->pool);
        e->address = options->v6 ? ip_address_v6(v6) : ip_address_v4(v4);
    }
    tcp_listen(link->ends[TCP_LINK_SERVER].tcp, TCP_LINK_PORT, 7);
    return link;
}

uint32_t tcp_link_free(struct tcp_link *link)
{
    uint32_t faults;

    while (link->flying_count)
        free(link->flying[--link->flying_count]);
    free(link->flying);
    for (int i = 0; i < TCP_LINK_ENDS; i++) {
        struct tcp_link_end *e = &link->ends[i];

        tcp_free(e->tcp);
        for (int c = 0; c < CHUNK_CLASSES; c++)
            if (chunk_used(e->pool, (enum chunk_class)c))
                fault(link, i, "chunks are still out");
        chunk_pool_free(e->pool);
        free(e->got);
    }
    faults = link->faults;
    free(link);
    return faults;
}

struct tcp_conn *tcp_link_connect(struct tcp_link *link, uint16_t local_port)
{
    struct tcp_link_end *c = &link->ends[TCP_LINK_CLIENT], *s = &link->ends[TCP_LINK_SERVER];

    return tcp_connect(c->tcp, &c->address, local_port, &s->address, TCP_LINK_PORT, link->now);
}

static bool before(const struct tcp_link_packet *a, const struct tcp_link_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct tcp_link *link, struct tcp_link_packet *p)
{
    uint32_t i = link->flying_count++;

    if (link->flying_count > link->flying_cap) {
        link->flying_cap = link->flying_cap ? 2 * link->flying_cap : 64;
        link->flying = realloc(link->flying, link->flying_cap * sizeof(*link->flying));
    }
    while (i && before(p, link->flying[(i - 1) / 2])) {
        link->flying[i] = link->flying[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    link->flying[i] = p;
}

static struct tcp_link_packet *pop(struct tcp_link *link)
{
    struct tcp_link_packet *first = link->flying[0], *last = link->flying[--link->flying_count];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < link->flying_count && before(link->flying[child + 1], link->flying[child]))
            child++;
        if (child >= link->flying_count || before(last, link->flying[child]))
            break;
        link->flying[i] = link->flying[child];
        i = child;
    }
    if (link->flying_count)
        link->flying[i] = last;
    return first;
}

static void write_header(struct tcp_link_packet *p, const struct tcp_segment *s, uint32_t seq,
                         uint8_t flags)
{
    struct writer w = writer_of(p->header, sizeof(p->header));

    writer_uint(&w, s->source_port, 2);
    writer_uint(&w, s->destination_port, 2);
    writer_uint(&w, seq, 4);
    writer_uint(&w, s->ack, 4);
    writer_byte(&w, (uint8_t)((20 + s->options_len) / 4 << 4));
    writer_byte(&w, flags);
    writer_uint(&w, s->window, 2);
    writer_uint(&w, 0, 4);
    writer_span_put(&w, span_of(s->options, s->options_len));
    p->header_len = (uint32_t)w.len;
}

/* Waits for its turn on a link of limited rate. False: the queue was full. */
static bool enqueue(struct tcp_link *link, struct tcp_link_end *e, struct tcp_link_packet *p)
{
    uint64_t now = link->now * 1000, rate = link->options.rate, wait, waiting;

    if (!rate)
        return true;
    e->busy = e->busy > now ? e->busy : now;
    waiting = (e->busy - now) * rate / 8000000000ull;
    if (waiting > link->options.queue) {
        e->overflows++;
        return false;
    }
    if (link->options.mark && waiting > link->options.mark && p->ecn)
        p->ecn = 3;
    e->busy += (p->len + p->header_len + 20) * 8000000000ull / rate;
    wait = e->busy - now;
    p->at += wait / 1000;
    return true;
}

/* One packet of `len` payload bytes at `offset` of the segment, onto the link. */
static void launch(struct tcp_link *link, int from, const struct tcp_segment *s, uint32_t offset,
                   uint32_t len)
{
    bool last = offset + len == s->len;
    struct tcp_link_packet *p;
    uint32_t at = 0;

    if (link->cut[from] || chance(link, link->options.loss))
        return;
    p = calloc(1, sizeof(*p) + len + 1);
    p->at = link->now + link->options.delay_us;
    if (link->options.jitter_us)
        p->at += tcp_link_random(link) % link->options.jitter_us;
    p->order = link->order++;
    p->to = !from;
    p->source = s->source;
    p->len = len;
    while (at < len) {
        struct span run = sendq_at(s->queue, s->offset + offset + at, len - at);

        if (!run.len) {
            fault(link, from, "the queue is shorter than the segment");
            break;
        }
        memcpy(p->payload + at, run.data, run.len);
        at += (uint32_t)run.len;
    }
    write_header(p, s, s->seq + offset,
                 last ? s->flags : (uint8_t)(s->flags & ~(TCP_FIN | TCP_PSH)));
    p->pieces = 1;
    p->ecn = s->ecn;
    if (!enqueue(link, &link->ends[from], p)) {
        free(p);
        return;
    }
    push(link, p);
    if (chance(link, link->options.duplicate)) {
        struct tcp_link_packet *copy = malloc(sizeof(*p) + len + 1);

        memcpy(copy, p, sizeof(*p) + len + 1);
        copy->at += tcp_link_random(link) % (link->options.delay_us + 1000);
        copy->order = link->order++;
        push(link, copy);
    }
}

static void check_payload(struct tcp_link *link, int from, const struct tcp_segment *s)
{
    struct tcp_link_end *e = &link->ends[from];
    uint32_t offset = s->seq - e->isn - 1, at = 0;

    while (at < s->len) {
        struct span run = sendq_at(s->queue, s->offset + at, s->len - at);

        if (!run.len || !span_equal(run, tcp_link_bytes(offset + at, (uint32_t)run.len))) {
            fault(link, from, "sends other bytes than were queued");
            return;
        }
        at += (uint32_t)run.len;
    }
    if (e->isn_known && seq_lt(e->peer_edge + 1, s->seq + s->len))
        fault(link, from, "sends beyond the window");
}

static void check_ack(struct tcp_link *link, int from, const struct tcp_segment *s)
{
    struct tcp_link_end *e = &link->ends[from], *peer = &link->ends[!from];
    uint32_t window = (uint32_t)s->window << (s->flags & TCP_SYN ? 0 : e->scale);
    uint32_t acked = s->ack - peer->isn - 1;

    if (acked >
        peer->got_prefix + (peer->fin_sent && peer->got_prefix == peer->fin_seq - peer->isn - 1))
        fault(link, from, "acknowledges what it has not received");
    if (e->edge && seq_lt(s->ack + window + (1u << e->scale) - 1, e->edge))
        fault(link, from, "takes back a part of the window");
    e->edge = seq_max(s->ack + window, e->edge ? e->edge : s->ack + window);
}

static void check(struct tcp_link *link, int from, const struct tcp_segment *s)
{
    struct tcp_link_end *e = &link->ends[from];

    if (s->flags & TCP_SYN) {
        struct tcp_option o;

        tcp_option_parse(span_of(s->options, s->options_len), &o);
        e->isn = s->seq;
        e->isn_known = true;
        e->scale = o.scale;
        e->edge = 0;
    }
    if (s->flags & TCP_RST)
        return;
    if (s->flags & TCP_FIN) {
        e->fin_sent = true;
        e->fin_seq = s->seq + s->len;
    }
    if (s->len)
        check_payload(link, from, s);
    if (s->flags & TCP_ACK)
        check_ack(link, from, s);
}

static void transmit(struct tcp_link *link, int from, const struct tcp_segment *s)
{
    struct tcp_link_end *e = &link->ends[from];
    uint32_t cut = s->mss;

    e->log[e->sent % TCP_LINK_LOG] = *s;
    e->sent++;
    e->sent_bytes += s->len;
    e->rsts += !!(s->flags & TCP_RST);
    e->syns += !!(s->flags & TCP_SYN);
    e->fins += !!(s->flags & TCP_FIN);
    e->pure_acks += !s->len && s->flags == TCP_ACK;
    e->last = *s;
    if (s->options_len % 4 || (s->len && !cut))
        fault(link, from, "segment cannot be cut");
    if (link->track)
        check(link, from, s);
    if (chance(link, link->options.merge) || cut == 0)
        cut = s->len + 1;
    for (uint32_t offset = 0; offset == 0 || offset < s->len; offset += cut)
        launch(link, from, s, offset, s->len - offset < cut ? s->len - offset : cut);
}

/* What an arriving packet lets its receiver know. */
static void note_arrival(struct tcp_link *link, const struct tcp_link_packet *p)
{
    struct tcp_link_end *to = &link->ends[p->to], *from = &link->ends[!p->to];
    const uint8_t *h = p->header;
    uint32_t seq = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
    uint32_t ack = (uint32_t)h[8] << 24 | (uint32_t)h[9] << 16 | (uint32_t)h[10] << 8 | h[11];
    uint32_t window = (uint32_t)(h[14] << 8 | h[15]) << (h[13] & TCP_SYN ? 0 : from->scale);
    uint32_t offset = seq - from->isn - 1;

    if (h[13] & TCP_ACK)
        to->peer_edge = to->peer_edge ? seq_max(to->peer_edge, ack + window) : ack + window;
    if (h[13] & TCP_SYN)
        return;
    if (!p->len || offset >= STREAM - p->len)
        return;
    if (from->got_size < offset + p->len) {
        uint32_t size = 2 * (offset + p->len);

        from->got = realloc(from->got, size);
        memset(from->got + from->got_size, 0, size - from->got_size);
        from->got_size = size;
    }
    memset(from->got + offset, 1, p->len);
    while (from->got_prefix < from->got_size && from->got[from->got_prefix])
        from->got_prefix++;
}

static void hand_in(struct tcp_link *link, const struct tcp_link_packet *p)
{
    struct tcp_packet packet = {
        .source = p->source,
        .destination = link->ends[p->to].address,
        .header = span_of(p->header, p->header_len),
        .ecn = p->ecn,
    };
    uint32_t at = 0, step = p->len < 3000 ? p->len : p->len / TCP_PIECES + 1;

    while (at < p->len) {
        uint32_t n = p->len - at < step ? p->len - at : step;

        packet.payload[packet.pieces++] = span_of(p->payload + at, n);
        at += n;
    }
    tcp_receive(link->ends[p->to].tcp, &packet, link->now);
}

/* One turn of one end with the packets given, which it frees. */
static void turn(struct tcp_link *link, int end, struct tcp_link_packet **packets, uint32_t count)
{
    struct tcp_link_end *e = &link->ends[end];
    struct tcp_segment out[OUT];
    struct tcp_conn *conn;
    uint32_t n;

    for (uint32_t i = 0; i < count; i++) {
        if (link->track)
            note_arrival(link, packets[i]);
        hand_in(link, packets[i]);
    }
    if (e->turn)
        e->turn(link, end);
    while (!e->turn && (conn = tcp_ready(e->tcp)))
        if (e->app)
            e->app(link, end, conn);
    if (!e->turn && e->wake && e->wake <= link->now) {
        e->wake = 0;
        e->app(link, end, e->wake_conn);
    }
    tcp_settle(e->tcp);
    for (uint32_t i = 0; i < count; i++) {
        memset(packets[i]->payload, 0xdd, packets[i]->len);
        free(packets[i]);
    }
    tcp_timers(e->tcp, link->now);
    while ((n = tcp_output(e->tcp, link->now, out, 1 + (uint32_t)(tcp_link_random(link) % OUT))))
        for (uint32_t i = 0; i < n; i++)
            transmit(link, end, &out[i]);
}

/* A turn of each end that has something to do now. */
static void step(struct tcp_link *link)
{
    for (int end = 0; end < TCP_LINK_ENDS; end++) {
        struct tcp_link_packet *burst[BURST], *other[BURST];
        uint32_t n = 0, kept = 0;

        while (link->flying_count && link->flying[0]->at <= link->now && n < BURST &&
               kept < BURST) {
            struct tcp_link_packet *p = pop(link);

            if (p->to == end)
                burst[n++] = p;
            else
                other[kept++] = p;
        }
        while (kept)
            push(link, other[--kept]);
        turn(link, end, burst, n);
    }
}

uint64_t tcp_link_run(struct tcp_link *link, uint64_t until)
{
    for (;;) {
        uint64_t next = UINT64_MAX;

        step(link);
        if (link->flying_count)
            next = link->flying[0]->at;
        for (int end = 0; end < TCP_LINK_ENDS; end++) {
            uint64_t timer = tcp_next_timer(link->ends[end].tcp);

            next = timer < next ? timer : next;
            if (link->ends[end].wake && link->ends[end].wake < next)
                next = link->ends[end].wake;
        }
        if (next > until || next == UINT64_MAX) {
            if (until != UINT64_MAX)
                link->now = until > link->now ? until : link->now;
            return link->now;
        }
        link->now = next > link->now ? next : link->now;
    }
}

void tcp_link_inject(struct tcp_link *link, int end, uint16_t from_port,
                     const struct tcp_segment *segment, struct span payload)
{
    struct tcp_link_packet *p = calloc(1, sizeof(*p) + payload.len + 1);
    struct tcp_segment s = *segment;

    s.source_port = from_port;
    p->to = end;
    p->source =
        ip_address_equal(&s.source, &(struct ip_address){0}) ? link->ends[!end].address : s.source;
    p->len = (uint32_t)payload.len;
    p->ecn = s.ecn;
    if (payload.len)
        memcpy(p->payload, payload.data, payload.len);
    write_header(p, &s, s.seq, s.flags);
    turn(link, end, &p, 1);
}
