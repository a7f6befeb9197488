/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/embed/embed_stack.h"

/* Connections as the caller sees them. */

void embed_list_add(struct embed_list *list, struct wirepost_tcp_conn *conn)
{
    conn->list = list;
    conn->next = NULL;
    conn->prev = list->last;
    if (list->last)
        list->last->next = conn;
    else
        list->first = conn;
    list->last = conn;
}

void embed_list_remove(struct wirepost_tcp_conn *conn)
{
    struct embed_list *list = conn->list;

    if (!list)
        return;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        list->first = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    else
        list->last = conn->prev;
    conn->list = NULL;
}

struct wirepost_tcp_conn *embed_list_take(struct embed_list *list)
{
    struct wirepost_tcp_conn *conn = list->first;

    if (conn)
        embed_list_remove(conn);
    return conn;
}

enum wirepost_tcp_error wirepost_tcp_connect(struct wirepost_tcp *stack,
                                             const struct wirepost_tcp_endpoint *local,
                                             const struct wirepost_tcp_endpoint *remote,
                                             uint64_t now, struct wirepost_tcp_conn **conn_out)
{
    struct ip_address from = ip_address_v6(local->address), to = ip_address_v6(remote->address);
    struct wirepost_tcp_conn *conn;

    *conn_out = NULL;
    embed_now(stack, now);
    if (!remote->port || !embed_is_ours(stack, &from) || embed_is_ours(stack, &to) ||
        ip_address_is_v4(&from) != ip_address_is_v4(&to))
        return WIREPOST_TCP_ARGUMENT;
    conn = embed_list_take(&stack->free);
    if (!conn)
        return WIREPOST_TCP_FULL;
    *conn = (struct wirepost_tcp_conn){.stack = stack};
    conn->tcp = tcp_connect(stack->tcp, &from, local->port, &to, remote->port, stack->now);
    if (!conn->tcp) {
        embed_list_add(&stack->free, conn);
        return tcp_connections(stack->tcp) == stack->most ? WIREPOST_TCP_FULL : WIREPOST_TCP_IN_USE;
    }
    tcp_set_user(conn->tcp, conn);
    tcp_set_nagle(stack->tcp, conn->tcp, true);
    *conn_out = conn;
    return WIREPOST_TCP_OK;
}

enum wirepost_tcp_error wirepost_tcp_read(struct wirepost_tcp_conn *conn, void *into, size_t len,
                                          size_t *len_out)
{
    uint8_t *to = into;

    *len_out = 0;
    while (*len_out < len) {
        struct span run = span_head(tcp_peek(conn->tcp), len - *len_out);

        if (!run.len)
            break;
        if (to)
            memcpy(to + *len_out, run.data, run.len);
        tcp_consume(conn->stack->tcp, conn->tcp, (uint32_t)run.len);
        *len_out += run.len;
    }
    if (*len_out || conn->end)
        return WIREPOST_TCP_OK;
    if (conn->ended)
        return conn->error;
    return conn->connected ? WIREPOST_TCP_AGAIN : WIREPOST_TCP_NOT_CONNECTED;
}

const uint8_t *wirepost_tcp_peek(const struct wirepost_tcp_conn *conn, size_t *len_out)
{
    struct span run = tcp_peek(conn->tcp);

    *len_out = run.len;
    return run.data;
}

size_t wirepost_tcp_unread(const struct wirepost_tcp_conn *conn)
{
    return tcp_unread(conn->tcp);
}

enum wirepost_tcp_error wirepost_tcp_write(struct wirepost_tcp_conn *conn, const void *bytes,
                                           size_t len, size_t *len_out)
{
    uint32_t room = tcp_send_room(conn->tcp);

    *len_out = 0;
    if (conn->ended && conn->error)
        return conn->error;
    if (conn->shut_down || conn->ended)
        return WIREPOST_TCP_SHUT_DOWN;
    if (!len)
        return WIREPOST_TCP_ARGUMENT;
    len = len < room ? len : room;
    if (!len || !sendq_copy(tcp_sendq(conn->tcp), conn->stack->pool, span_of(bytes, len)))
        return WIREPOST_TCP_AGAIN;
    tcp_send(conn->stack->tcp, conn->tcp);
    *len_out = len;
    return WIREPOST_TCP_OK;
}

size_t wirepost_tcp_unsent(const struct wirepost_tcp_conn *conn)
{
    return tcp_sendq(conn->tcp)->bytes;
}

enum wirepost_tcp_error wirepost_tcp_shutdown(struct wirepost_tcp_conn *conn)
{
    if (conn->ended)
        return conn->error ? conn->error : WIREPOST_TCP_SHUT_DOWN;
    if (!conn->connected)
        return WIREPOST_TCP_NOT_CONNECTED;
    if (conn->shut_down)
        return WIREPOST_TCP_SHUT_DOWN;
    conn->shut_down = true;
    tcp_shutdown(conn->stack->tcp, conn->tcp);
    return WIREPOST_TCP_OK;
}

