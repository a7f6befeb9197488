/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_input.h"

#include "proto/base/cursor.h"
#include "dataplane/tcp/tcp_ecn.h"
#include "dataplane/tcp/tcp_header.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_passive.h"
#include "dataplane/tcp/tcp_sack.h"
#include "dataplane/tcp/tcp_timer.h"
#include "dataplane/tcp/tcp_user_timeout.h"

enum { AHEAD = 32 }; /* segments whose connections are fetched together */
enum { CHALLENGES_EACH_SECOND = 1000, CHALLENGES_OF_ONE = 10, CHALLENGE_MS = 5000 };

/* What is done with a segment, by state and flags. What is not listed is 0: dropped and counted. */
enum action {
    ACTION_DROP,
    ACTION_BARE, /* no ACK, no SYN, no RST: only its sequence number is looked at */
    ACTION_TEXT,
    ACTION_RESET,
    ACTION_SYN,
    ACTION_SYN_SENT,
};

/* The four flags that decide, packed: FIN 1, SYN 2, RST 4, ACK 8. */
enum { FIN = 1, SYN = 2, RST = 4, ACK = 8, FLAGS = 16 };

/*
 * RFC 9293 section 3.10.7.4: RST comes before SYN, SYN before ACK, whatever else is set. `bare`:
 * what has none of them.
 */
#define SYNCHRONIZED(bare)                                                                         \
    {                                                                                              \
        [0] = bare, [FIN] = bare, [ACK] = ACTION_TEXT,                                             \
        [ACK | FIN] = ACTION_TEXT, [SYN] = ACTION_SYN, [SYN | FIN] = ACTION_SYN,                   \
        [SYN | ACK] = ACTION_SYN, [SYN | ACK | FIN] = ACTION_SYN,                                  \
        [RST... RST | SYN | FIN] = ACTION_RESET,                                                   \
        [RST | ACK... RST | ACK | SYN | FIN] = ACTION_RESET,                                       \
    }

static const uint8_t actions[TCP_STATES][FLAGS] = {
    [TCP_SYN_SENT] = {[SYN... RST | SYN | FIN | ACK] = ACTION_SYN_SENT},
    [TCP_SYN_RECEIVED] = SYNCHRONIZED(ACTION_BARE),
    [TCP_ESTABLISHED] = SYNCHRONIZED(ACTION_BARE),
    [TCP_FIN_WAIT_1] = SYNCHRONIZED(ACTION_BARE),
    [TCP_FIN_WAIT_2] = SYNCHRONIZED(ACTION_BARE),
    [TCP_CLOSE_WAIT] = SYNCHRONIZED(ACTION_BARE),
    [TCP_CLOSING] = SYNCHRONIZED(ACTION_BARE),
    [TCP_LAST_ACK] = SYNCHRONIZED(ACTION_BARE),
    /* nobody is left who would gain by an answer */
    [TCP_TIME_WAIT] = SYNCHRONIZED(ACTION_DROP),
};

static bool parse(const struct tcp_packet *packet, struct tcp_input *in)
{
    struct tcp_header h;

    if (!tcp_header_parse(packet->header, &h) || packet->pieces > TCP_PIECES)
        return false;
    in->key = (struct tcp_flow_key){packet->destination, packet->source, h.destination_port,
                                    h.source_port};
    in->seq = h.seq;
    in->ack = h.ack;
    in->flags = h.flags;
    in->window = h.window;
    in->option = h.option;
    in->ecn = packet->ecn;
    in->reopens = false;
    in->payload.count = in->payload.len = 0;
    for (uint32_t i = 0; i < packet->pieces; i++) {
        if (!packet->payload[i].len)
            continue;
        in->payload.pieces[in->payload.count++] = packet->payload[i];
        in->payload.len += (uint32_t)packet->payload[i].len;
    }
    return true;
}

bool tcp_input_may_challenge(struct tcp *tcp)
{
    if (tcp_limit_pass(tcp, &tcp->challenge_limit, CHALLENGES_EACH_SECOND))
        return true;
    tcp->counters.limited_challenges++;
    return false;
}

/*
 * RFC 5961 section 7. With the limit of a connection, one that is attacked does not use up what
 * others need; the one of all is random, so that what is left of it tells nothing.
 */
