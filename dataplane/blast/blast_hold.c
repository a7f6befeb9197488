/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_session.h"

#include <stdlib.h>

/*
 * Sessions that hold still. Once one has said hello it is no more than a pointer in a table without
 * gaps: its connection's user is its place there, and the last one moves where one leaves. So what
 * a million of them cost is TCP's block and flow entry, and 8 bytes.
 */
bool blast_hold_init(struct blast_client *c)
{
    if (!c->order->hold_us)
        return true;
    c->held_left = blast_client_share(c->order, c->index);
    c->held = calloc(c->held_left + 1, sizeof(*c->held));
    return c->held;
}

static void put(struct blast_client *c, uint32_t at, struct tcp_conn *conn)
{
    c->held[at] = conn;
    tcp_set_user(conn, &c->held[at]);
}

void blast_hold_take(struct blast_client *c, struct tcp_conn *conn)
{
    put(c, c->held_count++, conn);
}

/* The connection is the caller's again. */
static void give(struct blast_client *c, struct tcp_conn *conn)
{
    uint32_t at = (uint32_t)((struct tcp_conn **)tcp_user(conn) - c->held);

    tcp_set_user(conn, NULL);
    c->held_count--;
    if (at < c->held_count)
        put(c, at, c->held[c->held_count]);
}

/* Reply-code = %x32-35 %x30-35 %x30-39; of what a server says before it closes */
static void read_code(struct blast_client *c, struct span text)
{
    uint32_t code = 0;

    for (size_t i = 0; i < 3; i++) {
        if (text.len <= i || (uint8_t)(text.data[i] - '0') > 9)
            return;
        code = code * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (code >= 400 && code < BLAST_CODES)
        c->tally->refused[SMTP_CLIENT_STEPS][code]++;
}

void blast_hold_event(struct blast_client *c, struct tcp_conn *conn, uint32_t events)
{
    struct span in = tcp_peek(conn);

    /* Under TLS its keys are forgotten. */
    if (in.len && c->order->work == BLAST_WORK_SMTP && !c->order->tls)
        read_code(c, in);
    for (; in.len; in = tcp_peek(conn))
        tcp_consume(c->tcp, conn, (uint32_t)in.len);
    if (!(events & (TCP_EVENT_EOF | TCP_EVENT_CLOSED)))
        return;
    if (c->parting)
        c->tally->counts.sessions_done++;
    else
        ++*blast_client_count_of(c,
                                 events & TCP_EVENT_CLOSED ? tcp_reason(conn) : TCP_REASON_CLOSED);
    give(c, conn);
    tcp_forget(c->tcp, conn);
}

static void reset_last(struct blast_client *c)
{
    struct tcp_conn *conn = c->held[c->held_count - 1];

    give(c, conn);
    tcp_abort(c->tcp, conn);
    tcp_forget(c->tcp, conn);
    c->tally->counts.sessions_done++;
}

/*
 * A reset is answered by nothing. So the very last one is closed instead, and the server's FIN says
 * that what went before has arrived where frames keep their order: whoever leaves sooner takes a
 * memif's rings along, with what the server has not read yet.
 */
bool blast_hold_let_go(struct blast_client *c)
{
    if (!c->held_count || c->parting || !tcp_abort_room(c->tcp))
        return false;
    if (c->held_count > 1) {
        reset_last(c);
        return true;
    }
    c->parting = true;
    tcp_shutdown(c->tcp, c->held[0]);
    return true;
}

void blast_hold_cut(struct blast_client *c)
{
    while (c->held_count)
        reset_last(c);
}

bool blast_hold_is_over(struct blast_client *c)
{
    if (!c->order->hold_us || c->phase != BLAST_PHASE_LOAD)
        return !c->held_count;
    if (!c->stood_at) {
        c->stood_at = c->now;
        atomic_store_explicit(&c->stood, c->now, memory_order_relaxed);
    }
    return c->now >= c->stood_at + c->order->hold_us;
}
