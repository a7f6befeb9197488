/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/observed_flow.h"

#include "dataplane/tcp/tcp_sequence.h"

/* No window is wider (RFC 7323 section 2.3). */
enum { WINDOW_MAX = 1 << 30 };

static struct interval *held(const struct observed_side *side)
{
    return side->kept_last ? side->kept_last->next : side->list.first;
}

/* The receiver has said that it holds all before `end`. */
static bool acked_to(const struct observed_side *side, uint32_t end)
{
    return side->has_ack && seq_le(end, side->acked);
}

/* What the sender had received when it sent this was delivered. */
static bool follows(const struct observed_flow *f, enum tcp_direction d, uint32_t after)
{
    const struct observed_side *peer = &f->sides[!d];

    return f->alone || (peer->synced && seq_le(after, peer->next));
}

/* The doubts that still stand. */
static uint8_t doubts_left(const struct observed_flow *f, const struct observed_side *side,
                           const struct interval *i)
{
    uint8_t doubt = i->doubt;

    if (acked_to(side, interval_end(i)))
        return 0;
    if (!side->has_edge || seq_le(interval_end(i), side->edge))
        doubt &= (uint8_t)~DOUBT_WINDOW;
    return f->alone ? doubt & DOUBT_CHECKSUM : doubt;
}

static void trim_kept(struct tcp_observer *o, struct observed_side *side)
{
    while (side->kept &&
           (side->kept > o->keep_blocks || acked_to(side, interval_end(side->list.first)))) {
        if (side->list.first == side->kept_last)
            side->kept_last = NULL;
        interval_drop_first(o->store, &side->list);
        side->kept--;
    }
}

void observed_bytes_acked(struct tcp_observer *o, struct observed_side *side)
{
    trim_kept(o, side);
}

void observed_bytes_drop(struct tcp_observer *o, struct observed_flow *f)
{
    for (int d = 0; d < TCP_DIRECTIONS; d++) {
        interval_drop_all(o->store, &f->sides[d].list);
        f->sides[d].kept_last = NULL;
        f->sides[d].kept = 0;
    }
}

static void tell(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                 enum tcp_observer_event event)
{
    observed_flow_tell(
        o, f,
        &(struct tcp_observation){
            .event = event, .direction = d, .offset = f->sides[d].offset, .time_ns = o->now});
}

static void deliver(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                    struct span bytes)
{
    struct observed_side *side = &f->sides[d];
    uint64_t offset = side->offset;

    if (f->queue == QUEUE_OPENING)
        observed_flow_queue(o, f, QUEUE_ALIVE);
    observed_flow_begin(o, f);
    side->next += (uint32_t)bytes.len;
    side->offset += bytes.len;
    f->shown.side[d].bytes += bytes.len;
    o->counters.bytes += bytes.len;
    o->calls.flow_bytes(o->calls.context, &f->shown, d, bytes, offset, o->now);
}

static void skip(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                 uint32_t len)
{
    struct observed_side *side = &f->sides[d];
    uint64_t offset = side->offset;

    observed_flow_begin(o, f);
    side->next += len;
    side->offset += len;
    f->shown.side[d].gap_bytes += len;
    f->shown.side[d].gaps++;
    o->counters.gaps++;
    o->counters.gap_bytes += len;
    o->calls.flow_gap(o->calls.context, &f->shown, d, offset, len, o->now);
}

/* Bytes that a capture cut off a segment never come, unless they are held from another one. */
static void skip_cut(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                     uint32_t cut)
{
    struct observed_side *side = &f->sides[d];
    const struct interval *i = held(side);

    if (i && seq_lt(i->seq, side->next + cut))
        cut = i->seq - side->next;
    if (side->has_fin && seq_lt(side->fin, side->next + cut))
        cut = seq_le(side->fin, side->next) ? 0 : side->fin - side->next;
    if (cut)
        skip(o, f, d, cut);
}

