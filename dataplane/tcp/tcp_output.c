/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_output.h"

#include "dataplane/tcp/tcp_ecn.h"
#include "dataplane/tcp/tcp_keepalive.h"
#include "dataplane/tcp/tcp_reassembly.h"
#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_timer.h"
#include "dataplane/tcp/tcp_tlp.h"
#include "dataplane/tcp/tcp_user_timeout.h"

enum {
    SUPER_SEGMENT = 64000,     /* with headers still below the 65535 of IP's length field */
    RESETS_EACH_SECOND = 1000, /* for segments of no connection */
    WINDOW_FIELD = 65535,
};

/* States in which our FIN may have to be sent (again). */
static const uint32_t fin_states = IN(FIN_WAIT_1) | IN(CLOSING) | IN(LAST_ACK);
/* States in which the queue may be sent from. */
static const uint32_t data_states =
    IN(ESTABLISHED) | IN(CLOSE_WAIT) | IN(FIN_WAIT_1) | IN(CLOSING) | IN(LAST_ACK);

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t window_limit(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return conn->flags & CONN_NARROW ? tcp->options.narrow_window : tcp->options.receive_window;
}

/* The receive window that memory allows for, in bytes from rcv_nxt on. */
static uint32_t window_room(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t limit = window_limit(tcp, conn);
    uint32_t room = conn->flags & CONN_DISCARD ? limit : tcp_reassembly_room(tcp, conn);

    if (conn->flags & CONN_NARROW)
        room = least(room, limit > conn->unread ? limit - conn->unread : 0);

    return least(room, (uint32_t)WINDOW_FIELD << conn->rcv_scale);
}

/*
 * RFC 9293 section 3.8.6.2.2: the edge moves by at least a segment or half the window, or not at
 * all, so that no silly small windows are offered.
 */
static uint32_t window_edge(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t edge = conn->rcv_nxt + window_room(tcp, conn);
    uint32_t step = least(window_limit(tcp, conn) / 2, tcp_conn_announced_mss(tcp, conn));

    return seq_le(conn->rcv_adv + step, edge) ? edge : conn->rcv_adv;
}

bool tcp_output_edge_moves(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t edge = window_edge(tcp, conn), window = conn->rcv_adv - conn->rcv_nxt;
    uint32_t half = window_limit(tcp, conn) / 2;
    uint32_t step = least(half, 2u * tcp_conn_announced_mss(tcp, conn));

    return edge - conn->rcv_adv >= step && (window < half || edge - conn->rcv_adv >= window);
}

/*
 * The window field of a segment. The edge that was announced is never taken back: the field is
 * rounded up to it. Only where memory is used up is it rounded down, by less than one unit of the
 * scale (RFC 7323 section 2.4 expects that).
 */
static uint16_t window_field(struct tcp *tcp, struct tcp_conn *conn, bool syn)
{
    uint32_t edge = window_edge(tcp, conn), scale = syn ? 0 : conn->rcv_scale;
    uint32_t window = edge - conn->rcv_nxt, unit = 1u << scale, field;

    field = window >> scale;
    if (field << scale != window && edge == conn->rcv_adv && window_room(tcp, conn) >= unit)
        field++;
    field = least(field, WINDOW_FIELD);
    conn->rcv_adv = seq_max(conn->rcv_adv, conn->rcv_nxt + (field << scale));
    return (uint16_t)field;
}

static void put_options(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    struct writer w = writer_of(s->options, sizeof(s->options));
    struct tcp_option o = {0};
    bool answer = conn->state == TCP_SYN_RECEIVED;

    if (s->flags & TCP_SYN) {
        o.present = TCP_OPTION_MSS;
        o.mss = tcp_conn_announced_mss(tcp, conn);
        /* An answer offers only what the peer's SYN offered (RFC 7323 sections 2.2 and 3.2). */
        if (!answer || conn->rcv_scale)
            o.present |= TCP_OPTION_SCALE;
        o.scale = answer ? conn->rcv_scale : tcp->receive_scale;
        if (!answer)
            o.present |= TCP_OPTION_TIMESTAMPS;
        if (!answer || conn->modes & TCP_MODE_SACK)
            o.present |= TCP_OPTION_SACK_PERMITTED;
    }
    if (conn->flags & CONN_TIMESTAMPS)
        o.present |= TCP_OPTION_TIMESTAMPS;
    o.ts_value = tcp_timer_tick(tcp) + conn->ts_offset;
    o.ts_echo = s->flags & TCP_ACK ? conn->ts_recent : 0;
    /* RFC 2018 section 4: in every acknowledgement while something lies ahead. */
    if (!(s->flags & TCP_SYN))
        tcp_sack_report(tcp, conn, &o);
    if (!(o.present & TCP_OPTION_SACK) && tcp_user_timeout_offer(tcp, conn, &o))
        s->mss = (uint16_t)(s->mss - TCP_OPTION_USER_TIMEOUT_LEN);
    tcp_option_put(&w, &o);
    s->options_len = (uint8_t)w.len;
    if (o.present & TCP_OPTION_SACK) /* conn->mss allows for the timestamp only */
        s->mss = (uint16_t)(s->mss - 4 - 8 * o.sack_count);
}