/* The block is the stack's again; TCP finishes on its own what is to be finished. */
static void let_go(struct wirepost_tcp_conn *conn)
{
    struct wirepost_tcp *stack = conn->stack;

    tcp_forget(stack->tcp, conn->tcp);
    embed_list_remove(conn);
    embed_list_add(&stack->free, conn);
}

void wirepost_tcp_close(struct wirepost_tcp_conn *conn)
{
    if (tcp_unread(conn->tcp))
        tcp_abort(conn->stack->tcp, conn->tcp);
    let_go(conn);
}

void wirepost_tcp_abort(struct wirepost_tcp_conn *conn)
{
    tcp_abort(conn->stack->tcp, conn->tcp);
    let_go(conn);
}

enum wirepost_tcp_error wirepost_tcp_set(struct wirepost_tcp_conn *conn,
                                         enum wirepost_tcp_option option, uint32_t value)
{
    struct tcp *tcp = conn->stack->tcp;

    switch (option) {
    case WIREPOST_TCP_NO_DELAY:
        tcp_set_nagle(tcp, conn->tcp, !value);
        return WIREPOST_TCP_OK;
    case WIREPOST_TCP_KEEP_ALIVE:
        tcp_set_keepalive(tcp, conn->tcp, value);
        return WIREPOST_TCP_OK;
    case WIREPOST_TCP_USER_TIMEOUT:
        return tcp_set_user_timeout(tcp, conn->tcp, value, false) ? WIREPOST_TCP_OK
                                                                  : WIREPOST_TCP_MEMORY;
    }
    return WIREPOST_TCP_ARGUMENT;
}

uint32_t wirepost_tcp_readiness(const struct wirepost_tcp_conn *conn)
{
    uint32_t ready = 0;

    if (conn->connected)
        ready |= WIREPOST_TCP_CONNECTED;
    if (tcp_unread(conn->tcp))
        ready |= WIREPOST_TCP_READABLE;
    if (conn->connected && tcp_send_room(conn->tcp))
        ready |= WIREPOST_TCP_WRITABLE;
    if (conn->end)
        ready |= WIREPOST_TCP_END;
    if (conn->ended)
        ready |= WIREPOST_TCP_ENDED;
    return ready;
}

enum wirepost_tcp_error wirepost_tcp_error(const struct wirepost_tcp_conn *conn)
{
    return conn->error;
}

void wirepost_tcp_set_user(struct wirepost_tcp_conn *conn, void *user)
{
    conn->user = user;
}

void *wirepost_tcp_user(const struct wirepost_tcp_conn *conn)
{
    return conn->user;
}

void wirepost_tcp_endpoints(const struct wirepost_tcp_conn *conn,
                            struct wirepost_tcp_endpoint *local,
                            struct wirepost_tcp_endpoint *remote)
{
    struct ip_address ours, theirs;

    tcp_endpoints(conn->tcp, &ours, &local->port, &theirs, &remote->port);
    memcpy(local->address, ours.bytes, sizeof(local->address));
    memcpy(remote->address, theirs.bytes, sizeof(remote->address));
}

const char *wirepost_tcp_state(const struct wirepost_tcp_conn *conn)
{
    return tcp_state_text(conn->tcp);
}

bool wirepost_tcp_endpoint_parse(const char *address, uint16_t port,
                                 struct wirepost_tcp_endpoint *endpoint)
{
    struct ip_address a;

    if (!ip_address_parse(span_text(address), &a))
        return false;
    memcpy(endpoint->address, a.bytes, sizeof(endpoint->address));
    endpoint->port = port;
    return true;
}

const char *wirepost_tcp_error_text(enum wirepost_tcp_error error)
{
    static const char *const texts[WIREPOST_TCP_ERRORS] = {
        [WIREPOST_TCP_OK] = "no error",
        [WIREPOST_TCP_AGAIN] = "not possible yet",
        [WIREPOST_TCP_ARGUMENT] = "an argument makes no sense",
        [WIREPOST_TCP_MEMORY] = "not enough memory",
        [WIREPOST_TCP_FULL] = "the configured limit is reached",
        [WIREPOST_TCP_IN_USE] = "the port or the connection is in use",
        [WIREPOST_TCP_NOT_CONNECTED] = "not connected yet",
        [WIREPOST_TCP_SHUT_DOWN] = "shut down",
        [WIREPOST_TCP_DROPPED] = "the packet was dropped",
        [WIREPOST_TCP_REFUSED] = "refused by the peer",
        [WIREPOST_TCP_RESET] = "reset by the peer",
        [WIREPOST_TCP_TIMED_OUT] = "timed out",
        [WIREPOST_TCP_UNREACHABLE] = "the peer cannot be reached",
        [WIREPOST_TCP_ABORTED] = "aborted",
    };

    return (unsigned)error < WIREPOST_TCP_ERRORS ? texts[error] : "unknown error";
}