static bool conn_may_challenge(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_side *side = tcp_side_take(tcp, conn);
    uint32_t tick = tcp_timer_tick(tcp);

    if (!side)
        return true;
    if (!side->challenges || tick - side->challenge_tick >= CHALLENGE_MS) {
        side->challenge_tick = tick;
        side->challenges = 0;
    }
    if (side->challenges == CHALLENGES_OF_ONE) {
        tcp->counters.limited_challenges++;
        return false;
    }
    side->challenges++;
    return true;
}

void tcp_input_challenge(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!conn_may_challenge(tcp, conn) || !tcp_input_may_challenge(tcp))
        return;
    tcp->counters.challenges++;
    tcp_conn_program(tcp, conn, CONN_ACK_NOW);
}

/*
 * RFC 9293 section 3.10.7.4, first step: the four cases of the table in section 3.4. Two things are
 * let in beyond it, both without payload to keep: a segment exactly at the right edge, which a peer
 * that filled the window sends, and a FIN at rcv_nxt when the window is closed.
 */
static bool acceptable(const struct tcp_conn *conn, const struct tcp_input *in)
{
    uint32_t window = conn->rcv_adv - conn->rcv_nxt, at = in->seq - conn->rcv_nxt;
    uint32_t len = tcp_input_len(in);

    if (!in->payload.len)
        return at <= window || (len && at + len - 1 <= window);
    return at < window || at + len - 1 < window;
}

/* RFC 7323 section 5.3 R1. False: the segment is dropped. */
static bool timestamp_passes(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    enum { DAYS_24 = 24 * 86400 * 1000u };

    if (!(conn->flags & CONN_TIMESTAMPS) || in->flags & TCP_RST)
        return true;
    if (!(in->option.present & TCP_OPTION_TIMESTAMPS)) { /* section 3.2 */
        tcp->counters.drop_no_timestamp++;
        return false;
    }
    if (!seq_lt(in->option.ts_value, conn->ts_recent))
        return true;
    /* section 5.5: an idle connection's value grows stale */
    if (tcp_timer_tick(tcp) - conn->heard > DAYS_24)
        return true;
    tcp->counters.drop_paws++;
    if (in->payload.len)
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    else
        tcp_input_challenge(tcp, conn);
    return false;
}

/* RFC 7323 section 4.3: only what the last acknowledgement asked for. */
static void timestamp_take(struct tcp_conn *conn, const struct tcp_input *in)
{
    if (!(conn->flags & CONN_TIMESTAMPS) || !(in->option.present & TCP_OPTION_TIMESTAMPS))
        return;
    if (seq_lt(conn->last_ack, in->seq) || seq_lt(in->option.ts_value, conn->ts_recent))
        return;
    conn->ts_recent = in->option.ts_value;
}

/* First step: what is outside the window is answered with an acknowledgement and dropped, a RST
 * silently. */
static void out_of_window(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    if (in->flags & TCP_RST) {
        tcp->counters.drop_reset++;
        return;
    }
    tcp->counters.drop_window++;
    if (seq_le(in->seq + in->payload.len, conn->rcv_nxt))
        tcp_sack_duplicate(tcp, conn, in->seq, in->seq + in->payload.len);
    /* Eighth step, TIME-WAIT: the peer's FIN again restarts the wait. */
    if (conn->state == TCP_TIME_WAIT && in->flags & TCP_FIN)
        tcp_timer_start(tcp, conn, TCP_TIMER_TIME_WAIT, tcp->options.time_wait_ms * 1000ull);
    /* The special allowance for acknowledgements when the window is closed. */
    if (in->flags & TCP_ACK && in->seq == conn->rcv_nxt && !tcp_ack_input(tcp, conn, in))
        return;
    /* Bare acknowledgements could go back and forth for ever. */
    if (tcp_input_len(in))
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    else
        tcp_input_challenge(tcp, conn);
}