static void tell_taken(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                       const struct interval *i)
{
    if (i->doubt & (DOUBT_CHECKSUM | DOUBT_OFFLOAD))
        tell(o, f, d, TCP_OBSERVED_CHECKSUM_TAKEN);
    if (i->doubt & DOUBT_TTL) /* the way has changed */
        f->sides[d].ttl = i->ttl;
}

/* Delivers the first that is held, at `next`. */
static void deliver_held(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                         struct interval *i)
{
    struct observed_side *side = &f->sides[d];
    uint32_t cut = i->cut;

    tell_taken(o, f, d, i);
    side->kept_last = i;
    side->kept++;
    deliver(o, f, d, interval_bytes(i));
    trim_kept(o, side);
    if (cut)
        skip_cut(o, f, d, cut);
}

static bool fin_ready(const struct observed_flow *f, enum tcp_direction d)
{
    const struct observed_side *side = &f->sides[d];

    return side->synced && side->has_fin && !side->finished && side->next == side->fin &&
           (!side->fin_doubtful || f->alone || acked_to(side, side->fin + 1));
}

static void finish(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];

    side->finished = true;
    side->next++;
    while (held(side)) {
        tell(o, f, d, TCP_OBSERVED_BEHIND_END);
        o->counters.drop_closed++;
        interval_drop(o->store, &side->list, side->kept_last);
    }
    f->shown.side[d].finished = true;
    observed_flow_begin(o, f);
    o->calls.flow_finished(o->calls.context, &f->shown, d, o->now);
}

static bool progress_side(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];
    struct interval *i;
    bool moved = false;

    if (!side->synced)
        return false;
    while ((i = held(side)) && i->seq == side->next && !doubts_left(f, side, i) &&
           follows(f, d, i->after)) {
        deliver_held(o, f, d, i);
        moved = true;
    }
    if (fin_ready(f, d) && follows(f, d, side->fin_after)) {
        finish(o, f, d);
        moved = true;
    }
    return moved;
}

/* In order and beyond doubt, but its sender had more of the other side's bytes than were delivered.
 */
static struct interval *ahead(const struct observed_flow *f, enum tcp_direction d)
{
    const struct observed_side *side = &f->sides[d];
    struct interval *i = held(side);

    return side->synced && i && i->seq == side->next && !doubts_left(f, side, i) &&
                   !follows(f, d, i->after)
               ? i
               : NULL;
}

/*
 * Each side's bytes acknowledge the other's: one of them came again, with a newer acknowledgement
 * than it had the first time, which the capture missed. What the other acknowledges of it was there
 * before.
 */
static bool untie(struct tcp_observer *o, struct observed_flow *f)
{
    struct interval *up = ahead(f, TCP_TO_SERVER), *down = ahead(f, TCP_TO_CLIENT), *i;
    enum tcp_direction d;
    uint32_t len;

    if (!up || !down)
        return false;
    d = seq_lt(up->after, down->origin_end) && seq_le(up->origin_end, down->after) ? TCP_TO_CLIENT
                                                                                   : TCP_TO_SERVER;
    i = d == TCP_TO_SERVER ? up : down;
    len = (d == TCP_TO_SERVER ? down : up)->after - i->seq;
    if (len >= i->len) {
        deliver_held(o, f, d, i);
        return true;
    }
    deliver(o, f, d, span_head(interval_bytes(i), len));
    i->at = (uint16_t)(i->at + len);
    i->len = (uint16_t)(i->len - len);
    i->seq += len;
    return true;
}

bool observed_bytes_progress(struct tcp_observer *o, struct observed_flow *f)
{
    bool moved = false;

    while (progress_side(o, f, TCP_TO_SERVER) || progress_side(o, f, TCP_TO_CLIENT) || untie(o, f))
        moved = true;
    return moved;
}

/* Bytes are missing before what is held, or before the FIN: how many. */
static uint32_t hole(const struct observed_side *side)
{
    const struct interval *i = held(side);
    bool fin =
        side->has_fin && !side->fin_doubtful && !side->finished && seq_lt(side->next, side->fin);

    if (!side->synced)
        return 0;
    if (fin && (!i || seq_le(side->fin, i->seq)))
        return side->fin - side->next;
    return i ? i->seq - side->next : 0;
}

