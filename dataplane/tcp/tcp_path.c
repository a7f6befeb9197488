/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_path.h"

#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_recovery.h"
#include "dataplane/tcp/tcp_timer.h"
#include "proto/base/siphash.h"

enum {
    HEADERS_V4 = 40,
    HEADERS_V6 = 60,
    TIMESTAMPS = 12,
    STEP = 1280,    /* what nearly every path carries */
    RAISES_MOST = 6 /* the wait grows to an hour */
};

static bool is_v4(const struct tcp_conn *conn)
{
    return ip_address_is_v4(&conn->local);
}

static uint32_t headers_of(const struct tcp_conn *conn)
{
    return (is_v4(conn) ? HEADERS_V4 : HEADERS_V6) +
           (conn->flags & CONN_TIMESTAMPS ? TIMESTAMPS : 0);
}

static uint32_t floor_of(const struct tcp_conn *conn)
{
    return is_v4(conn) ? TCP_PATH_FLOOR_V4 : TCP_PATH_FLOOR_V6;
}

static const struct ip_address *remote_of(const struct tcp *tcp, const struct tcp_conn *conn)
{
    return &tcp->flows.entries[conn->index].remote;
}

/* The destination's set: TCP_PATH_WAYS entries. */
static struct tcp_path *set_of(struct tcp *tcp, const struct ip_address *destination)
{
    uint64_t hash = siphash(tcp->options.secret, span_of(destination->bytes, 16));

    return &tcp->paths->entries[hash % (TCP_PATHS / TCP_PATH_WAYS) * TCP_PATH_WAYS];
}

static void remember(struct tcp *tcp, const struct tcp_conn *conn, uint32_t mtu)
{
    const struct ip_address *destination = remote_of(tcp, conn);
    struct tcp_path *set = set_of(tcp, destination), *to = set;
    uint32_t tick = tcp_timer_tick(tcp);

    for (uint32_t i = 0; i < TCP_PATH_WAYS; i++) {
        if (set[i].mtu && ip_address_equal(&set[i].destination, destination)) {
            to = &set[i];
            break;
        }
        if (!set[i].mtu || (to->mtu && tick - set[i].tick > tick - to->tick))
            to = &set[i];
    }
    *to = (struct tcp_path){*destination, tick, (uint16_t)mtu};
}

/* What is known and not too old, or 0. */
static uint32_t known(struct tcp *tcp, const struct tcp_conn *conn)
{
    const struct ip_address *destination = remote_of(tcp, conn);
    struct tcp_path *set = set_of(tcp, destination);

    for (uint32_t i = 0; i < TCP_PATH_WAYS; i++)
        if (set[i].mtu && ip_address_equal(&set[i].destination, destination) &&
            tcp_timer_tick(tcp) - set[i].tick < TCP_PATH_RAISE_MS)
            return set[i].mtu;
    return 0;
}

/* The connection sends smaller segments from now on. Without a side block it does for good. */
static void reduce(struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu)
{
    struct tcp_side *side = tcp_side_take(tcp, conn);
    uint16_t before = conn->mss;

    conn->mss = (uint16_t)(mtu - headers_of(conn));
    conn->modes &= (uint16_t)~TCP_MODE_PROVEN;
    if (!side)
        return;
    conn->modes |= TCP_MODE_REDUCED;
    if (!side->mss_full)
        side->mss_full = before;
    side->claimed = 0;
    side->unconfirmed = true;
    side->raise_tick = tcp_timer_tick(tcp) + (side->raises + 1u) * TCP_PATH_RAISE_MS;
}

bool tcp_path_too_big(struct tcp *tcp, struct tcp_conn *conn, uint32_t mtu, uint32_t seq)
{
    struct tcp_side *side;

    mtu = mtu < floor_of(conn) ? floor_of(conn) : mtu;
    if (mtu - headers_of(conn) >= conn->mss || tcp_conn_is(conn, IN(SYN_SENT) | IN(SYN_RECEIVED)))
        return false;
    if (!(conn->modes & TCP_MODE_PROVEN)) {
        reduce(tcp, conn, mtu);
        remember(tcp, conn, mtu);
        tcp_recovery_resend(tcp, conn);
        return true;
    }
    side = tcp_side_take(tcp, conn);
    if (!side)
        return false;
    tcp->counters.icmp_delayed++;
    side->claimed = (uint16_t)mtu;
    side->claimed_seq = seq;
    return true;
}

/*
 * Two timeouts in a row for a segment: perhaps its size is to blame, be it full or not. What is
 * smaller than the next step down would not gain by it.
 */
static void black_hole(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t size = conn->snd_max - conn->snd_una, mtu, next;

    size = size < conn->queue.bytes ? size : conn->queue.bytes;
    mtu = (size < conn->mss ? size : conn->mss) + headers_of(conn);
    next = mtu > STEP ? STEP : floor_of(conn);
    if (conn->retries % 2 == 0 || next >= mtu)
        return;
    tcp->counters.black_holes++;
    reduce(tcp, conn, next);
}

void tcp_path_timeout(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_side *side = tcp_side_of(tcp, conn);

    if (side && side->claimed) {
        uint32_t mtu = side->claimed;

        side->claimed = 0;
        if (seq_within(side->claimed_seq, conn->snd_una, conn->snd_max) &&
            mtu - headers_of(conn) < conn->mss) {
            reduce(tcp, conn, mtu);
            remember(tcp, conn, mtu);
            return;
        }
    }
    black_hole(tcp, conn);
}

void tcp_path_acked(struct tcp *tcp, struct tcp_conn *conn, uint32_t bytes)
{
    struct tcp_side *side = tcp_side_of(tcp, conn);

    if (side->unconfirmed && bytes >= conn->mss) {
        side->unconfirmed = false;
        remember(tcp, conn, conn->mss + headers_of(conn));
    }
    if (seq_lt(tcp_timer_tick(tcp), side->raise_tick))
        return;
    tcp->counters.path_raised++;
    conn->mss = side->mss_full;
    conn->modes &= (uint16_t) ~(TCP_MODE_REDUCED | TCP_MODE_PROVEN);
    side->mss_full = 0;
    side->raises += side->raises < RAISES_MOST - 1;
}

uint32_t tcp_path_limit(struct tcp *tcp, struct tcp_conn *conn, uint32_t mss)
{
    uint32_t mtu = known(tcp, conn);
    struct tcp_side *side;

    if (!mtu || mtu - headers_of(conn) >= mss)
        return mss;
    side = tcp_side_take(tcp, conn);
    if (side) {
        conn->modes |= TCP_MODE_REDUCED;
        side->mss_full = (uint16_t)mss;
        side->raise_tick = tcp_timer_tick(tcp) + TCP_PATH_RAISE_MS;
    }
    return mtu - headers_of(conn);
}