/* Second step, RST, as RFC 5961 section 3.2 has it. */
static void input_reset(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    /* RFC 1337 section 3, F1: it is not cut short, unless the peer answers the challenge of its SYN:
     * it has no such connection and waits for a new one (RFC 5961 section 4.2). */
    if (conn->state == TCP_TIME_WAIT &&
        !(conn->flags & CONN_DOUBTED && in->seq == conn->rcv_nxt)) {
        tcp->counters.drop_reset++;
        return;
    }
    if (in->seq != conn->rcv_nxt) {
        tcp->counters.drop_reset++;
        tcp_input_challenge(tcp, conn);
        return;
    }
    tcp->counters.resets_in++;
    /* One that we opened, and that both had asked for, is refused. */
    tcp_conn_close(tcp, conn,
                   conn->state == TCP_SYN_RECEIVED ? TCP_REASON_REFUSED : TCP_REASON_RESET);
}

/*
 * TIME-WAIT, SYN: a new incarnation whose numbers begin behind the old one's, or whose timestamps
 * do (RFC 9293 section 3.10.7.4, fourth step; RFC 6191 section 2).
 */
static bool reopens(const struct tcp_conn *conn, const struct tcp_input *in)
{
    if (conn->state != TCP_TIME_WAIT || !(conn->flags & CONN_FORGOTTEN) || in->flags & TCP_ACK)
        return false;
    if (conn->flags & CONN_TIMESTAMPS && in->option.present & TCP_OPTION_TIMESTAMPS &&
        in->option.ts_value != conn->ts_recent)
        return seq_lt(conn->ts_recent, in->option.ts_value);
    return seq_lt(conn->rcv_nxt, in->seq);
}

/* The peer's SYN once more while ours is not acknowledged. */
static void input_syn_again(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    if (!(in->flags & TCP_ACK)) { /* our answer was lost */
        tcp_conn_program(tcp, conn, CONN_SEND_SYN | CONN_SYN_LOST);
        return;
    }
    /* Simultaneous open (RFC 9293 section 3.5, figure 8): the rest of it is an acknowledgement. */
    in->flags &= (uint8_t)~TCP_SYN;
    in->seq++;
    in->window >>= conn->snd_scale; /* that of a SYN is not scaled */
    tcp_input_text(tcp, conn, in);
}

/* Fourth step, SYN: RFC 5961 section 4.2, whatever the sequence number. */
static void input_syn(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    if (reopens(conn, in)) {
        in->reopens = true;
        in->isn_after = conn->snd_max;
        tcp_conn_close(tcp, conn, TCP_REASON_CLOSED);
        tcp_passive_listen(tcp, in, tcp_flow_hash(&tcp->flows, &in->key));
        return;
    }
    if (conn->state == TCP_SYN_RECEIVED && in->seq == conn->rcv_nxt - 1) {
        input_syn_again(tcp, conn, in);
        return;
    }
    tcp->counters.drop_syn++;
    if (conn->state == TCP_TIME_WAIT)
        conn->flags |= CONN_DOUBTED;
    tcp_input_challenge(tcp, conn);
}

/* Cuts what was received before and what lies beyond the window; a FIN that is cut off is
 * forgotten. */
static void trim(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    uint32_t right = conn->rcv_adv - conn->rcv_nxt;

    if (seq_lt(in->seq, conn->rcv_nxt)) {
        uint32_t old = conn->rcv_nxt - in->seq;

        old = old < in->payload.len ? old : in->payload.len;
        tcp_sack_duplicate(tcp, conn, in->seq, in->seq + old);
        tcp_payload_skip(&in->payload, old);
        in->seq += old;
    }
    if (in->payload.len && in->seq - conn->rcv_nxt + in->payload.len > right) {
        tcp_payload_head(&in->payload, right - (in->seq - conn->rcv_nxt));
        in->flags &= (uint8_t)~TCP_FIN;
        tcp->counters.drop_window++;
    }
}

/* RFC 9293 section 3.8.6.3: at least each second full segment at once, and whatever fills or makes
 * a hole. */
static void program_ack(struct tcp *tcp, struct tcp_conn *conn, uint32_t before, bool hole)
{
    if (conn->rcv_nxt == before) {
        if (conn->dup_acks < TCP_DUP_ACKS)
            conn->dup_acks++;
        tcp_conn_program(tcp, conn, 0);
    } else if (hole || conn->rcv_nxt - conn->last_ack >= 2u * conn->rcv_mss) {
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    } else {
        tcp_timer_delay_ack(tcp, conn);
    }
}

