/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_flight.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_conn.h"

bool tcp_flight_pool_init(struct tcp *tcp, uint32_t count)
{
    tcp->flight_free = CONN_NONE;
    tcp->flight_count = count;
    tcp->flights = malloc((size_t)count * sizeof(*tcp->flights));
    if (tcp->flights && tcp->options.prefault)
        memset(tcp->flights, 0, (size_t)count * sizeof(*tcp->flights));
    return tcp->flights;
}

/* The block that came back last, or one that was never used: memory that the most at a time did not
 * need is never touched. */
static uint32_t take_free(struct tcp *tcp)
{
    uint32_t i = tcp->flight_free;

    if (i != CONN_NONE)
        tcp->flight_free = tcp->flights[i].next;
    else if (tcp->flights_fresh < tcp->flight_count)
        i = tcp->flights_fresh++;
    return i;
}

void tcp_flight_pool_fini(struct tcp *tcp)
{
    free(tcp->flights);
}

struct tcp_flight *tcp_flight_take(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t now = (uint32_t)tcp->now;
    struct tcp_flight *f;

    if (conn->flight != CONN_NONE)
        return &tcp->flights[conn->flight];
    conn->flight = take_free(tcp);
    if (conn->flight == CONN_NONE) {
        tcp->counters.no_flight++;
        return NULL;
    }
    f = &tcp->flights[conn->flight];
    tcp->flights_used++;
    memset(f, 0, offsetof(struct tcp_flight, sent));
    f->limited = f->rtt_end = conn->snd_una;
    /* A probe of the flight before may not be judged yet: RFC 8985 section 7.4. */
    f->probe_again = conn->modes & TCP_MODE_PROBED;
    f->probe_end = conn->snd_una;
    f->sampled = conn->rto.srtt != 0;
    tcp_rack_init(&f->rack, conn->snd_una, conn->rto.srtt, conn->modes & TCP_MODE_REORDERS);
    tcp_hystart_init(&f->hystart, conn->snd_max);
    if (conn->snd_max != conn->snd_una) {
        f->sent[0] = (struct tcp_sent){conn->snd_max, now, SENT_RESENT};
        f->count = 1;
    }
    return f;
}

void tcp_flight_give(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_flight_of(tcp, conn);

    if (!f)
        return;
    conn->modes &= (uint16_t) ~(TCP_MODE_PROBED | TCP_MODE_REORDERS);
    if (f->probe_again)
        conn->modes |= TCP_MODE_PROBED;
    if (f->rack.reordering)
        conn->modes |= TCP_MODE_REORDERS;
    f->next = tcp->flight_free;
    tcp->flight_free = conn->flight;
    tcp->flights_used--;
    conn->flight = CONN_NONE;
}

static uint32_t length(const struct tcp_flight *f, uint32_t una, uint32_t i)
{
    return f->sent[i].end - tcp_flight_start(f, una, i);
}

