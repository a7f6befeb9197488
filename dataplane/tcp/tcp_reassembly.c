/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_reassembly.h"

#include "dataplane/tcp/chunk_fit.h"
#include "dataplane/tcp/tcp_sack.h"

/*
 * A piece out of order is a chunk that begins with this. So it joins the backlog as it is, with its
 * `start` behind it.
 */
struct piece {
    uint32_t seq;   /* of the byte behind this header */
    uint32_t run;   /* bytes that lie right before it, in the pieces before */
    uint32_t stamp; /* when it last grew, or came again: tcp->arrivals */
};
enum {
    PIECE_HEADER = sizeof(struct piece),
    LARGE_FROM = 16384, /* bytes in a row that are worth a large chunk for what follows */
};

static struct piece piece_of(const struct chunk *c)
{
    struct piece p;

    memcpy(&p, c->data, PIECE_HEADER); /* data[] is not aligned */
    return p;
}

static uint32_t piece_seq(const struct chunk *c)
{
    return piece_of(c).seq + c->start - PIECE_HEADER;
}

static uint32_t piece_end(const struct chunk *c)
{
    return piece_seq(c) + c->len - c->start;
}

void tcp_payload_skip(struct tcp_payload *p, uint32_t n)
{
    uint32_t first = 0, kept = 0;

    p->len -= n;
    while (first < p->count && n >= p->pieces[first].len)
        n -= (uint32_t)p->pieces[first++].len;
    while (first + kept < p->count) {
        p->pieces[kept] = p->pieces[first + kept];
        kept++;
    }
    p->count = kept;
    if (kept)
        p->pieces[0] = span_skip(p->pieces[0], n);
}

void tcp_payload_head(struct tcp_payload *p, uint32_t n)
{
    uint32_t i = 0;

    p->len = n;
    while (i < p->count && n) {
        p->pieces[i] = span_head(p->pieces[i], n);
        n -= (uint32_t)p->pieces[i++].len;
    }
    p->count = i;
}

/* A chunk for `len` bytes behind `run` others, within the connection's limit. */
static struct chunk *take(struct tcp *tcp, struct tcp_conn *conn, size_t len, uint32_t run)
{
    enum chunk_class least = run >= LARGE_FROM ? CHUNK_LARGE : run ? CHUNK_MEDIUM : CHUNK_SMALL;
    enum chunk_class class = chunk_class_for(len, least);
    struct chunk *c = chunk_fit(tcp->pool, class < tcp->receive_class ? class : tcp->receive_class);

    if (c && conn->held + c->cap > tcp->receive_limit) {
        chunk_give(tcp->pool, c);
        c = NULL;
    }
    if (c)
        conn->held += c->cap;
    return c;
}

/*
 * All pieces together have a budget, so that a few peers who send much out of order cannot take the
 * chunks that bytes in order need. In its second half nobody has more than a sixteenth.
 */
static bool within_budget(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t cap)
{
    uint32_t most = tcp->options.out_of_order;

    if (!most)
        return true;
    if (tcp->ooo_held + cap > most)
        return false;
    return tcp->ooo_held < most / 2 || (conn->ooo_pieces + 1u) * cap <= most / 16;
}

static void give(struct tcp *tcp, struct tcp_conn *conn, struct chunk *c)
{
    c->next = NULL;
    conn->held -= c->cap;
    chunk_give(tcp->pool, c);
}

static void backlog_link(struct tcp_conn *conn, struct chunk *c)
{
    c->next = NULL;
    if (conn->backlog_last)
        conn->backlog_last->next = c;
    else
        conn->backlog = c;
    conn->backlog_last = c;
}

static uint32_t fill(struct chunk *c, struct span bytes)
{
    struct span part = span_head(bytes, chunk_room(c));

    memcpy(c->data + c->len, part.data, part.len);
    c->len += (uint32_t)part.len;
    return (uint32_t)part.len;
}

/*
 * Drops the piece that is furthest ahead. SACK may have said that we have it, but until it is
 * acknowledged the peer keeps it (RFC 2018 section 8).
 */
static void prune(struct tcp *tcp, struct tcp_conn *conn)
{
    struct chunk **link = &conn->ooo;

    while ((*link)->next)
        link = &(*link)->next;
    conn->ooo_pieces--;
    conn->ooo_bytes -= (*link)->len - (*link)->start;
    tcp->ooo_held -= (*link)->cap;
    give(tcp, conn, *link);
    *link = NULL;
    tcp->counters.pruned++;
}