/*
 * The sequence number of a segment without payload: behind all that was sent, but within the peer's
 * window, or the peer would drop what the segment acknowledges.
 */
static uint32_t bare_seq(const struct tcp_conn *conn)
{
    if (tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED)))
        return conn->snd_nxt;
    return seq_min(conn->snd_max, conn->snd_una + conn->snd_wnd);
}

/* A segment without payload; what it acknowledges is acknowledged. */
static void start_segment(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s,
                          uint8_t flags)
{
    struct tcp_flow_key key = tcp_conn_key(tcp, conn);

    *s = (struct tcp_segment){
        .source = key.local,
        .destination = key.remote,
        .source_port = key.local_port,
        .destination_port = key.remote_port,
        .flags = flags,
        .mss = conn->mss,
        .seq = bare_seq(conn),
    };
    s->window = window_field(tcp, conn, flags & TCP_SYN);
    put_options(tcp, conn, s);
    if (flags & TCP_ACK) {
        s->ack = conn->rcv_nxt;
        conn->last_ack = conn->rcv_nxt;
        conn->flags &= (uint16_t)~CONN_ACK_NOW;
        conn->ack_due = 0;
    }
}

static void send_syn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    conn->flags &= (uint16_t)~CONN_SEND_SYN;
    start_segment(tcp, conn, s, conn->state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK);
    s->flags |= tcp_ecn_syn(tcp, conn);
    s->seq = conn->snd_una;
    conn->snd_nxt = conn->snd_max = conn->snd_una + 1;
    if (conn->flags & CONN_SYN_LOST)
        tcp->counters.retransmitted++;
    conn->syn_sent = (uint32_t)tcp->now;
    conn->last_sent = tcp_timer_tick(tcp);
    tcp_timer_start(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_timer_rto(conn));
}

/* True while our FIN is not acknowledged. */
static bool fin_wanted(const struct tcp_conn *conn)
{
    return tcp_conn_is(conn, fin_states);
}

/* Queued bytes from `seq` on. */
static uint32_t queued_from(const struct tcp_conn *conn, uint32_t seq)
{
    uint32_t sent = seq - conn->snd_una;

    return sent < conn->queue.bytes ? conn->queue.bytes - sent : 0;
}

/* The flight learns of what goes out. */
static void record(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq, uint32_t end)
{
    struct tcp_flight *f = tcp_flight_of(tcp, conn);

    if (!f && seq_le(conn->snd_max, seq) && !(conn->flags & CONN_RECOVERY))
        f = tcp_flight_take(tcp, conn);
    if (!f)
        return;
    tcp_flight_sent(f, conn->snd_una, seq, end, (uint32_t)tcp->now);
    if (f->state == FLIGHT_RECOVERY)
        tcp_prr_sent(&f->prr, end - seq);
    if (seq_lt(conn->snd_max, end) && conn->timer_kind == TCP_TIMER_PROBE)
        tcp_timer_stop(conn); /* RFC 8985 section 7.2: new data starts it again */
}

/* `len` bytes from `seq` on, with the FIN if it follows them and `fin` allows. */
static void send_data(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s, uint32_t seq,
                      uint32_t len, bool fin)
{
    bool last = len == queued_from(conn, seq), fresh = seq_le(conn->snd_max, seq);
    uint32_t end;

    fin = fin && last && fin_wanted(conn);
    start_segment(tcp, conn, s,
                  (uint8_t)(TCP_ACK | (fin ? TCP_FIN : 0) | (last && len ? TCP_PSH : 0)));
    s->seq = seq;
    s->len = len;
    s->offset = seq - conn->snd_una;
    s->queue = len ? &conn->queue : NULL;
    tcp_ecn_put(conn, s, fresh);
    end = seq + len + fin;
    if (!fresh)
        tcp->counters.retransmitted++;
    record(tcp, conn, seq, end);
    conn->snd_max = seq_max(conn->snd_max, end);
    conn->last_sent = tcp_timer_tick(tcp);
    tcp->counters.bytes_out += len;
}

