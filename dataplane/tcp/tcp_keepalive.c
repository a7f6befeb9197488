/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_keepalive.h"

#include "dataplane/tcp/tcp_timer.h"

static uint32_t idle_ms(const struct tcp *tcp)
{
    return tcp->options.keepalive_ms ? tcp->options.keepalive_ms : TCP_KEEPALIVE_IDLE_MS;
}

/* Between two probes: not longer than before the first. */
static uint32_t interval_ms(const struct tcp *tcp)
{
    uint32_t idle = idle_ms(tcp);

    return idle < TCP_KEEPALIVE_INTERVAL_MS ? idle : TCP_KEEPALIVE_INTERVAL_MS;
}

static bool wanted(const struct tcp_conn *conn)
{
    return conn->modes & TCP_MODE_KEEPALIVE && tcp_conn_is(conn, IN(ESTABLISHED) | IN(CLOSE_WAIT));
}

void tcp_set_keepalive(struct tcp *tcp, struct tcp_conn *conn, bool on)
{
    conn->modes =
        (uint16_t)(on ? conn->modes | TCP_MODE_KEEPALIVE : conn->modes & ~TCP_MODE_KEEPALIVE);
    conn->heard = tcp_timer_tick(tcp);
    if (!on && conn->timer_kind == TCP_TIMER_KEEPALIVE)
        tcp_timer_stop(conn);
    tcp_send(tcp, conn);
}

void tcp_keepalive_arm(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t idle = tcp_timer_tick(tcp) - conn->heard, most = idle_ms(tcp);

    if (!wanted(conn) || conn->timer_kind != TCP_TIMER_NONE)
        return;
    tcp_timer_start(tcp, conn, TCP_TIMER_KEEPALIVE,
                    (idle < most ? most - idle : interval_ms(tcp)) * 1000ull);
}

bool tcp_keepalive_due(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t idle = tcp_timer_tick(tcp) - conn->heard;

    if (!wanted(conn))
        return false;
    if (idle < idle_ms(tcp)) {
        conn->probes = 0;
        tcp_keepalive_arm(tcp, conn);
        return false;
    }
    if (conn->probes >= TCP_KEEPALIVE_PROBES)
        return true;
    conn->probes++;
    tcp->counters.keepalives++;
    tcp_conn_program(tcp, conn, CONN_KEEPALIVE);
    tcp_timer_start(tcp, conn, TCP_TIMER_KEEPALIVE, interval_ms(tcp) * 1000ull);
    return false;
}