/* What is in order may push out what is not: else the hole that it fills could never be filled. */
static struct chunk *take_in_order(struct tcp *tcp, struct tcp_conn *conn, size_t len)
{
    struct chunk *c = take(tcp, conn, len, conn->backlog ? conn->unread : 0);

    while (!c && conn->ooo) {
        prune(tcp, conn);
        c = take(tcp, conn, len, 0);
    }
    return c;
}

/* Copies to the end of the backlog; returns how many bytes found room. */
static uint32_t backlog_append(struct tcp *tcp, struct tcp_conn *conn, struct span bytes)
{
    uint32_t done = 0;

    while (bytes.len) {
        struct chunk *last = conn->backlog_last;
        uint32_t n;

        if (!last || !chunk_room(last)) {
            last = take_in_order(tcp, conn, bytes.len);
            if (!last)
                break;
            backlog_link(conn, last);
        }
        n = fill(last, bytes);
        done += n;
        bytes = span_skip(bytes, n);
    }
    return done;
}

static void frame_pop(struct tcp *tcp, struct tcp_conn *conn)
{
    conn->frames = tcp->frames[conn->frames].next;
    if (conn->frames == FRAME_NONE)
        conn->frames_last = FRAME_NONE;
}

bool tcp_reassembly_settle(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t lost = 0;

    while (conn->frames != FRAME_NONE) {
        struct span bytes = tcp->frames[conn->frames].bytes;

        frame_pop(tcp, conn);
        if (lost)
            lost += (uint32_t)bytes.len;
        else
            lost = (uint32_t)bytes.len - backlog_append(tcp, conn, bytes);
    }
    if (lost)
        tcp->counters.drop_memory++;
    /* Not acknowledged yet, so the peer will send it again. */
    conn->rcv_nxt -= lost;
    conn->unread -= lost;
    return lost == 0;
}

/* Keeps payload in its frames. False: no room on this turn's table. */
static bool keep_in_frames(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_payload *p)
{
    if (tcp->frame_count + p->count > TCP_FRAMES)
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        uint16_t at = (uint16_t)tcp->frame_count++;

        tcp->frames[at] = (struct tcp_frame){p->pieces[i], conn->index, FRAME_NONE};
        if (conn->frames_last == FRAME_NONE)
            conn->frames = at;
        else
            tcp->frames[conn->frames_last].next = at;
        conn->frames_last = at;
    }
    conn->rcv_nxt += p->len;
    conn->unread += p->len;
    return true;
}

/* Moves the pieces that rcv_nxt has reached to the backlog. */
static void absorb(struct tcp *tcp, struct tcp_conn *conn)
{
    while (conn->ooo && seq_le(piece_seq(conn->ooo), conn->rcv_nxt)) {
        struct chunk *c = conn->ooo;
        uint32_t len = c->len - c->start, skip = conn->rcv_nxt - piece_seq(c);

        conn->ooo = c->next;
        conn->ooo_pieces--;
        conn->ooo_bytes -= len;
        tcp->ooo_held -= c->cap;
        if (skip >= len) {
            give(tcp, conn, c);
            continue;
        }
        c->start += skip;
        backlog_link(conn, c);
        conn->rcv_nxt += len - skip;
        conn->unread += len - skip;
    }
}

/* What of the payload at rcv_nxt lies out of order already: the first run of it is reported (RFC
 * 2883 section 4). */
static void report_overlap(struct tcp *tcp, const struct tcp_conn *conn,
                           const struct tcp_payload *p)
{
    const struct chunk *c = conn->ooo;
    uint32_t end = conn->rcv_nxt + p->len, start, run;

    if (!c || seq_le(end, piece_seq(c)))
        return;
    start = piece_seq(c);
    run = piece_end(c);
    for (c = c->next; c && piece_seq(c) == run; c = c->next)
        run = piece_end(c);
    tcp_sack_duplicate(tcp, conn, start, seq_min(run, end));
}