/* What cwnd leaves room for. */
static uint32_t congestion_room(const struct tcp_conn *conn, const struct tcp_flight *f)
{
    uint32_t cwnd = conn->congestion.cwnd;
    uint32_t out = f ? tcp_flight_pipe(f, conn->snd_una) : conn->snd_nxt - conn->snd_una;

    /*
     * Limited transmit: two segments of new data on the first two duplicates (RFC 3042). Where
     * blocks tell what has arrived, it makes the room itself.
     */
    if (!f && !(conn->flags & CONN_RECOVERY))
        cwnd += (conn->dupacks < 2 ? conn->dupacks : 2u) * conn->mss;
    return cwnd > out ? cwnd - out : 0;
}

/* RFC 9293 section 3.8.6.2.1: a full segment, or all there is, or half of the largest window. */
static bool silly(const struct tcp_conn *conn, uint32_t len, uint32_t left)
{
    return len < left && len < conn->mss && len < conn->max_wnd / 2;
}

/* RFC 9293 section 3.7.4: what does not fill a segment waits while something is under way; behind
 * full segments something is. What was sent before, a probe of a closed window included, does not
 * wait. */
static uint32_t nagle(const struct tcp_conn *conn, uint32_t len)
{
    if (!(conn->modes & TCP_MODE_NAGLE) || fin_wanted(conn) || conn->snd_nxt != conn->snd_max)
        return len;
    if (len < conn->mss)
        return conn->snd_una == conn->snd_max ? len : 0;
    return len / conn->mss * conn->mss;
}

/* The most that may be handed to the port layer at a time. */
static uint32_t super_segment(const struct tcp_conn *conn)
{
    return least(SUPER_SEGMENT, TCP_CUTS * (uint32_t)conn->mss);
}

/* How much of the queue may follow at snd_nxt, and whether the FIN may. */
static bool may_send(struct tcp *tcp, struct tcp_conn *conn, uint32_t *len_out, bool *fin_out)
{
    uint32_t sent = conn->snd_nxt - conn->snd_una, left = queued_from(conn, conn->snd_nxt);
    struct tcp_flight *f = tcp_flight_of(tcp, conn);
    uint32_t window = conn->snd_wnd > sent ? conn->snd_wnd - sent : 0, room, len;

    if (sent == 0 && tcp_timer_tick(tcp) - conn->last_sent > tcp_timer_rto(conn) / 1000)
        tcp_congestion_idle(&conn->congestion, conn->mss);
    room = congestion_room(conn, tcp_recovery_flight(tcp, conn));
    len = least(left, least(window, room));
    len = silly(conn, len, left) ? 0 : nagle(conn, len);
    if (conn->modes & TCP_MODE_CWR) /* it belongs to one packet */
        len = least(len, conn->mss);
    if (len > conn->mss && (len < left || len > super_segment(conn)))
        len = least(len, super_segment(conn)) / conn->mss * conn->mss;
    if (f && room < window && room < left)
        f->limited = conn->snd_nxt + room;
    *len_out = len;
    *fin_out =
        len == left && fin_wanted(conn) && sent <= conn->queue.bytes && conn->snd_wnd > sent + len;
    return len || *fin_out;
}

/* One octet, or the FIN, beyond a window that is closed or too small; snd_nxt stays. */
static void send_probe(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    uint32_t len = conn->queue.bytes ? 1 : 0;

    tcp->counters.window_probes++;
    if (conn->snd_wnd > 1) /* the override timeout of RFC 9293 section 3.8.6.2.1 */
        len = least(least(conn->queue.bytes, conn->snd_wnd), conn->mss);
    send_data(tcp, conn, s, conn->snd_una, len, !len);
}

/* The first unacknowledged segment, and nothing that was not sent before: it may lie beyond the
 * window. */
static void send_first_again(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    uint32_t sent = conn->snd_max - conn->snd_una;
    uint32_t len = least(least(sent, conn->queue.bytes), conn->mss);

    send_data(tcp, conn, s, conn->snd_una, len, sent > conn->queue.bytes);
}

/* The bytes in [seq, end) once more, which may be the FIN as well, or alone. */
static void send_again(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s, uint32_t seq,
                       uint32_t end)
{
    uint32_t queued = queued_from(conn, seq), len = end - seq;

    send_data(tcp, conn, s, seq, least(len, queued), len > queued);
}

