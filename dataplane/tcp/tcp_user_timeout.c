/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_user_timeout.h"

#include "dataplane/tcp/tcp_timer.h"

/* RFC 5482 section 3.1 */
static uint32_t within_limits(uint32_t ms)
{
    if (ms < TCP_USER_TIMEOUT_LEAST)
        return TCP_USER_TIMEOUT_LEAST;
    return ms < TCP_USER_TIMEOUT_MOST ? ms : TCP_USER_TIMEOUT_MOST;
}

bool tcp_set_user_timeout(struct tcp *tcp, struct tcp_conn *conn, uint32_t ms, bool offer)
{
    struct tcp_side *side = tcp_side_take(tcp, conn);

    if (!side)
        return false;
    side->local_timeout = side->user_timeout = ms ? within_limits(ms) : 0;
    side->stuck_tick = tcp_timer_tick(tcp);
    side->offer = offer && ms;
    side->adapts = offer && ms;
    return true;
}

bool tcp_user_timeout_over(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_side *side = tcp_side_of(tcp, conn);
    uint32_t tick = tcp_timer_tick(tcp);

    if (!side || !side->user_timeout)
        return false;
    if (!conn->retries)
        side->stuck_tick = conn->last_sent;
    return tick - side->stuck_tick >= side->user_timeout;
}

uint32_t tcp_user_timeout_cap(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t rto)
{
    const struct tcp_side *side = tcp_side_of(tcp, conn);
    uint32_t gone, left;

    if (!side || !side->user_timeout || !conn->retries)
        return rto;
    gone = tcp_timer_tick(tcp) - side->stuck_tick;
    left = gone < side->user_timeout ? side->user_timeout - gone : 1;
    return rto / 1000 > left ? left * 1000 : rto;
}

void tcp_user_timeout_heard(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_option *option)
{
    struct tcp_side *side = tcp_side_of(tcp, conn);

    if (!side || !side->adapts || !option->user_timeout)
        return;
    side->user_timeout = within_limits(
        option->user_timeout > side->local_timeout ? option->user_timeout : side->local_timeout);
}

bool tcp_user_timeout_offer(struct tcp *tcp, struct tcp_conn *conn, struct tcp_option *option_out)
{
    struct tcp_side *side = tcp_side_of(tcp, conn);

    if (!side || !side->offer)
        return false;
    side->offer = false;
    option_out->present |= TCP_OPTION_USER_TIMEOUT;
    option_out->user_timeout = side->local_timeout;
    return true;
}