/* Payload that begins at rcv_nxt goes to the backlog, around the pieces that are there already. */
static void fill_hole(struct tcp *tcp, struct tcp_conn *conn, struct tcp_payload *p)
{
    uint32_t seq = conn->rcv_nxt;

    report_overlap(tcp, conn, p);
    while (p->len) {
        struct span bytes = p->pieces[0];
        uint32_t n;

        if (conn->ooo)
            bytes = span_head(bytes, piece_seq(conn->ooo) - conn->rcv_nxt);
        n = backlog_append(tcp, conn, bytes);
        conn->rcv_nxt += n;
        conn->unread += n;
        if (n < bytes.len) { /* no chunk, and nothing is ahead any more: the session may still read
                                it in place */
            tcp_payload_skip(p, conn->rcv_nxt - seq);
            if (!keep_in_frames(tcp, conn, p))
                tcp->counters.drop_memory++;
            return;
        }
        absorb(tcp, conn);
        n = conn->rcv_nxt - seq;
        tcp_payload_skip(p, n < p->len ? n : p->len);
        seq = conn->rcv_nxt;
    }
}

/* The piece is what arrived last. */
static void touch(struct tcp *tcp, struct chunk *c)
{
    memcpy(c->data + offsetof(struct piece, stamp), &tcp->arrivals, sizeof(tcp->arrivals));
}

/* A new piece behind `before` (NULL: in front); `run` bytes lie right before it. NULL: no room. */
static struct chunk *piece_new(struct tcp *tcp, struct tcp_conn *conn, struct chunk *before,
                               struct piece p, size_t len)
{
    struct chunk *c;

    if (conn->ooo_pieces == TCP_OOO_PIECES) {
        tcp->counters.drop_pieces++;
        return NULL;
    }
    c = take(tcp, conn, len + PIECE_HEADER, p.run);
    if (!c) {
        tcp->counters.drop_memory++;
        return NULL;
    }
    if (!within_budget(tcp, conn, c->cap)) {
        tcp->counters.drop_out_of_order++;
        give(tcp, conn, c);
        return NULL;
    }
    tcp->ooo_held += c->cap;
    memcpy(c->data, &p, PIECE_HEADER);
    c->len = c->start = PIECE_HEADER;
    c->next = before ? before->next : conn->ooo;
    *(before ? &before->next : &conn->ooo) = c;
    conn->ooo_pieces++;
    return c;
}

/*
 * Copies bytes that touch no piece to behind `before` (NULL: to the front) and returns the last
 * piece written, or NULL when there was no room for all.
 */
static struct chunk *insert(struct tcp *tcp, struct tcp_conn *conn, struct chunk *before,
                            uint32_t seq, struct span bytes)
{
    while (bytes.len) {
        bool joins = before && piece_end(before) == seq;
        uint32_t n;

        if (!joins || !chunk_room(before)) {
            uint32_t run = joins ? piece_of(before).run + before->len - PIECE_HEADER : 0;

            before = piece_new(tcp, conn, before, (struct piece){seq, run, 0}, bytes.len);
            if (!before)
                return NULL;
        }
        n = fill(before, bytes);
        touch(tcp, before);
        conn->ooo_bytes += n;
        seq += n;
        bytes = span_skip(bytes, n);
    }
    return before;
}

/* One run of payload out of order: fills the gaps between the pieces. */
static bool add_ahead(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq, struct span bytes)
{
    struct chunk *before = NULL, *at = conn->ooo;

    while (bytes.len) {
        uint32_t gap = at ? piece_seq(at) - seq : UINT32_MAX, n;

        if (at &&
            seq_le(piece_seq(at), seq)) { /* this piece begins before: what it covers is there */
            n = seq_lt(seq, piece_end(at)) ? piece_end(at) - seq : 0;
            if (n) {
                touch(tcp, at);
                tcp_sack_duplicate(tcp, conn, seq, seq + (n < bytes.len ? n : (uint32_t)bytes.len));
            }
            before = at;
            at = at->next;
        } else {
            n = bytes.len < gap ? (uint32_t)bytes.len : gap;
            before = insert(tcp, conn, before, seq, span_head(bytes, n));
            if (!before)
                return false;
        }
        n = n < bytes.len ? n : (uint32_t)bytes.len;
        seq += n;
        bytes = span_skip(bytes, n);
    }
    return true;
}

void tcp_reassembly_add(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq,
                        struct tcp_payload *payload)
{
    if (seq == conn->rcv_nxt) {
        if (!conn->ooo && keep_in_frames(tcp, conn, payload))
            return;
        if (tcp_reassembly_settle(tcp, conn))
            fill_hole(tcp, conn, payload);
        return;
    }
    tcp->arrivals++;
    for (uint32_t i = 0; i < payload->count; i++) {
        if (!add_ahead(tcp, conn, seq, payload->pieces[i]))
            return;
        seq += (uint32_t)payload->pieces[i].len;
    }
}

