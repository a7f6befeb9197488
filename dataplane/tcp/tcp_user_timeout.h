/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_USER_TIMEOUT_H
#define DATAPLANE_TCP_TCP_USER_TIMEOUT_H

#include "dataplane/tcp/tcp_conn.h"

/*
 * How long bytes may stay unacknowledged before the connection is given up: R2 of RFC 9293 section
 * 3.8.3 as a time, and the option that tells it to the peer (RFC 5482).
 */
enum {
    TCP_USER_TIMEOUT_LEAST = 1000,   /* milliseconds; L_LIMIT of RFC 5482 section 3.1 */
    TCP_USER_TIMEOUT_MOST = 3600000, /* U_LIMIT */
};

/* The retransmission timer expired. True: the time is over. */
bool tcp_user_timeout_over(struct tcp *tcp, struct tcp_conn *conn);
/* `rto` microseconds, or what is left until the connection is given up. */
uint32_t tcp_user_timeout_cap(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t rto);
/* The peer's option. */
void tcp_user_timeout_heard(struct tcp *tcp, struct tcp_conn *conn,
                            const struct tcp_option *option);
/* True: the option goes out with this segment; once. */
bool tcp_user_timeout_offer(struct tcp *tcp, struct tcp_conn *conn, struct tcp_option *option_out);

#endif
