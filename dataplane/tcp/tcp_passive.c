/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_passive.h"

#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/tcp_timer.h"

enum {
    REPEAT_MS = 1000, /* RFC 6298 section 2.1; doubles */
    WINDOW_FIELD = 65535,
};

bool tcp_listen(struct tcp *tcp, uint16_t port, uint32_t tag)
{
    uint32_t i = 0;

    while (i < tcp->listener_count && tcp->listeners[i].port)
        i++;
    if (!port || i == TCP_LISTENERS)
        return false;
    tcp->listeners[i].port = port;
    tcp->listeners[i].tag = tag;
    if (i == tcp->listener_count)
        tcp->listener_count++;
    tcp->listening = tcp->listener_count;
    return true;
}

/* Port 0 frees the row: no segment to it is for a listener. */
void tcp_unlisten_port(struct tcp *tcp, uint16_t port)
{
    for (uint32_t i = 0; i < tcp->listener_count; i++)
        if (tcp->listeners[i].port == port)
            tcp->listeners[i].port = 0;
}

/* The rows stay: connections that stand name theirs. */
void tcp_unlisten(struct tcp *tcp)
{
    tcp->listening = 0;
}

static uint32_t find_listener(const struct tcp *tcp, uint16_t port)
{
    uint32_t i = 0;

    while (i < tcp->listening && tcp->listeners[i].port != port)
        i++;
    return port && i < tcp->listening ? i : TCP_LISTENERS;
}

bool tcp_passive_listens(const struct tcp *tcp, uint16_t port)
{
    return find_listener(tcp, port) != TCP_LISTENERS;
}

/* RFC 9293 section 3.5.2, group 1: a reset that the sender of the segment will believe. */
static void refuse(struct tcp *tcp, const struct tcp_input *in)
{
    if (in->flags & TCP_RST)
        return;
    if (in->flags & TCP_ACK)
        tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
    else
        tcp_output_reset(tcp, &in->key, 0, in->seq + tcp_input_len(in), TCP_RST | TCP_ACK);
}

static uint32_t syn_window(const struct tcp *tcp)
{
    uint32_t window = tcp->options.receive_window;

    return window < WINDOW_FIELD ? window : WINDOW_FIELD;
}

static struct tcp_segment segment_of(const struct tcp *tcp, const struct tcp_half *h, uint32_t seq,
                                     uint8_t flags)
{
    return (struct tcp_segment){
        .source = h->local,
        .destination = h->remote,
        .source_port = h->local_port,
        .destination_port = h->remote_port,
        .seq = seq,
        .ack = h->irs + 1,
        .window = (uint16_t)syn_window(tcp),
        .flags = flags,
    };
}

static uint32_t ts_offset_of(struct tcp *tcp, const struct tcp_half *h)
{
    struct tcp_flow_key key = tcp_half_open_key(h);
    uint32_t offset;

    tcp_conn_sequence(tcp, tcp_flow_hash(&tcp->flows, &key), &offset);
    return offset;
}

/* SYN-ACK, with the timestamp given. It offers only what the SYN offered (RFC 7323 sections 2.2
 * and 3.2, RFC 2018 section 2). */
static void answer(struct tcp *tcp, const struct tcp_half *h, uint32_t ts_value)
{
    struct tcp_segment s = segment_of(tcp, h, h->isn, TCP_SYN | TCP_ACK | (h->ecn ? TCP_ECE : 0));
    struct writer w = writer_of(s.options, sizeof(s.options));
    struct tcp_option o = {
        .present = TCP_OPTION_MSS | h->present,
        .mss = ip_address_is_v4(&h->local) ? tcp->options.mss_v4 : tcp->options.mss_v6,
        .scale = tcp->receive_scale,
        .ts_value = ts_value,
        .ts_echo = h->ts_recent,
    };

    tcp_option_put(&w, &o);
    s.options_len = (uint8_t)w.len;
    tcp_output_reply(tcp, &s);
}

static void answer_half(struct tcp *tcp, const struct tcp_half *h)
{
    answer(tcp, h, tcp_timer_tick(tcp) + ts_offset_of(tcp, h));
}

/* What was agreed holds for all but a SYN: the window is scaled, and a timestamp is there (RFC 7323
 * sections 2.2 and 3.2). */
