/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_EMBED_EMBED_STACK_H
#define DATAPLANE_EMBED_EMBED_STACK_H

#include "dataplane/embed/wirepost_tcp.h"
#include "dataplane/handoff/chunk.h"
#include "dataplane/packet/frame.h"
#include "dataplane/tcp/tcp.h"

/* Private to dataplane/embed: what stands behind wirepost_tcp.h. */

enum { EMBED_LISTENERS = 64, EMBED_SEGMENTS = 32 };

enum embed_counter {
#define EMBED_COUNTER(name, text) EMBED_##name,
#include "dataplane/embed/embed_counter.def"
#undef EMBED_COUNTER
    EMBED_COUNTERS,
    EMBED_KEEP = EMBED_COUNTERS, /* no reason to drop */
};
_Static_assert(EMBED_arp_malformed - EMBED_frame_short == FRAME_DROP_arp_malformed, "one block");

struct embed_list {
    struct wirepost_tcp_conn *first, *last;
};

/*
 * A connection that the caller holds, or that waits to be accepted. Legal states:
 *   free    on stack->free
 *   waiting on the list of its listener, until accepted; not on stack->news
 *   held    by the caller; on stack->news while it has news
 */
struct wirepost_tcp_conn {
    struct wirepost_tcp *stack;
    struct tcp_conn *tcp;
    struct embed_list *list; /* the list that it is on, or NULL */
    struct wirepost_tcp_conn *next, *prev;
    void *user;
    uint8_t error; /* enum wirepost_tcp_error: how it ended */
    bool connected, end, ended, shut_down;
};

struct embed_listener {
    uint16_t port; /* 0: this row is free */
    struct embed_list waiting;
};

struct wirepost_tcp {
    struct ip_address addresses[WIREPOST_TCP_ADDRESSES];
    uint32_t address_count;
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct wirepost_tcp_conn *conns;
    struct embed_list free, news;
    struct embed_listener listeners[EMBED_LISTENERS];
    uint64_t now;
    void (*output)(void *user, const uint8_t *packet, size_t len);
    void *output_user;
    uint8_t *packet; /* the one that is being written, `mtu` bytes */
    uint32_t mtu;
    uint32_t most; /* connections */
    struct tcp_segment segments[EMBED_SEGMENTS];
    uint64_t counters[EMBED_COUNTERS];
};

void embed_list_add(struct embed_list *list, struct wirepost_tcp_conn *conn);
/* Takes the connection off the list that it is on, if any. */
void embed_list_remove(struct wirepost_tcp_conn *conn);
/* Takes the first one, or NULL. */
struct wirepost_tcp_conn *embed_list_take(struct embed_list *list);

/* Lets what TCP tells of reach the connections of the caller. */
void embed_collect(struct wirepost_tcp *stack);
/* Time never goes back. */
uint64_t embed_now(struct wirepost_tcp *stack, uint64_t now);
bool embed_is_ours(const struct wirepost_tcp *stack, const struct ip_address *address);
/* NULL: nobody listens. Port 0 finds a row that is free. */
struct embed_listener *embed_listener(struct wirepost_tcp *stack, uint16_t port);
#endif