/*
 * RFC 9293 section 3.6.1, SHLD-3: bytes that nobody will read any more are answered with a RST, so
 * that the peer does not believe that they arrived. It names what the peer expects next, or a peer
 * with RFC 5961 would not act on it.
 */
static void input_after_close(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    tcp->counters.closed_data++;
    tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
    tcp_conn_close(tcp, conn, TCP_REASON_ABORTED);
}

/* Seventh step: segment text. False: the connection is gone. */
static bool input_payload(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    uint32_t before = conn->rcv_nxt, len = in->payload.len, mss = tcp_conn_announced_mss(tcp, conn);
    /* What came twice is told at once too (RFC 2883 section 4). */
    bool hole = conn->ooo || conn->flags & CONN_FIN_AHEAD || seq_lt(in->seq, before);

    if (!tcp_conn_is(conn, IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2))) {
        tcp->counters.drop_closed++;
        return true;
    }
    trim(tcp, conn, in);
    len = in->payload.len;
    if (!len) { /* all of it was there already */
        tcp_conn_program(tcp, conn, CONN_ACK_NOW);
        return true;
    }
    if (conn->flags & CONN_FORGOTTEN) {
        input_after_close(tcp, conn, in);
        return false;
    }
    if (len > conn->rcv_mss)
        conn->rcv_mss = (uint16_t)(len < mss ? len : mss);
    if (in->seq != conn->rcv_nxt)
        tcp->counters.out_of_order++;
    if (!(conn->flags & CONN_DISCARD)) {
        tcp_reassembly_add(tcp, conn, in->seq, &in->payload);
    } else {
        tcp->counters.drop_discarded++;
        conn->rcv_nxt += in->seq == conn->rcv_nxt ? len : 0;
    }
    tcp->counters.bytes_in += conn->rcv_nxt - before;
    program_ack(tcp, conn, before, hole);
    if (conn->rcv_nxt != before)
        tcp_conn_tell(tcp, conn, TCP_EVENT_READABLE);
    return true;
}

/* Eighth step: FIN, at fin_seq, once all before it is there. */
static void input_fin(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!(conn->flags & CONN_FIN_AHEAD) || conn->fin_seq != conn->rcv_nxt)
        return;
    /* What lies in frames could still be lost for want of a chunk; behind a FIN nothing may be. */
    if (!tcp_reassembly_settle(tcp, conn))
        return;
    tcp_reassembly_drop_ahead(tcp, conn);
    conn->flags &= (uint16_t)~CONN_FIN_AHEAD;
    conn->rcv_nxt++;
    tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    tcp_conn_tell(tcp, conn, TCP_EVENT_EOF);
    switch (conn->state) {
    case TCP_ESTABLISHED:
        tcp_conn_set_state(tcp, conn, TCP_CLOSE_WAIT);
        break;
    case TCP_FIN_WAIT_1:
        tcp_conn_set_state(tcp, conn, TCP_CLOSING);
        break;
    case TCP_FIN_WAIT_2:
        tcp_conn_time_wait(tcp, conn);
        break;
    default:
        break;
    }
}

/*
 * TIME-WAIT: whatever says that the peer is not where we are is acknowledged; its FIN restarts the
 * wait (RFC 9293 section 3.10.7.4, fifth and eighth step). A bare acknowledgement of all there was
 * needs no answer.
 */
static void input_time_wait(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_input *in)
{
    if (in->flags & TCP_FIN)
        tcp_timer_start(tcp, conn, TCP_TIMER_TIME_WAIT, tcp->options.time_wait_ms * 1000ull);
    if (in->payload.len)
        tcp->counters.drop_closed++;
    if (tcp_input_len(in) || in->seq != conn->rcv_nxt)
        tcp_input_challenge(tcp, conn);
}

void tcp_input_body(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    uint32_t fin_seq = in->seq + in->payload.len;

    /* sixth step: URG is not offered to sessions; its octets are read in line */
    if (in->payload.len && !input_payload(tcp, conn, in))
        return;
    if (in->flags & TCP_FIN &&
        tcp_conn_is(conn, IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2))) {
        conn->flags |= CONN_FIN_AHEAD;
        conn->fin_seq = fin_seq;
        if (fin_seq != conn->rcv_nxt)
            tcp_conn_program(tcp, conn, CONN_ACK_NOW);
    }
    input_fin(tcp, conn);
}

