/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_side.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_conn.h"

bool tcp_side_init(struct tcp_sides *sides, uint32_t count)
{
    *sides = (struct tcp_sides){.blocks = aligned_alloc(64, count * sizeof(*sides->blocks))};
    if (!sides->blocks)
        return false;
    for (uint32_t i = count; i-- > 0;) {
        sides->blocks[i].next = sides->free;
        sides->free = i + 1;
    }
    return true;
}

void tcp_side_fini(struct tcp_sides *sides)
{
    free(sides->blocks);
    *sides = (struct tcp_sides){0};
}

struct tcp_side *tcp_side_take(struct tcp *tcp, struct tcp_conn *conn)
{
    struct tcp_sides *sides = &tcp->sides;

    if (conn->side)
        return tcp_side_of(tcp, conn);
    if (!sides->free || conn->state == TCP_CLOSED) {
        tcp->counters.sides_short++;
        return NULL;
    }
    conn->side = (uint16_t)sides->free;
    sides->free = sides->blocks[conn->side - 1].next;
    sides->used++;
    sides->blocks[conn->side - 1] = (struct tcp_side){0};
    return tcp_side_of(tcp, conn);
}

void tcp_side_give(struct tcp *tcp, struct tcp_conn *conn)
{
    if (!conn->side)
        return;
    tcp->sides.blocks[conn->side - 1].next = tcp->sides.free;
    tcp->sides.free = conn->side;
    tcp->sides.used--;
    conn->side = 0;
}