/*
 * RFC 6675 section 4, NextSeg (1): the first part that is lost, as far as cwnd allows; `forced`,
 * one segment of it in any case.
 */
static bool send_lost(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f, bool forced,
                      struct tcp_segment *s)
{
    uint32_t i = tcp_flight_first_lost(f), room = congestion_room(conn, f), seq, len;

    if (i == TCP_SENT)
        return false;
    seq = tcp_flight_start(f, conn->snd_una, i);
    len = f->sent[i].end - seq;
    if (seq - conn->snd_una >= conn->snd_wnd || (!forced && room < least(len, conn->mss)))
        return false;
    room = forced || room < conn->mss ? conn->mss : least(room, super_segment(conn));
    if (len > room && tcp_flight_splits(f))
        len = room / conn->mss * conn->mss;
    else if (len > room) /* acknowledgements will free records */
        return false;
    send_again(tcp, conn, s, seq, seq + len);
    return true;
}

/* RFC 8985 section 7.3: a segment of new data, or the last one again. */
static void send_tail_probe(struct tcp *tcp, struct tcp_conn *conn, struct tcp_flight *f,
                            struct tcp_segment *s)
{
    uint32_t sent = conn->snd_nxt - conn->snd_una, len = queued_from(conn, conn->snd_nxt), seq;
    bool again;

    len = least(len, conn->snd_wnd > sent ? conn->snd_wnd - sent : 0);
    len = least(len, conn->mss);
    again = !len;
    if (again) {
        seq = tcp_flight_start(f, conn->snd_una, f->count - 1u);
        if (conn->snd_max - seq > conn->mss)
            seq = conn->snd_max - conn->mss;
        send_again(tcp, conn, s, seq, conn->snd_max);
    } else {
        send_data(tcp, conn, s, conn->snd_nxt, len, false);
        conn->snd_nxt += len;
    }
    tcp->counters.tail_probes++;
    tcp_tlp_sent(conn, f, again);
}

/* What goes out again before anything new does. */
static bool send_repair(struct tcp *tcp, struct tcp_conn *conn, uint32_t flags,
                        struct tcp_segment *s)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);

    if (f && f->probe_due) {
        f->probe_due = false;
        if (f->count && tcp_tlp_wanted(conn, f)) {
            send_tail_probe(tcp, conn, f, s);
            return true;
        }
    }
    if (f)
        return f->lost && send_lost(tcp, conn, f, flags & CONN_RETRANSMIT, s);
    if (!(flags & CONN_RETRANSMIT) || conn->snd_nxt == conn->snd_una)
        return false;
    send_first_again(tcp, conn, s);
    return true;
}

/* States with a queue to send from. */
static bool next_data(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    uint32_t flags = conn->flags, len;
    bool fin;

    conn->flags &= (uint16_t) ~(CONN_RETRANSMIT | CONN_PROBE);
    if (send_repair(tcp, conn, flags, s))
        return true;
    if (may_send(tcp, conn, &len, &fin)) {
        send_data(tcp, conn, s, conn->snd_nxt, len, fin);
        conn->snd_nxt += len + fin;
        return true;
    }
    if (flags & CONN_PROBE && conn->snd_nxt == conn->snd_una) {
        send_probe(tcp, conn, s);
        return true;
    }
    return false;
}

/* The next segment of this connection; false when it has nothing (more) to send. */
static bool next_segment(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    if (conn->state == TCP_CLOSED)
        return false;
    if (conn->flags & CONN_SEND_SYN) {
        send_syn(tcp, conn, s);
        return true;
    }
    if (conn->dup_acks) {
        conn->dup_acks--;
        start_segment(tcp, conn, s, TCP_ACK);
        tcp_ecn_put(conn, s, false);
        return true;
    }
    if (tcp_conn_is(conn, data_states) && next_data(tcp, conn, s))
        return true;
    if (conn->flags & CONN_KEEPALIVE && conn->snd_una == conn->snd_max) {
        conn->flags &= (uint16_t)~CONN_KEEPALIVE;
        start_segment(tcp, conn, s, TCP_ACK);
        s->seq = conn->snd_una - 1;
        return true;
    }
    if (conn->flags & CONN_ACK_NOW && conn->state != TCP_SYN_SENT) {
        start_segment(tcp, conn, s, TCP_ACK);
        tcp_ecn_put(conn, s, false);
        return true;
    }
    return false;
}

/* Whether next_segment() would find nothing; so most connections leave the list, once their one
 * segment has gone out or what came needs no answer. */