/* The latest ranges first. */
struct ranking {
    struct tcp_sack_block *blocks;
    uint32_t stamps[TCP_SACK_BLOCKS];
    uint32_t count, max;
};

static void rank(struct ranking *r, struct tcp_sack_block block, uint32_t stamp)
{
    uint32_t i = r->count;

    while (i && seq_lt(r->stamps[i - 1], stamp))
        i--;
    if (i == r->max)
        return;
    if (r->count < r->max)
        r->count++;
    for (uint32_t j = r->count - 1; j > i; j--) {
        r->blocks[j] = r->blocks[j - 1];
        r->stamps[j] = r->stamps[j - 1];
    }
    r->blocks[i] = block;
    r->stamps[i] = stamp;
}

uint32_t tcp_reassembly_ranges(const struct tcp_conn *conn, struct tcp_sack_block *blocks_out,
                               uint32_t max)
{
    struct ranking r = {.blocks = blocks_out, .max = max};
    const struct chunk *c = conn->ooo;

    while (c && max) {
        struct tcp_sack_block block = {piece_seq(c), piece_end(c)};
        uint32_t stamp = piece_of(c).stamp;

        while ((c = c->next) && piece_seq(c) == block.end) {
            block.end = piece_end(c);
            stamp = seq_max(stamp, piece_of(c).stamp);
        }
        rank(&r, block, stamp);
    }
    return r.count;
}

struct span tcp_reassembly_peek(const struct tcp *tcp, const struct tcp_conn *conn)
{
    if (conn->backlog)
        return chunk_unread(conn->backlog);
    if (conn->frames != FRAME_NONE)
        return tcp->frames[conn->frames].bytes;
    return span_of(NULL, 0);
}

/* What of a run lies behind the first `*skip` bytes goes to `out`, at most `len`; how many. */
static uint32_t gather_run(struct span run, uint32_t *skip, uint8_t *out, uint32_t len)
{
    struct span rest = span_head(span_skip(run, *skip), len);

    *skip -= (uint32_t)span_head(run, *skip).len;
    memcpy(out, rest.data, rest.len);
    return (uint32_t)rest.len;
}

uint32_t tcp_reassembly_gather(const struct tcp *tcp, const struct tcp_conn *conn, uint32_t offset,
                               uint8_t *out, uint32_t len)
{
    uint32_t got = 0;

    for (const struct chunk *c = conn->backlog; c && got < len; c = c->next)
        got += gather_run(chunk_unread(c), &offset, out + got, len - got);
    for (uint16_t i = conn->frames; i != FRAME_NONE && got < len; i = tcp->frames[i].next)
        got += gather_run(tcp->frames[i].bytes, &offset, out + got, len - got);
    return got;
}

void tcp_reassembly_consume(struct tcp *tcp, struct tcp_conn *conn, uint32_t n)
{
    struct chunk *c = conn->backlog;

    conn->unread -= n;
    if (c) {
        c->start += n;
        if (c->start < c->len)
            return;
        conn->backlog = c->next;
        if (!conn->backlog)
            conn->backlog_last = NULL;
        give(tcp, conn, c);
    } else if (conn->frames != FRAME_NONE) {
        struct tcp_frame *f = &tcp->frames[conn->frames];

        f->bytes = span_skip(f->bytes, n);
        if (!f->bytes.len)
            frame_pop(tcp, conn);
    }
}

void tcp_reassembly_drop_ahead(struct tcp *tcp, struct tcp_conn *conn)
{
    while (conn->ooo) {
        struct chunk *c = conn->ooo;

        conn->ooo = c->next;
        tcp->ooo_held -= c->cap;
        give(tcp, conn, c);
    }
    conn->ooo_pieces = 0;
    conn->ooo_bytes = 0;
}

void tcp_reassembly_drop(struct tcp *tcp, struct tcp_conn *conn)
{
    tcp_reassembly_drop_ahead(tcp, conn);
    conn->frames = conn->frames_last = FRAME_NONE;
    while (conn->backlog) {
        struct chunk *c = conn->backlog;

        conn->backlog = c->next;
        give(tcp, conn, c);
    }
    conn->backlog_last = NULL;
    conn->unread = 0;
}

uint32_t tcp_reassembly_room(const struct tcp *tcp, const struct tcp_conn *conn)
{
    uint32_t used = conn->held - conn->ooo_bytes;

    if (conn->backlog_last)
        used -= chunk_room(conn->backlog_last);
    return used < tcp->options.receive_window ? tcp->options.receive_window - used : 0;
}