/* The receiver has them, or cannot be asked: they went by unseen. */
static bool hole_overdue(const struct observed_flow *f, enum tcp_direction d)
{
    const struct observed_side *side = &f->sides[d];

    return hole(side) && (f->alone || !f->shown.side[!d].seen ||
                          (side->has_ack && seq_lt(side->next, side->acked)));
}

/* In order, but the other side or the window is not as far. */
static bool blocked(const struct observed_flow *f, enum tcp_direction d)
{
    const struct observed_side *side = &f->sides[d];
    const struct interval *i = held(side);

    if (!side->synced)
        return i;
    if (i && i->seq == side->next)
        return !(doubts_left(f, side, i) & (uint8_t)~DOUBT_WINDOW) &&
               (doubts_left(f, side, i) || !follows(f, d, i->after));
    return !i && fin_ready(f, d) && !follows(f, d, side->fin_after);
}

bool observed_bytes_waiting(const struct tcp_observer *o, const struct observed_flow *f)
{
    for (enum tcp_direction d = TCP_TO_SERVER; d < TCP_DIRECTIONS; d++)
        if (hole_overdue(f, d) || blocked(f, d))
            return true;
    return false;
}

/* A direction whose opening was not seen starts with the lowest number that anybody named. */
static void sync_midstream(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];
    uint32_t lowest = side->list.first->seq;

    side->synced = true;
    side->next = lowest;
    if (side->has_ack && seq_lt(side->first_ack, lowest) && lowest - side->first_ack < WINDOW_MAX)
        side->next = side->first_ack;
    o->counters.flows_midstream += !f->shown.side[!d].events && !f->begun;
    tell(o, f, d, TCP_OBSERVED_MIDSTREAM);
}

/* Gives up what is in doubt and was never acknowledged. */
static void drop_doubtful(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];

    if (held(side)->doubt & DOUBT_CHECKSUM)
        o->counters.drop_checksum++;
    else
        o->counters.drop_doubtful++;
    f->shown.side[d].dropped++;
    interval_drop(o->store, &side->list, side->kept_last);
}

/* In doubt still; a window counts only as long as its receiver is heard of, and at the end (`all`)
 * a packet that may have been dropped is better than none. */
static bool stands(const struct observed_flow *f, enum tcp_direction d, const struct interval *i,
                   bool all)
{
    uint8_t doubt = doubts_left(f, &f->sides[d], i);

    if (doubt == DOUBT_PACKET)
        return !all;
    if (doubt == DOUBT_WINDOW)
        return f->shown.side[!d].seen && f->shown.side[!d].last_ns >= f->wait_ns;
    return doubt;
}

/* One step for a direction that is stuck. False: nothing to do. */
static bool force_side(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                       bool all)
{
    struct observed_side *side = &f->sides[d];
    struct interval *i = held(side);

    if (i && !side->synced) {
        sync_midstream(o, f, d);
        return true;
    }
    if (hole(side)) {
        if (!hole_overdue(f, d) && (!all || !i))
            return false;
        skip(o, f, d, hole(side));
        return true;
    }
    if (i && stands(f, d, i, all)) {
        if (all)
            drop_doubtful(o, f, d);
        return all;
    }
    if (i)
        deliver_held(o, f, d, i);
    else if (fin_ready(f, d))
        finish(o, f, d);
    else
        return false;
    return true;
}

/* Whether a direction can go on without the other: then its hole, if any, is the one to blame. */
static bool independent(const struct observed_flow *f, enum tcp_direction d)
{
    const struct interval *i = held(&f->sides[d]);

    return i && follows(f, d, i->after);
}

static void notice_silence(struct tcp_observer *o, struct observed_flow *f)
{
    enum { SILENT_WAITS = 3 };

    for (enum tcp_direction d = TCP_TO_SERVER; d < TCP_DIRECTIONS && !f->alone; d++) {
        const struct tcp_observed_side *peer = &f->shown.side[!d];

        if (!held(&f->sides[d]) || (peer->seen && peer->last_ns >= f->wait_ns))
            continue;
        if (peer->seen && ++f->silent < SILENT_WAITS)
            continue;
        f->alone = true;
        f->missing = !d;
        tell(o, f, d, TCP_OBSERVED_ONE_SIDED);
    }
}