/* The record that `seq` lies in; count when it is behind all. */
static uint32_t find(const struct tcp_flight *f, uint32_t seq)
{
    uint32_t low = 0, high = f->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (seq_lt(seq, f->sent[middle].end))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Makes record `i` two, the first of which ends at `seq`. The caller has seen that one is free. */
static void split(struct tcp_flight *f, uint32_t i, uint32_t seq)
{
    memmove(&f->sent[i + 1], &f->sent[i], (f->count - i) * sizeof(f->sent[0]));
    f->sent[i].end = seq;
    f->count++;
}

void tcp_flight_clear(struct tcp_flight *f, uint32_t una, uint32_t i)
{
    struct tcp_sent *s = &f->sent[i];

    if (s->flags & SENT_SACKED)
        f->sacked -= length(f, una, i);
    if (s->flags & SENT_LOST)
        f->lost -= length(f, una, i);
    s->flags &= ~(uint32_t)(SENT_SACKED | SENT_LOST);
}

void tcp_flight_lose(struct tcp_flight *f, uint32_t una, uint32_t i)
{
    tcp_flight_clear(f, una, i);
    f->sent[i].flags |= SENT_LOST;
    f->lost += length(f, una, i);
}

uint32_t tcp_flight_sack(struct tcp_flight *f, uint32_t una, uint32_t i, uint32_t seq, uint32_t end)
{
    bool front = seq_lt(tcp_flight_start(f, una, i), seq), back = seq_lt(end, f->sent[i].end);

    if (f->count + front + back > TCP_SENT - TCP_SENT_SPARE && (front || back))
        return TCP_SENT;
    if (front)
        split(f, i++, seq);
    if (back)
        split(f, i, end);
    tcp_flight_clear(f, una, i);
    f->sent[i].flags |= SENT_SACKED;
    f->sacked += length(f, una, i);
    return i;
}

/* New data behind all that is covered. */
static void append(struct tcp_flight *f, uint32_t una, uint32_t end, uint32_t now)
{
    struct tcp_sent *last = f->count ? &f->sent[f->count - 1] : NULL;
    bool few = f->count < TCP_SENT - TCP_SENT_SPARE / 2;

    if (last && !last->flags && (!few || (!f->apart && now - last->time <= tcp_flight_grain(f)))) {
        last->end = end;
        if (!few)
            last->time = now;
        return;
    }
    if (f->count == TCP_SENT) { /* what is forgotten about it is sent once too often at worst */
        tcp_flight_clear(f, una, f->count - 1u);
        last->end = end;
        last->time = now;
        return;
    }
    f->sent[f->count++] = (struct tcp_sent){end, now, 0};
    f->apart = false;
}

static void again(struct tcp_flight *f, uint32_t una, uint32_t seq, uint32_t end, uint32_t now)
{
    uint32_t i = find(f, seq);

    if (tcp_flight_start(f, una, i) != seq && f->count < TCP_SENT)
        split(f, i++, seq);
    for (; i < f->count && seq_lt(tcp_flight_start(f, una, i), end); i++) {
        if (seq_lt(end, f->sent[i].end) && f->count < TCP_SENT)
            split(f, i, end);
        if (f->sent[i].flags & SENT_SACKED)
            continue;
        tcp_flight_clear(f, una, i);
        f->sent[i].flags |= SENT_RESENT;
        f->sent[i].time = now;
    }
}

void tcp_flight_sent(struct tcp_flight *f, uint32_t una, uint32_t seq, uint32_t end, uint32_t now)
{
    uint32_t edge = una + tcp_flight_bytes(f, una);

    if (seq_lt(seq, edge)) {
        f->apart = true;
        again(f, una, seq, seq_min(end, edge), now);
        tcp_flight_join(f);
    }
    if (seq_lt(edge, end))
        append(f, una, end, now);
}

void tcp_flight_acked(struct tcp_flight *f, uint32_t una, uint32_t ack)
{
    uint32_t n = 0;

    while (n < f->count && seq_le(f->sent[n].end, ack)) {
        tcp_flight_clear(f, una, n);
        n++;
    }
    if (n < f->count) {
        uint32_t front = ack - tcp_flight_start(f, una, n);

        if (f->sent[n].flags & SENT_SACKED)
            f->sacked -= front;
        if (f->sent[n].flags & SENT_LOST)
            f->lost -= front;
    }
    f->count = (uint16_t)(f->count - n);
    memmove(f->sent, f->sent + n, f->count * sizeof(f->sent[0]));
}

static bool alike(const struct tcp_sent *a, const struct tcp_sent *b, uint32_t grain)
{
    if (a->flags != b->flags)
        return false;
    /* The time of what is SACKED or lost matters no more. */
    if (a->flags & (SENT_SACKED | SENT_LOST))
        return true;
    return b->time - a->time <= grain;
}

void tcp_flight_join(struct tcp_flight *f)
{
    uint32_t kept = 0, grain = f->count < TCP_SENT - TCP_SENT_SPARE / 2 ? 0 : tcp_flight_grain(f);

    for (uint32_t i = 1; i < f->count; i++) {
        if (alike(&f->sent[kept], &f->sent[i], grain))
            f->sent[kept].end = f->sent[i].end;
        else
            f->sent[++kept] = f->sent[i];
    }
    if (f->count)
        f->count = (uint16_t)(kept + 1);
}

uint32_t tcp_flight_first_lost(const struct tcp_flight *f)
{
    if (!f->lost)
        return TCP_SENT;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->sent[i].flags & SENT_LOST)
            return i;
    return TCP_SENT;
}
