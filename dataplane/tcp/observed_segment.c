/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/observed_flow.h"

#include "dataplane/tcp/tcp_sequence.h"

enum { ACK_REACH = 1 << 30 };

static void tell(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                 enum tcp_observer_event event, uint32_t len)
{
    observed_flow_tell(o, f,
                       &(struct tcp_observation){.event = event,
                                                 .direction = d,
                                                 .offset = f->sides[d].offset,
                                                 .len = len,
                                                 .time_ns = o->now});
}

static enum tcp_direction direction_of(const struct observed_flow *f,
                                       const struct observed_segment *s)
{
    return s->from_low == f->low_is_client ? TCP_TO_SERVER : TCP_TO_CLIENT;
}

/* The opening was guessed wrong, and nobody was told yet. */
static void turn_round(struct observed_flow *f)
{
    struct tcp_observed_flow *shown = &f->shown;
    struct observed_side side = f->sides[0];
    struct tcp_observed_side told = shown->side[0];
    struct ip_address address = shown->client;
    uint16_t port = shown->client_port;

    f->sides[0] = f->sides[1];
    f->sides[1] = side;
    shown->side[0] = shown->side[1];
    shown->side[1] = told;
    shown->client = shown->server;
    shown->server = address;
    shown->client_port = shown->server_port;
    shown->server_port = port;
    f->low_is_client = !f->low_is_client;
}

/* A SYN's side begins behind it. */
static void open_side(struct observed_flow *f, enum tcp_direction d,
                      const struct observed_segment *s)
{
    struct observed_side *side = &f->sides[d];

    if (!side->synced)
        side->next = s->seq + 1;
    side->synced = side->opened = side->has_isn = true;
    side->isn = s->seq;
    side->has_scale = s->option.present & TCP_OPTION_SCALE;
    side->scale = s->option.scale;
    f->shown.side[d].opened = true;
    f->shown.guessed = false;
}

/* False: the SYN is none of this flow's, and the segment is not looked at further. */
static bool take_syn(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction *d,
                     const struct observed_segment *s)
{
    bool by_server = *d == TCP_TO_CLIENT;
    struct observed_side *side;

    if (f->shown.guessed && !f->begun && by_server != !!(s->flags & TCP_ACK)) {
        turn_round(f);
        *d = direction_of(f, s);
    }
    side = &f->sides[*d];
    if (s->doubt & (DOUBT_CHECKSUM | DOUBT_TTL))
        return false;
    if (side->opened && side->isn == s->seq)
        return true;
    if (side->synced && (!side->has_isn || side->isn != s->seq)) {
        side->has_syn_other = true;
        side->syn_other = s->seq;
        tell(o, f, *d, TCP_OBSERVED_SYN_INSIDE, 0);
        return false;
    }
    open_side(f, *d, s);
    /* What a SYN+ACK acknowledges is the other side's first number (RFC 9293 section 3.5). */
    if (s->flags & TCP_ACK && !f->sides[!*d].synced) {
        f->sides[!*d].synced = f->sides[!*d].has_isn = true;
        f->sides[!*d].next = s->ack;
        f->sides[!*d].isn = s->ack - 1;
    }
    return true;
}

/* The right edge of the window that the segment opens to the other side. */
static void take_window(struct observed_flow *f, enum tcp_direction d,
                        const struct observed_segment *s)
{
    const struct observed_side *side = &f->sides[d];
    struct observed_side *peer = &f->sides[!d];
    uint32_t edge;
    uint8_t scale = 0;

    if (!side->opened || !peer->opened)
        return;
    if (!(s->flags & TCP_SYN) && side->has_scale && peer->has_scale)
        scale = side->scale;
    edge = s->ack + (s->window << scale);
    peer->edge = peer->has_edge ? seq_max(peer->edge, edge) : edge;
    peer->has_edge = true;
}

static void take_ack(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                     const struct observed_segment *s)
{
    struct observed_side *peer = &f->sides[!d];

    /* Not a number that these bytes could have. */
    if (peer->synced && s->ack + ACK_REACH - peer->next >= 2u * ACK_REACH)
        return;
    if (!peer->has_ack) {
        peer->has_ack = true;
        peer->acked = peer->first_ack = s->ack;
    }
    if (!peer->synced)
        peer->first_ack = seq_min(peer->first_ack, s->ack);
    take_window(f, d, s);
    if (seq_lt(peer->acked, s->ack)) {
        peer->acked = s->ack;
        observed_bytes_acked(o, peer);
    }
    if (f->queue == QUEUE_OPENING && d == TCP_TO_SERVER && peer->opened &&
        s->ack == peer->isn + 1 && f->sides[d].synced) {
        observed_flow_begin(o, f);
        observed_flow_queue(o, f, QUEUE_ALIVE);
    }
}

/*
 * A receiver believes a reset that names exactly the number it expects (RFC 5961 section 3.2), or,
 * to its SYN, one that acknowledges it (RFC 9293 section 3.10.7.3).
 */
static bool reset_exact(const struct observed_flow *f, enum tcp_direction d,
                        const struct observed_segment *s)
{
    const struct observed_side *side = &f->sides[d], *peer = &f->sides[!d];

    if (side->has_ack && s->seq == side->acked)
        return true;
    if (side->synced && (s->seq == side->next || s->seq == side->highest))
        return true;
    return !side->synced && peer->opened && s->flags & TCP_ACK && s->ack == peer->isn + 1;
}