/* A direction in midstream that has said nothing yet but acknowledgements: they name its number. */
static void sync_listener(struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];

    if (side->synced || side->list.first || !f->shown.side[d].packets)
        return;
    side->synced = true;
    side->next = side->highest;
}

void observed_bytes_force(struct tcp_observer *o, struct observed_flow *f, bool all)
{
    bool moved = true;

    sync_listener(f, TCP_TO_SERVER);
    sync_listener(f, TCP_TO_CLIENT);
    if (!all)
        notice_silence(o, f);
    while (moved) {
        enum tcp_direction first;

        observed_bytes_progress(o, f);
        first = independent(f, TCP_TO_CLIENT) && !independent(f, TCP_TO_SERVER) ? TCP_TO_CLIENT
                                                                                : TCP_TO_SERVER;
        moved = force_side(o, f, first, all) || force_side(o, f, !first, all);
    }
}

struct differing {
    struct tcp_observer *o;
    struct observed_flow *f;
    enum tcp_direction direction;
};

/* What came with a wrong checksum differs anyway. */
static void differ(void *context, uint32_t seq, struct span lost, uint8_t doubt)
{
    const struct differing *x = context;
    const struct observed_side *side = &x->f->sides[x->direction];
    bool again = side->synced && seq_lt(seq, side->next);

    if (doubt & DOUBT_CHECKSUM)
        return;
    observed_flow_tell(
        x->o, x->f,
        &(struct tcp_observation){
            .event = again ? TCP_OBSERVED_RETRANSMISSION : TCP_OBSERVED_OVERLAP,
            .direction = x->direction,
            .offset = side->synced ? side->offset + (uint64_t)(int64_t)(int32_t)(seq - side->next)
                                   : seq - side->list.first->seq,
            .len = (uint32_t)lost.len,
            .other = lost,
            .time_ns = x->o->now});
}

static bool hold(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                 const struct interval_piece *piece)
{
    struct observed_side *side = &f->sides[d];
    struct differing x = {o, f, d};

    return interval_add(o->store, &side->list, piece,
                        side->synced ? side->next : piece->seq - WINDOW_MAX, o->blocks_max, differ,
                        &x);
}

/* Gives up what is farthest ahead, if that is behind `seq`. */
static bool drop_farthest(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                          uint32_t seq)
{
    struct observed_side *side = &f->sides[d];
    struct interval *before = side->kept_last;

    if (!held(side) || !seq_lt(seq, side->list.last->seq))
        return false;
    while ((before ? before->next : side->list.first) != side->list.last)
        before = before ? before->next : side->list.first;
    interval_drop(o->store, &side->list, before);
    f->shown.side[d].dropped++;
    o->counters.drop_memory++;
    return true;
}

/* Packets that may have been dropped, where too many of them wait for their receiver's word. */
static void give_in(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d)
{
    struct observed_side *side = &f->sides[d];
    struct interval *i;

    while (side->synced && (i = held(side)) && i->seq == side->next &&
           doubts_left(f, side, i) == DOUBT_PACKET && follows(f, d, i->after)) {
        deliver_held(o, f, d, i);
        observed_bytes_progress(o, f);
    }
}

/* No block, or the direction has its share. */
static void hold_anyway(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                        const struct interval_piece *piece)
{
    tell(o, f, d, TCP_OBSERVED_MEMORY);
    /* Delivered bytes that are kept for comparison are the first to go. */
    while (f->sides[d].kept) {
        struct observed_side *side = &f->sides[d];

        if (side->list.first == side->kept_last)
            side->kept_last = NULL;
        interval_drop_first(o->store, &side->list);
        side->kept--;
    }
    give_in(o, f, d);
    if (hole_overdue(f, d) || blocked(f, d))
        observed_bytes_force(o, f, false);
    if (f->sides[d].finished) { /* that made the FIN the next, and the piece lies behind it */
        o->counters.drop_closed++;
        return;
    }
    while (!hold(o, f, d, piece)) {
        if (!drop_farthest(o, f, d, piece->seq)) {
            f->shown.side[d].dropped++;
            o->counters.drop_memory++;
            return;
        }
    }
}

