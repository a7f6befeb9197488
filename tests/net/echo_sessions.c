/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/session/sessions.h"

/* Sessions that send back what they get on the port of RFC 862. */
enum { ECHO_PORT = 7 };

struct sessions {
    struct sessions_options options;
    uint32_t count;
};

struct sessions *sessions_new(const struct sessions_options *options)
{
    struct sessions *s = calloc(1, sizeof(*s));

    if (s && tcp_listen(options->tcp, ECHO_PORT, 0)) {
        s->options = *options;
        return s;
    }
    free(s);
    return NULL;
}

void sessions_free(struct sessions *s)
{
    free(s);
}

static void echo(struct sessions *s, struct tcp_conn *conn)
{
    bool sent = false;

    while (tcp_unread(conn)) {
        uint32_t room = tcp_send_room(conn);
        struct span bytes = span_head(tcp_peek(conn), room);

        if (!bytes.len || !sendq_copy(tcp_sendq(conn), s->options.pool, bytes))
            break;
        tcp_consume(s->options.tcp, conn, (uint32_t)bytes.len);
        sent = true;
    }
    if (sent)
        tcp_send(s->options.tcp, conn);
}

uint32_t sessions_turn(struct sessions *s, struct turn_time time)
{
    struct tcp_conn *conn;
    uint32_t did = 0;

    (void)time;
    for (; (conn = tcp_ready(s->options.tcp)); did++) {
        uint32_t events = tcp_events(conn);

        s->count += (events & TCP_EVENT_ACCEPTED) != 0;
        if (events & TCP_EVENT_EOF)
            tcp_set_user(conn, s);
        if (!(events & TCP_EVENT_CLOSED))
            echo(s, conn);
        if (tcp_user(conn) && !tcp_unread(conn)) {
            tcp_shutdown(s->options.tcp, conn);
            tcp_set_user(conn, NULL);
        }
        if (events & TCP_EVENT_CLOSED) {
            tcp_forget(s->options.tcp, conn);
            s->count--;
        }
    }
    return did;
}

uint64_t sessions_next_timer(const struct sessions *s)
{
    (void)s;
    return UINT64_MAX;
}

uint32_t sessions_count(const struct sessions *s)
{
    return s->count;
}
