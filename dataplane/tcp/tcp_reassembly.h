/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_REASSEMBLY_H
#define DATAPLANE_TCP_TCP_REASSEMBLY_H

#include "dataplane/tcp/tcp_conn.h"

/*
 * Received payload until the session has consumed it. In order it stays in the frames for this turn
 * and is then copied, once, behind the backlog; out of order it is copied at once into pieces
 * sorted by sequence number. Where bytes come twice, those that came first count.
 *
 * Memory is accounted by what chunks take. Small pieces fill up chunks or take small ones; a
 * connection holds at most tcp->receive_limit, and at most TCP_OOO_PIECES chunks out of order,
 * which bounds every walk.
 */
struct tcp_payload {
    struct span pieces[TCP_PIECES];
    uint32_t count;
    uint32_t len;
};

/* Drops bytes from the front. */
void tcp_payload_skip(struct tcp_payload *p, uint32_t n);
/* Keeps the first `n` bytes. */
void tcp_payload_head(struct tcp_payload *p, uint32_t n);

/*
 * Takes payload that begins at `seq`, at or after rcv_nxt, and ends within the window; moves
 * rcv_nxt over all that is in order now. Bytes that found no room are dropped and counted.
 */
void tcp_reassembly_add(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq,
                        struct tcp_payload *payload);
/* Copies what lies in frames. False: no room for all; rcv_nxt has moved back. */
bool tcp_reassembly_settle(struct tcp *tcp, struct tcp_conn *conn);
struct span tcp_reassembly_peek(const struct tcp *tcp, const struct tcp_conn *conn);
uint32_t tcp_reassembly_gather(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t offset,
                               uint8_t *out, uint32_t len);
void tcp_reassembly_consume(struct tcp *tcp, struct tcp_conn *conn, uint32_t n);
/*
 * The ranges that lie out of order, at most `max` <= TCP_SACK_BLOCKS, the one that a segment came
 * for last first (RFC 2018 section 4). One walk over at most TCP_OOO_PIECES pieces.
 */
uint32_t tcp_reassembly_ranges(const struct tcp_conn *conn, struct tcp_sack_block *blocks_out,
                               uint32_t max);
/* Drops what is out of order. */
void tcp_reassembly_drop_ahead(struct tcp *tcp, struct tcp_conn *conn);
/* Drops everything. */
void tcp_reassembly_drop(struct tcp *tcp, struct tcp_conn *conn);
/* How many bytes from rcv_nxt on there is room for. */
uint32_t tcp_reassembly_room(const struct tcp *tcp, const struct tcp_conn *conn);

#endif