void tcp_input_text(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in)
{
    bool waiting = conn->state == TCP_TIME_WAIT;

    timestamp_take(conn, in);
    conn->heard = tcp_timer_tick(tcp);
    if (in->option.present & TCP_OPTION_USER_TIMEOUT)
        tcp_user_timeout_heard(tcp, conn, &in->option);
    tcp_ecn_arrived(tcp, conn, in);
    if (!tcp_ack_input(tcp, conn, in))
        return;
    if (waiting)
        input_time_wait(tcp, conn, in);
    else
        tcp_input_body(tcp, conn, in);
}

/* RFC 9293 section 3.10.7.4: all states from SYN-RECEIVED on. */
static void input_synchronized(struct tcp *tcp, struct tcp_conn *conn, struct tcp_input *in,
                               enum action action)
{
    if (action == ACTION_SYN) {
        input_syn(tcp, conn, in);
        return;
    }
    if (!timestamp_passes(tcp, conn, in))
        return;
    if (!acceptable(conn, in))
        out_of_window(tcp, conn, in);
    else if (action == ACTION_RESET)
        input_reset(tcp, conn, in);
    else if (action == ACTION_BARE) /* fifth step, the ACK bit is off */
        tcp->counters.drop_flags++;
    else
        tcp_input_text(tcp, conn, in);
}

/* The ports stand first in the header, which may be too short for them; nothing is found then. */
static struct tcp_flow_key key_of(const struct tcp_packet *packet)
{
    struct cursor c = cursor_of(packet->header);
    struct tcp_flow_key key = {.local = packet->destination, .remote = packet->source};

    key.remote_port = cursor_u16(&c);
    key.local_port = cursor_u16(&c);
    return key;
}

static void receive(struct tcp *tcp, const struct tcp_packet *packet, uint64_t hash)
{
    struct tcp_input in;
    struct tcp_conn *conn;
    enum action action;

    tcp->counters.segments_in++;
    if (!parse(packet, &in)) {
        tcp->counters.drop_header++;
        return;
    }
    if ((in.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && in.payload.len) /* it is sent again */
        tcp->counters.drop_syn_payload++;
    conn = tcp_conn_find(tcp, &in.key, hash);
    if (!conn) {
        struct tcp_half *half = tcp_half_open_find(&tcp->half, hash, &in.key);

        if (half)
            tcp_passive_half(tcp, half, &in, hash);
        else
            tcp_passive_listen(tcp, &in, hash);
        return;
    }
    action = actions[conn->state]
                    [(in.flags & (TCP_FIN | TCP_SYN | TCP_RST)) | (in.flags & TCP_ACK ? ACK : 0)];
    if (action == ACTION_DROP)
        tcp->counters.drop_flags++;
    else if (action == ACTION_SYN_SENT)
        tcp_open_syn_sent(tcp, conn, &in);
    else
        input_synchronized(tcp, conn, &in, action);
}

void tcp_receive(struct tcp *tcp, const struct tcp_packet *packet, uint64_t now)
{
    struct tcp_flow_key key = key_of(packet);

    tcp->now = now;
    receive(tcp, packet, tcp_flow_hash(&tcp->flows, &key));
}

void tcp_receive_burst(struct tcp *tcp, const struct tcp_packet *packets, uint32_t n, uint64_t now)
{
    uint64_t hash[AHEAD];

    tcp->now = now;
    for (uint32_t begin = 0; begin < n; begin += AHEAD) {
        const struct tcp_packet *p = packets + begin;
        uint32_t count = n - begin < AHEAD ? n - begin : AHEAD;

        for (uint32_t i = 0; i < count; i++) {
            struct tcp_flow_key key = key_of(&p[i]);

            hash[i] = tcp_flow_hash(&tcp->flows, &key);
            tcp_flow_fetch(&tcp->flows, hash[i]);
        }
        for (uint32_t i = 0; i < count; i++) {
            uint32_t first = tcp_flow_first(&tcp->flows, hash[i]);

            if (first != TCP_FLOW_NONE)
                tcp_conn_fetch(tcp, first);
        }
        for (uint32_t i = 0; i < count; i++)
            receive(tcp, &p[i], hash[i]);
    }
}
