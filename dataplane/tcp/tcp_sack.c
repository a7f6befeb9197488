/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_sack.h"

#include "dataplane/tcp/tcp_timer.h"

void tcp_sack_init(struct tcp *tcp)
{
    for (uint32_t i = 0; i < TCP_DUPLICATES; i++)
        tcp->duplicates[i].conn = CONN_NONE;
}

static struct tcp_duplicate *duplicate_of(struct tcp *tcp, const struct tcp_conn *conn)
{
    return &tcp->duplicates[conn->index % TCP_DUPLICATES];
}

void tcp_sack_forget(struct tcp *tcp, const struct tcp_conn *conn)
{
    struct tcp_duplicate *d = duplicate_of(tcp, conn);

    if (d->conn == conn->index)
        d->conn = CONN_NONE;
}

void tcp_sack_duplicate(struct tcp *tcp, const struct tcp_conn *conn, uint32_t start, uint32_t end)
{
    struct tcp_duplicate *d = duplicate_of(tcp, conn);

    if (!seq_lt(start, end))
        return;
    tcp->counters.drop_again++;
    if (conn->modes & TCP_MODE_SACK && d->conn != conn->index)
        *d = (struct tcp_duplicate){conn->index, start, end};
}

void tcp_sack_report(struct tcp *tcp, const struct tcp_conn *conn, struct tcp_option *o)
{
    struct tcp_duplicate *d = duplicate_of(tcp, conn);
    uint32_t max = o->present & TCP_OPTION_TIMESTAMPS ? TCP_SACK_BLOCKS - 1 : TCP_SACK_BLOCKS;
    uint32_t n = 0;

    if (!(conn->modes & TCP_MODE_SACK))
        return;
    if (d->conn == conn->index) { /* RFC 2883 section 4: the first block, in one acknowledgement */
        o->sack[n++] = (struct tcp_sack_block){d->start, d->end};
        d->conn = CONN_NONE;
        tcp->counters.duplicates_out++;
    }
    if (conn->ooo)
        n += tcp_reassembly_ranges(conn, o->sack + n, max - n);
    o->sack_count = (uint8_t)n;
    if (n)
        o->present |= TCP_OPTION_SACK;
}

/* What reading one acknowledgement needs at hand. */
struct reading {
    struct tcp *tcp;
    const struct tcp_conn *conn;
    struct tcp_flight *f;
    const struct tcp_input *in;
    struct tcp_delivery *d;
};

/* RFC 8985 section 6.2 step 2: the timestamp that comes back is older than this transmission. */
static bool stale(const struct reading *r, uint32_t time)
{
    uint64_t sent = r->tcp->now - (uint32_t)((uint32_t)r->tcp->now - time);

    return r->conn->flags & CONN_TIMESTAMPS && r->in->option.present & TCP_OPTION_TIMESTAMPS &&
           seq_lt(r->in->option.ts_echo - r->conn->ts_offset, (uint32_t)(sent / 1000));
}

/* `bytes` that end at `end`, a part of the record, have arrived. */
static void arrived(const struct reading *r, const struct tcp_sent *s, uint32_t end, uint32_t bytes)
{
    uint32_t now = (uint32_t)r->tcp->now, rtt = now - s->time;
    bool resent = s->flags & SENT_RESENT;
    struct tcp_delivery *d = r->d;

    d->delivered += bytes;
    tcp_rack_arrived(&r->f->rack, end, s->time, resent, resent && stale(r, s->time), now);
    if (resent) {
        d->resent = true;
        return;
    }
    rtt = rtt ? rtt : 1;
    if (rtt > d->rtt)
        d->rtt = rtt;
    if (!d->rtt_least || rtt < d->rtt_least)
        d->rtt_least = rtt;
}

static void read_acknowledged(const struct reading *r)
{
    struct tcp_flight *f = r->f;
    uint32_t una = r->conn->snd_una, ack = r->in->ack, start = una;

    for (uint32_t i = 0; i < f->count && seq_lt(start, ack); i++) {
        uint32_t end = seq_min(f->sent[i].end, ack);

        if (!(f->sent[i].flags & SENT_SACKED))
            arrived(r, &f->sent[i], end, end - start);
        start = end;
    }
    tcp_flight_acked(f, una, ack);
}

/* RFC 2883 section 4: below the acknowledgement, or within the second block. */
static bool is_duplicate(const struct tcp_option *o, uint32_t ack)
{
    const struct tcp_sack_block *b = o->sack;

    return seq_le(b[0].end, ack) ||
           (o->sack_count > 1 && seq_le(b[1].start, b[0].start) && seq_le(b[0].end, b[1].end));
}

static void read_block(const struct reading *r, struct tcp_sack_block block)
{
    struct tcp_flight *f = r->f;
    uint32_t una = r->in->ack, i = 0;

    while (i < f->count && seq_le(f->sent[i].end, block.start))
        i++;
    for (; i < f->count && seq_lt(tcp_flight_start(f, una, i), block.end); i++) {
        uint32_t before = f->sacked, at;

        if (f->sent[i].flags & SENT_SACKED)
            continue;
        at = tcp_flight_sack(f, una, i, block.start, block.end);
        if (at == TCP_SENT)
            continue;
        i = at;
        r->d->sacked += f->sacked - before;
        arrived(r, &f->sent[i], f->sent[i].end, f->sacked - before);
    }
}

void tcp_sack_read(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                   const struct tcp_input *in, struct tcp_delivery *d)
{
    struct reading r = {tcp, conn, f, in, d};
    const struct tcp_option *o = &in->option;
    uint32_t first = 0;

    tcp_rack_begin(&f->rack);
    if (d->acked)
        read_acknowledged(&r);
    if (!(conn->modes & TCP_MODE_SACK) || !(o->present & TCP_OPTION_SACK))
        return;
    if (seq_lt(o->sack[0].start, o->sack[0].end) && is_duplicate(o, in->ack)) {
        d->duplicate = seq_le(in->ack - conn->max_wnd, o->sack[0].start);
        d->duplicate_end = o->sack[0].end;
        tcp->counters.duplicates_in += d->duplicate;
        first = 1;
    }
    for (uint32_t i = first; i < o->sack_count; i++)
        if (seq_le(in->ack, o->sack[i].start) && seq_lt(o->sack[i].start, o->sack[i].end) &&
            seq_le(o->sack[i].end, conn->snd_max))
            read_block(&r, o->sack[i]);
    if (d->sacked)
        tcp_flight_join(f);
}