/* In order, beyond doubt, nothing in the way: straight from the frame. */
static void pass(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                 const struct interval_piece *piece)
{
    struct observed_side *side = &f->sides[d];

    deliver(o, f, d, piece->bytes);
    if (o->keep_blocks && !held(side) && !acked_to(side, side->next)) {
        uint32_t before = side->list.blocks;

        interval_append(o->store, &side->list, piece, o->blocks_max);
        side->kept_last = side->list.last;
        side->kept += side->list.blocks - before;
        trim_kept(o, side);
    }
    if (piece->cut)
        skip_cut(o, f, d, piece->cut);
}

static void note_fin(struct observed_side *side, const struct observed_segment *s, uint32_t end)
{
    if (side->finished)
        return;
    if (side->has_ack && side->has_fin && seq_lt(side->fin + 1, side->acked))
        side->has_fin = false; /* bytes behind it were acknowledged: it was none */
    if (!(s->flags & TCP_FIN) || (side->has_fin && (!side->fin_doubtful || s->doubt)))
        return;
    side->has_fin = true;
    side->fin_doubtful = s->doubt & (uint8_t)~DOUBT_WINDOW;
    side->fin = end;
    side->fin_after = s->ack;
}

/* Nothing new in it. A keep-alive probe may carry one byte of anything (RFC 9293 section 3.8.4). */
static void take_old(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                     const struct interval_piece *piece)
{
    struct observed_side *side = &f->sides[d];

    f->shown.side[d].retransmitted++;
    o->counters.retransmitted++;
    if (piece->bytes.len == 1 && piece->seq == side->next - 1)
        return;
    hold(o, f, d, piece);
}

void observed_bytes_take(struct tcp_observer *o, struct observed_flow *f, enum tcp_direction d,
                         const struct observed_segment *s)
{
    struct observed_side *side = &f->sides[d];
    uint32_t seq = s->seq + !!(s->flags & TCP_SYN);
    struct interval_piece piece = {.bytes = s->payload,
                                   .seq = seq,
                                   .after = s->ack,
                                   .cut = (uint16_t)s->cut,
                                   .doubt = s->doubt,
                                   .ttl = s->packet->hop_limit};
    uint32_t end = seq + (uint32_t)s->payload.len;
    const struct interval *first;

    if (side->synced && end + s->cut + WINDOW_MAX - side->next >= 2u * WINDOW_MAX) {
        o->counters.drop_window += s->payload.len > 0;
        return;
    }
    note_fin(side, s, end + s->cut);
    if (side->has_fin && (side->finished || !side->fin_doubtful) && seq_lt(side->fin, end)) {
        tell(o, f, d, TCP_OBSERVED_BEHIND_END);
        o->counters.drop_closed++;
        piece.bytes = span_head(piece.bytes, seq_le(side->fin, seq) ? 0 : side->fin - seq);
        piece.cut = 0;
    }
    if (!piece.bytes.len) {
        if (piece.cut && side->synced && seq == side->next && !s->doubt && follows(f, d, s->ack))
            skip_cut(o, f, d, piece.cut);
        return;
    }
    first = held(side);
    end = seq + (uint32_t)piece.bytes.len;
    if (side->synced && seq_le(end, side->next)) {
        take_old(o, f, d, &piece);
    } else if (side->synced && seq == side->next && !s->doubt && follows(f, d, s->ack) &&
               (!first || seq_le(end, first->seq))) {
        pass(o, f, d, &piece);
    } else {
        o->counters.held++;
        if (!hold(o, f, d, &piece))
            hold_anyway(o, f, d, &piece);
    }
}