static void take_reset(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                       const struct observed_segment *s)
{
    if (f->reset)
        return;
    if (s->doubt & (DOUBT_CHECKSUM | DOUBT_TTL) || !reset_exact(f, d, s)) {
        o->counters.drop_reset++;
        tell(o, f, d, TCP_OBSERVED_RESET_IGNORED, 0);
        return;
    }
    /* Segments from before it may still come. */
    f->reset = true;
    observed_flow_queue(o, f, QUEUE_CLOSING);
}

static void take_doubts(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                        struct observed_segment *s)
{
    struct observed_side *side = &f->sides[d];
    uint32_t len = (uint32_t)s->payload.len, end = s->seq + len;
    bool weighs = len || s->flags & (TCP_FIN | TCP_RST);
    uint8_t ttl = s->packet->hop_limit;

    if (s->doubt) {
        f->shown.side[d].dropped += !!(s->doubt & DOUBT_CHECKSUM);
        tell(o, f, d, TCP_OBSERVED_CHECKSUM, len);
    }
    if (!side->ttl_known && !(s->doubt & DOUBT_CHECKSUM)) {
        side->ttl_known = true;
        side->ttl = ttl;
    }
    if (weighs && o->options.ttl_drop && side->ttl_known &&
        ttl + o->options.ttl_drop <= side->ttl) {
        s->doubt |= DOUBT_TTL;
        tell(o, f, d, TCP_OBSERVED_TTL, len);
    }
    if (s->packet->doubtful)
        s->doubt |= DOUBT_PACKET;
    if (!len)
        return;
    if (s->flags & TCP_SYN) {
        s->doubt |= DOUBT_SYN;
        tell(o, f, d, TCP_OBSERVED_SYN_DATA, len);
    } else if (!(s->flags & TCP_ACK)) {
        s->doubt |= DOUBT_NO_ACK;
        tell(o, f, d, TCP_OBSERVED_NO_ACK, len);
    }
    if (side->synced && side->has_ts && s->option.present & TCP_OPTION_TIMESTAMPS &&
        seq_lt(s->option.ts_value, side->ts_recent) && seq_lt(side->next, end)) {
        s->doubt |= DOUBT_PAWS;
        tell(o, f, d, TCP_OBSERVED_PAWS, len);
    }
    if (side->has_edge && !f->alone && seq_lt(side->edge, end)) {
        s->doubt |= DOUBT_WINDOW;
        if (len > 1 && seq_le(side->edge, s->seq)) /* one byte: a probe of a closed window */
            tell(o, f, d, TCP_OBSERVED_WINDOW, len);
    }
    if (s->flags & TCP_URG)
        tell(o, f, d, TCP_OBSERVED_URGENT, len);
}

/* TS.Recent moves with what is in order (RFC 7323 section 4.3). */
static void take_timestamp(struct observed_side *side, const struct observed_segment *s)
{
    if (s->doubt || !(s->option.present & TCP_OPTION_TIMESTAMPS))
        return;
    if (!side->has_ts ||
        (side->synced && seq_le(s->seq, side->next) && seq_lt(side->ts_recent, s->option.ts_value)))
        side->ts_recent = s->option.ts_value;
    side->has_ts = true;
}

bool observed_segment_reuses(const struct observed_flow *f, const struct observed_segment *s)
{
    enum tcp_direction d = direction_of(f, s);
    const struct observed_side *side = &f->sides[d], *peer = &f->sides[!d];

    if (!(s->flags & TCP_SYN) || s->flags & TCP_RST || s->doubt & DOUBT_CHECKSUM)
        return false;
    if (s->flags & TCP_ACK)
        return peer->has_syn_other && s->ack == peer->syn_other + 1;
    if (side->has_isn && side->isn == s->seq)
        return false;
    /* A new attempt after an unanswered one; a new connection after an ended one. */
    return f->over || f->reset || (side->opened && !peer->synced && !side->offset) ||
           (side->finished && peer->finished);
}

void observed_segment_take(struct tcp_observer *o, struct observed_flow *f,
                           struct observed_segment *s)
{
    enum tcp_direction d = direction_of(f, s);
    struct observed_side *side;
    uint32_t end;

    if (f->over) {
        o->counters.drop_closed += s->payload.len > 0;
        return;
    }
    f->shown.last_ns = o->now;
    take_doubts(o, f, d, s);
    if (s->flags & TCP_SYN && !(s->flags & TCP_RST) && !take_syn(o, f, &d, s))
        return;
    side = &f->sides[d];
    f->shown.side[d].packets++;
    f->shown.side[d].seen = true;
    f->shown.side[d].last_ns = o->now;
    if (f->alone && f->missing == d) {
        f->alone = false;
        f->silent = 0;
        if (!side->synced && !s->payload.len && !s->cut) {
            side->synced = true;
            side->next = s->seq;
        }
    }
    if (f->losses != o->losses) {
        f->losses = o->losses;
        tell(o, f, d, TCP_OBSERVED_CAPTURE_GAP, 0);
    }
    if (s->flags & TCP_RST) {
        take_reset(o, f, d, s);
        return;
    }
    take_timestamp(side, s);
    if (s->flags & TCP_ACK && !(s->doubt & (uint8_t) ~(DOUBT_WINDOW | DOUBT_OFFLOAD)))
        take_ack(o, f, d, s);
    end = s->seq + (uint32_t)s->payload.len + s->cut + !!(s->flags & TCP_FIN) +
          !!(s->flags & TCP_SYN);
    if (!(s->doubt & (uint8_t)~DOUBT_OFFLOAD) &&
        (f->shown.side[d].packets == 1 || seq_lt(side->highest, end)))
        side->highest = end;
    if (s->payload.len || s->cut || s->flags & TCP_FIN)
        observed_bytes_take(o, f, d, s);
    observed_bytes_progress(o, f);
    observed_flow_settle(o, f);
}