static bool is_served(const struct tcp *tcp, const struct tcp_conn *conn)
{
    const uint32_t due =
        CONN_SEND_SYN | CONN_RETRANSMIT | CONN_PROBE | CONN_KEEPALIVE | CONN_ACK_NOW;
    uint32_t sent = conn->snd_nxt - conn->snd_una;
    const struct tcp_flight *f = tcp_flight_of(tcp, conn);

    if (conn->flags & due || conn->dup_acks || (f && (f->lost || f->probe_due)))
        return false;
    return sent > conn->queue.bytes || (sent == conn->queue.bytes && !fin_wanted(conn));
}

/* The timer of what is under way: RFC 6298 section 5.1, or RFC 8985 section 7.2 before it. */
static void arm_flight(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_flight *f = tcp_recovery_flight(tcp, conn);

    if (conn->timer_kind == TCP_TIMER_REORDER)
        return;
    if (f && f->count && tcp_tlp_wanted(conn, f)) {
        if (conn->timer_kind != TCP_TIMER_PROBE)
            tcp_timer_start(tcp, conn, TCP_TIMER_PROBE, tcp_tlp_timeout(tcp, conn, f));
    } else if (conn->timer_kind != TCP_TIMER_RETRANSMIT) {
        tcp_timer_start(tcp, conn, TCP_TIMER_RETRANSMIT, tcp_timer_rto(conn));
    }
}

/* The persist timer runs when something waits and nothing is under way. */
static void arm(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!tcp_conn_is(conn, data_states))
        return;
    if (conn->snd_nxt != conn->snd_una) {
        arm_flight(tcp, conn);
    } else if (conn->queue.bytes || fin_wanted(conn)) {
        if (conn->timer_kind != TCP_TIMER_PERSIST)
            tcp_timer_start(tcp, conn, TCP_TIMER_PERSIST, tcp_timer_rto(conn));
    } else if (conn->modes & TCP_MODE_KEEPALIVE) {
        tcp_keepalive_arm(tcp, conn);
    }
}

uint32_t tcp_output(struct tcp *tcp, uint64_t now, struct tcp_segment *segments_out, uint32_t max)
{
    uint32_t n = least(max, tcp->reply_count);

    tcp->now = now;
    tcp_settle(tcp);
    tcp->reply_count -= n;
    memcpy(segments_out, tcp->replies + tcp->reply_count, n * sizeof(*segments_out));
    while (n < max && tcp->output.head != CONN_NONE) {
        struct tcp_conn *conn = &tcp->conns[tcp->output.head];

        if (!is_served(tcp, conn) && next_segment(tcp, conn, &segments_out[n])) {
            n++;
            continue;
        }
        arm(tcp, conn);
        tcp->output.head = conn->output_next;
        conn->flags &= (uint16_t)~CONN_IN_OUTPUT;
        tcp_conn_reclaim(tcp, conn);
    }
    tcp->counters.segments_out += n;
    return n;
}

bool tcp_output_reply(struct tcp *tcp, const struct tcp_segment *s)
{
    if (tcp->reply_count == TCP_REPLIES) {
        tcp->counters.replies_lost++;
        return false;
    }
    tcp->replies[tcp->reply_count++] = *s;
    return true;
}

static void reset(struct tcp *tcp, const struct tcp_segment *s)
{
    tcp->counters.resets_out += tcp_output_reply(tcp, s);
}

void tcp_output_reset(struct tcp *tcp, const struct tcp_flow_key *key, uint32_t seq, uint32_t ack,
                      uint8_t flags)
{
    struct tcp_segment s = {
        .source = key->local,
        .destination = key->remote,
        .source_port = key->local_port,
        .destination_port = key->remote_port,
        .seq = seq,
        .ack = ack,
        .flags = flags,
    };

    if (tcp_limit_pass(tcp, &tcp->reset_limit, RESETS_EACH_SECOND))
        reset(tcp, &s);
    else
        tcp->counters.limited_resets++;
}

void tcp_output_abort(struct tcp *tcp, const struct tcp_conn *conn)
{
    struct tcp_flow_key key = tcp_conn_key(tcp, conn);
    struct tcp_segment s = {
        .source = key.local,
        .destination = key.remote,
        .source_port = key.local_port,
        .destination_port = key.remote_port,
        .seq = bare_seq(conn),
        .ack = conn->rcv_nxt,
        .flags = TCP_RST | TCP_ACK,
    };

    reset(tcp, &s);
}