static void challenge(struct tcp *tcp, const struct tcp_half *h)
{
    struct tcp_segment s = segment_of(tcp, h, h->isn + 1, TCP_ACK);
    struct writer w = writer_of(s.options, sizeof(s.options));
    struct tcp_option o = {.present = h->present & TCP_OPTION_TIMESTAMPS,
                           .ts_value = tcp_timer_tick(tcp) + ts_offset_of(tcp, h),
                           .ts_echo = h->ts_recent};

    if (!tcp_input_may_challenge(tcp))
        return;
    tcp->counters.challenges++;
    if (h->present & TCP_OPTION_SCALE)
        s.window >>= tcp->receive_scale;
    tcp_option_put(&w, &o);
    s.options_len = (uint8_t)w.len;
    tcp_output_reply(tcp, &s);
}

static void offers_of(const struct tcp *tcp, struct tcp_half *h, const struct tcp_input *in)
{
    h->irs = in->seq;
    h->present = (uint8_t)in->option.present;
    h->mss = in->option.mss;
    h->scale = in->option.scale & 15;
    h->ts_recent = in->option.ts_value;
    h->ecn =
        tcp->options.ecn != TCP_ECN_OFF && (in->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

static void give_up(struct tcp *tcp, struct tcp_half *h)
{
    struct tcp_flow_key key = tcp_half_open_key(h);

    tcp_prefix_give(&tcp->prefixes, &h->remote, TCP_PREFIX_HALF_OPEN);
    tcp_half_open_remove(&tcp->half, tcp_flow_hash(&tcp->flows, &key), h);
}

static void send_cookie(struct tcp *tcp, const struct tcp_input *in)
{
    struct tcp_half h = {.local = in->key.local,
                         .remote = in->key.remote,
                         .local_port = in->key.local_port,
                         .remote_port = in->key.remote_port};

    offers_of(tcp, &h, in);
    h.isn = tcp_cookie_make(&tcp->cookies, &h, tcp->now);
    tcp->counters.cookies_sent++;
    answer(tcp, &h, tcp_cookie_timestamp(&h, tcp_timer_tick(tcp) + ts_offset_of(tcp, &h)));
}

/*
 * Whether a handshake is answered with a cookie. In the table's last quarter only those get one
 * who lose nothing by it: their options come back in the timestamp.
 */
static bool cookie_wanted(const struct tcp *tcp, const struct tcp_input *in)
{
    const struct tcp_half_open *t = &tcp->half;

    if (tcp->options.no_cookies)
        return false;
    if (t->count == t->capacity ||
        !tcp_prefix_room(&tcp->prefixes, &in->key.remote, TCP_PREFIX_HALF_OPEN))
        return true;
    return t->count >= t->capacity - t->capacity / 4 && in->option.present & TCP_OPTION_TIMESTAMPS;
}

/* Whether there could be a connection for the peer at all; else its SYN is not even answered. */
static bool may_connect(struct tcp *tcp, const struct tcp_input *in)
{
    if (!tcp_prefix_room(&tcp->prefixes, &in->key.remote, TCP_PREFIX_CONNECTIONS)) {
        tcp->counters.drop_prefix_connections++;
        return false;
    }
    if (tcp->free == CONN_NONE && !tcp->gauge[TCP_TIME_WAIT]) {
        tcp->counters.drop_connections++;
        return false;
    }
    return true;
}

static void accept_syn(struct tcp *tcp, const struct tcp_input *in, uint32_t listener,
                       uint64_t hash)
{
    struct tcp_half *h;
    uint32_t offset;

    if (!may_connect(tcp, in))
        return;
    if (cookie_wanted(tcp, in)) {
        send_cookie(tcp, in);
        return;
    }
    if (!tcp_prefix_room(&tcp->prefixes, &in->key.remote, TCP_PREFIX_HALF_OPEN)) {
        tcp->counters.drop_prefix_half_open++;
        return;
    }
    if (tcp->half.count == tcp->half.capacity) {
        tcp->counters.half_open_evicted++;
        give_up(tcp, tcp_half_open_oldest(&tcp->half));
    }
    h = tcp_half_open_add(&tcp->half, hash, &in->key, tcp_timer_tick(tcp) + REPEAT_MS);
    tcp_prefix_take(&tcp->prefixes, &h->remote, TCP_PREFIX_HALF_OPEN);
    h->listener = (uint8_t)listener;
    offers_of(tcp, h, in);
    h->isn = tcp_conn_sequence(tcp, hash, &offset);
    if (in->reopens && seq_le(h->isn, in->isn_after))
        h->isn = in->isn_after + 1;
    answer(tcp, h, tcp_timer_tick(tcp) + offset);
}

/* When the answer that is being acknowledged was sent, in microseconds; to the millisecond. */
static uint32_t sent_at(const struct tcp *tcp, const struct tcp_half *h)
{
    uint32_t ago = tcp_timer_tick(tcp) - (h->due - ((uint32_t)REPEAT_MS << h->retries));

    return (uint32_t)tcp->now - ago * 1000;
}

/* The block that a handshake becomes, not established yet; NULL: counted why not. */
static struct tcp_conn *conn_of(struct tcp *tcp, const struct tcp_half *h, uint64_t hash)
{
    struct tcp_flow_key key = tcp_half_open_key(h);
    struct tcp_option o = {
        .present = h->present, .mss = h->mss, .scale = h->scale, .ts_value = h->ts_recent};
    struct tcp_conn *conn;

    if (!tcp_prefix_room(&tcp->prefixes, &h->remote, TCP_PREFIX_CONNECTIONS)) {
        tcp->counters.drop_prefix_connections++;
        return NULL;
    }
    conn = tcp_conn_new(tcp, &key, hash);
    if (!conn) {
        tcp->counters.drop_connections++;
        return NULL;
    }
    conn->listener = h->listener;
    tcp_conn_sequence(tcp, hash, &conn->ts_offset);
    conn->snd_una = h->isn;
    conn->snd_nxt = conn->snd_max = h->isn + 1;
    tcp_conn_negotiate(tcp, conn, &o, h->irs);
    if (h->ecn)
        conn->modes |= TCP_MODE_ECN;
    conn->rcv_adv = conn->rcv_nxt + syn_window(tcp);
    conn->snd_wl1 = h->irs;
    conn->last_sent = tcp_timer_tick(tcp);
    tcp_conn_set_state(tcp, conn, TCP_SYN_RECEIVED);
    return conn;
}

/* The handshake is over: `in` acknowledges our SYN. */
static void establish(struct tcp *tcp, struct tcp_half *h, struct tcp_input *in, uint64_t hash)
{
    struct tcp_conn *conn = conn_of(tcp, h, hash);

    if (!conn) /* the entry stays: the peer's next segment may find room */
        return;
    conn->flags |= h->retries ? CONN_SYN_LOST : 0;
    conn->syn_sent = sent_at(tcp, h);
    tcp_prefix_give(&tcp->prefixes, &h->remote, TCP_PREFIX_HALF_OPEN);
    tcp_half_open_remove(&tcp->half, hash, h);
    tcp_input_text(tcp, conn, in);
}

/* An acknowledgement that may end a handshake whose answer was a cookie. False: it does not, and
 * is to be refused. */
static bool cookie_input(struct tcp *tcp, struct tcp_input *in, uint32_t listener, uint64_t hash)
{
    struct tcp_half h = {.local = in->key.local,
                         .remote = in->key.remote,
                         .local_port = in->key.local_port,
                         .remote_port = in->key.remote_port,
                         .irs = in->seq - 1,
                         .isn = in->ack - 1,
                         .listener = (uint8_t)listener};
    struct tcp_conn *conn;

    if (in->flags & (TCP_SYN | TCP_RST) || !tcp_cookie_recent(&tcp->cookies, tcp->now))
        return false;
    if (!tcp_cookie_check(&tcp->cookies, &h, tcp->now)) {
        tcp->counters.cookies_bad++;
        /* Payload may have overtaken the first acknowledgement; a reset would end the handshake. */
        return in->payload.len;
    }
    if (in->option.present & TCP_OPTION_TIMESTAMPS) {
        tcp_cookie_options(&h, in->option.ts_echo);
        h.present |= TCP_OPTION_TIMESTAMPS;
        h.ts_recent = in->option.ts_value;
    }
    conn = conn_of(tcp, &h, hash);
    /* Nothing is kept of it that would be said again: a client that waits for a greeting would wait
     * for ever, but for the reset. */
    if (!conn)
        return false;
    conn->flags |= CONN_SYN_LOST; /* when the answer was sent is not known */
    tcp->counters.cookies_accepted++;
    tcp_input_text(tcp, conn, in);
    return true;
}

void tcp_passive_listen(struct tcp *tcp, struct tcp_input *in, uint64_t hash)
{
    uint32_t listener = find_listener(tcp, in->key.local_port);

    /* 3.10.7.2: first RST, second ACK, third SYN; without a listener 3.10.7.1 */
    if (listener != TCP_LISTENERS && in->flags & TCP_ACK && cookie_input(tcp, in, listener, hash))
        return;
    if (listener == TCP_LISTENERS || in->flags & TCP_ACK) {
        tcp->counters.drop_no_listener++;
        refuse(tcp, in);
        return;
    }
    if ((in->flags & (TCP_RST | TCP_SYN)) != TCP_SYN) {
        tcp->counters.drop_flags++;
        return;
    }
    accept_syn(tcp, in, listener, hash);
}

static void half_reset(struct tcp *tcp, struct tcp_half *h, const struct tcp_input *in)
{
    if (in->seq == h->irs + 1) { /* RFC 5961 section 3.2 */
        tcp->counters.resets_in++;
        give_up(tcp, h);
        return;
    }
    tcp->counters.drop_reset++;
    if (in->seq - h->irs - 1 < syn_window(tcp))
        challenge(tcp, h);
}

static void half_syn(struct tcp *tcp, struct tcp_half *h, const struct tcp_input *in)
{
    if (in->seq != h->irs || in->flags & TCP_ACK) { /* RFC 5961 section 4.2 */
        tcp->counters.drop_syn++;
        challenge(tcp, h);
        return;
    }
    /* Our answer was lost. */
    if (in->option.present & h->present & TCP_OPTION_TIMESTAMPS &&
        seq_lt(h->ts_recent, in->option.ts_value))
        h->ts_recent = in->option.ts_value;
    tcp->counters.retransmitted++;
    answer_half(tcp, h);
}

/* RFC 7323 sections 3.2 and 5.3. False: the segment is dropped. */
static bool half_timestamp_passes(struct tcp *tcp, const struct tcp_half *h,
                                  const struct tcp_input *in)
{
    if (!(h->present & TCP_OPTION_TIMESTAMPS))
        return true;
    if (!(in->option.present & TCP_OPTION_TIMESTAMPS)) {
        tcp->counters.drop_no_timestamp++;
        return false;
    }
    if (!seq_lt(in->option.ts_value, h->ts_recent))
        return true;
    tcp->counters.drop_paws++;
    challenge(tcp, h);
    return false;
}

static void half_ack(struct tcp *tcp, struct tcp_half *h, struct tcp_input *in, uint64_t hash)
{
    if (!half_timestamp_passes(tcp, h, in))
        return;
    if (in->seq - h->irs - 1 >= syn_window(tcp)) {
        tcp->counters.drop_window++;
        challenge(tcp, h);
        return;
    }
    if (in->ack != h->isn + 1) {
        tcp->counters.drop_ack++;
        tcp_output_reset(tcp, &in->key, in->ack, 0, TCP_RST);
        return;
    }
    establish(tcp, h, in, hash);
}

void tcp_passive_half(struct tcp *tcp, struct tcp_half *h, struct tcp_input *in, uint64_t hash)
{
    if (in->flags & TCP_RST)
        half_reset(tcp, h, in);
    else if (in->flags & TCP_SYN)
        half_syn(tcp, h, in);
    else if (in->flags & TCP_ACK)
        half_ack(tcp, h, in, hash);
    else
        tcp->counters.drop_flags++;
}

void tcp_passive_timers(struct tcp *tcp)
{
    uint32_t tick = tcp_timer_tick(tcp);
    struct tcp_half *h;

    while ((h = tcp_half_open_due(&tcp->half)) && seq_le(h->due, tick)) {
        if (h->retries == TCP_HALF_OPEN_RETRIES) {
            tcp->counters.half_open_timed_out++;
            give_up(tcp, h);
            continue;
        }
        if (tcp->reply_count >= TCP_REPLIES / 2) /* the rest leaves with the next turn */
            return;
        tcp_half_open_repeated(&tcp->half, h, tick + ((uint32_t)REPEAT_MS << (h->retries + 1)));
        tcp->counters.retransmitted++;
        answer_half(tcp, h);
    }
}

uint64_t tcp_passive_next_timer(const struct tcp *tcp)
{
    const struct tcp_half *h = tcp_half_open_due(&tcp->half);
    uint64_t tick = tcp->now / 1000;

    if (!h)
        return UINT64_MAX;
    return seq_lt((uint32_t)tick, h->due) ? (tick + (uint32_t)(h->due - (uint32_t)tick)) * 1000
                                          : tcp->now;
}

bool tcp_passive_unreachable(struct tcp *tcp, const struct tcp_flow_key *key, uint32_t seq)
{
    struct tcp_half *h = tcp_half_open_find(&tcp->half, tcp_flow_hash(&tcp->flows, key), key);

    if (!h || h->isn != seq)
        return false;
    tcp->counters.half_open_unreachable++;
    give_up(tcp, h);
    return true;
}
