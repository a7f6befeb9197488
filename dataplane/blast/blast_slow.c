/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_session.h"

/*
 * Clients that take their time. All that tick do so at the same distance, so that they stand in
 * order of their next tick, whoever joins last last.
 */
enum { TICK_US = 100000, TICKS_EACH_SECOND = 1000000 / TICK_US };

/* What may move in a tick. */
static uint32_t quantum(const struct blast_client *c)
{
    uint32_t n = c->order->slow_bytes / TICKS_EACH_SECOND;

    return n ? n : 1;
}

void blast_slow_begin(struct blast_client *c, struct blast_session *s)
{
    if (s->ticks)
        return;
    s->ticks = true;
    s->tick = c->now + TICK_US;
    place_list_append(&c->ticking, (uint32_t)(s - c->table));
}

void blast_slow_end(struct blast_client *c, struct blast_session *s)
{
    if (s->ticks)
        place_list_remove(&c->ticking, (uint32_t)(s - c->table));
    s->ticks = false;
}

/* The next piece of the message; behind the last one the reply is awaited. */
static void send_more(struct blast_client *c, struct blast_session *s)
{
    struct span piece = span_head(s->rest, quantum(c));

    if (!blast_session_put(c, s, piece))
        return;
    s->rest = span_skip(s->rest, piece.len);
    if (s->rest.len)
        blast_slow_begin(c, s);
    else
        blast_smtp_sent(c, s);
}

static void tick(struct blast_client *c, struct blast_session *s)
{
    if (s->manner == BLAST_MANNER_slow_sender || tcp_unread(s->conn))
        blast_session_touch(c, s);
    switch (s->manner) {
    case BLAST_MANNER_slow_sender:
        send_more(c, s);
        break;
    case BLAST_MANNER_slow_reader:
        s->allowance = quantum(c);
        blast_slow_begin(c, s);
        blast_session_go_on(c, s);
        break;
    default:
        blast_broken_tick(c, s);
        break;
    }
}

uint32_t blast_slow_turn(struct blast_client *c)
{
    uint32_t n = 0;

    while (c->ticking.first != PLACE_NONE && c->table[c->ticking.first].tick <= c->now) {
        struct blast_session *s = &c->table[c->ticking.first];

        blast_slow_end(c, s);
        tick(c, s);
        n++;
    }
    return n;
}

uint64_t blast_slow_next(const struct blast_client *c)
{
    return c->ticking.first == PLACE_NONE ? UINT64_MAX : c->table[c->ticking.first].tick;
}
