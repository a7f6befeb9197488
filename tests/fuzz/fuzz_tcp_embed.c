/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/embed/wirepost_tcp.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"
#include "proto/base/cursor.h"
#include "proto/base/writer.h"

/*
 * A stack of wirepost_tcp.h with a listener and an attempt to connect, and a peer that says what
 * the input says. Segments are numbered from what the stack sent last, so that its states are
 * reached; packets may also be given byte by byte. Each step of the input is {what, argument ...}.
 */
enum { ROOM = 4096, STEPS = 512, CONNS = 16, PORT = 25, PEER_PORT = 4000 };

enum step {
    STEP_SEGMENT, /* flow, flags, sequence and acknowledgement beside the expected, payload, options
                   */
    STEP_PACKET,  /* length, bytes; checksums mended */
    STEP_RAW,     /* length, bytes */
    STEP_WAIT,    /* milliseconds, 16 bits */
    STEP_CALL,    /* connection, call, argument */
    STEPS_KINDS,
};

struct flow {
    uint16_t local, remote;
    uint32_t next, acknowledged; /* what the stack sent up to, what it acknowledged */
};

struct peer {
    struct wirepost_tcp *stack;
    struct wirepost_tcp_conn *conns[CONNS];
    struct flow flows[4];
    struct wirepost_tcp_endpoint ours, theirs;
    uint64_t now;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_output(void *user, const uint8_t *packet, size_t len)
{
    struct peer *p = user;
    struct frame f;
    struct checksum sum = {0};
    struct span head = span_head(span_of(packet, len), FRAME_HEAD);
    struct cursor c;
    uint16_t local, remote;
    uint32_t seq, ack;
    uint8_t flags, header;

    if (frame_parse_packet(head, len, &f) != FRAME_KEEP || f.kind != FRAME_TCP ||
        f.l4 + f.l4_len != len || !frame_ipv4_checksum_good(head, &f))
        abort();
    checksum_pseudo(&sum, &f.source, &f.destination, 6, f.l4_len);
    checksum_add(&sum, packet + f.l4, f.l4_len);
    if (checksum_fold(&sum) != 0xffff)
        abort();
    c = cursor_of(span_of(packet + f.l4, f.l4_len));
    local = cursor_u16(&c);
    remote = cursor_u16(&c);
    seq = cursor_u32(&c);
    ack = cursor_u32(&c);
    header = (uint8_t)(cursor_u8(&c) >> 4);
    flags = cursor_u8(&c);
    for (int i = 0; i < 4; i++) {
        struct flow *flow = &p->flows[i];

        if (flow->remote != remote || (flow->local && flow->local != local))
            continue;
        flow->local = local;
        flow->next = seq + f.l4_len - header * 4u + (flags & 1) + (flags >> 1 & 1);
        if (flags & 16)
            flow->acknowledged = ack;
    }
}

static void mend(uint8_t *packet, size_t len)
{
    struct checksum sum = {0};
    struct frame f;
    uint16_t check;

    if (frame_parse_packet(span_head(span_of(packet, len), FRAME_HEAD), len, &f) != FRAME_KEEP)
        return;
    if (f.v4) {
        memset(packet + 10, 0, 2);
        checksum_add(&sum, packet, f.l4);
        check = checksum_final(&sum);
        memcpy(packet + 10, &check, 2);
    }
    if (f.l4_len < 20)
        return;
    sum = (struct checksum){0};
    if (f.kind != FRAME_ICMP4)
        checksum_pseudo(&sum, &f.source, &f.destination, f.kind == FRAME_TCP ? 6 : 58, f.l4_len);
    memset(packet + f.l4 + (f.kind == FRAME_TCP ? 16 : 2), 0, 2);
    checksum_add(&sum, packet + f.l4, f.l4_len);
    check = checksum_final(&sum);
    memcpy(packet + f.l4 + (f.kind == FRAME_TCP ? 16 : 2), &check, 2);
}

/* An exact copy on the heap: reading past its end is seen. */
static void give(struct peer *p, struct span packet, bool mended)
{
    uint8_t *copy = malloc(packet.len ? packet.len : 1);

    if (!copy)
        return;
    if (packet.len)
        memcpy(copy, packet.data, packet.len);
    if (mended)
        mend(copy, packet.len);
    wirepost_tcp_input(p->stack, copy, packet.len, p->now);
    free(copy);
}

static void segment(struct peer *p, struct cursor *c)
{
    struct flow *flow = &p->flows[cursor_u8(c) % 4];
    uint8_t flags = cursor_u8(c);
    int8_t seq = (int8_t)cursor_u8(c), ack = (int8_t)cursor_u8(c);
    uint16_t payload = cursor_u16(c) % 2000;
    struct span options = cursor_take(c, cursor_u8(c) % 11 * 4u);
    uint8_t bytes[ROOM] = {0x45};
    struct writer w = writer_of(bytes, sizeof(bytes));

    w.len = 2;
    writer_uint(&w, 40 + options.len + payload, 2);
    writer_uint(&w, 0x4000, 4);
    writer_uint(&w, 64 << 8 | 6, 2);
    writer_uint(&w, 0, 2);
    writer_span_put(&w, span_of(p->theirs.address + 12, 4));
    writer_span_put(&w, span_of(p->ours.address + 12, 4));
    writer_uint(&w, flow->remote, 2);
    writer_uint(&w, flow->local ? flow->local : PORT, 2);
    /* Far away and near: eighths of an MSS. */
    writer_uint(&w, flow->acknowledged + (uint32_t)(seq * 182), 4);
    writer_uint(&w, flow->next + (uint32_t)(ack * 182), 4);
    writer_uint(&w, (20 + options.len) / 4 << 4, 1);
    writer_uint(&w, flags, 1);
    writer_uint(&w, cursor_u16(c), 2);
    writer_uint(&w, 0, 4);
    writer_span_put(&w, options);
    w.len += payload;
    give(p, writer_span(&w), true);
}

static struct wirepost_tcp_conn **slot(struct peer *p, bool used, uint8_t at)
{
    for (int i = 0; i < CONNS; i++)
        if (!p->conns[(at + i) % CONNS] == !used)
            return &p->conns[(at + i) % CONNS];
    return NULL;
}

static void call_conn(struct wirepost_tcp_conn **conn, uint8_t what, uint16_t n)
{
    static uint8_t bytes[65536];
    size_t len;

    switch (what % 8) {
    case 0:
        wirepost_tcp_read(*conn, bytes, n, &len);
        break;
    case 1:
    case 2:
        wirepost_tcp_write(*conn, bytes, n, &len);
        break;
    case 3:
        wirepost_tcp_shutdown(*conn);
        break;
    case 4:
        wirepost_tcp_set(*conn, (enum wirepost_tcp_option)(n % 4), n);
        break;
    case 5:
        if (wirepost_tcp_peek(*conn, &len) && len > wirepost_tcp_unread(*conn))
            abort();
        break;
    case 6:
        wirepost_tcp_close(*conn);
        *conn = NULL;
        break;
    default:
        wirepost_tcp_abort(*conn);
        *conn = NULL;
    }
}

static void call(struct peer *p, struct cursor *c)
{
    uint8_t at = cursor_u8(c), what = cursor_u8(c);
    struct wirepost_tcp_conn **conn = slot(p, true, at), **unused = slot(p, false, at);
    uint16_t n = cursor_u16(c);

    if (what < 32 && unused)
        wirepost_tcp_accept(p->stack, PORT, unused);
    else if (what < 48 && unused)
        wirepost_tcp_connect(p->stack, &p->ours, &p->theirs, p->now, unused);
    else if (what < 52)
        wirepost_tcp_unlisten(p->stack, PORT);
    else if (what < 60)
        wirepost_tcp_listen(p->stack, PORT);
    else if (conn)
        call_conn(conn, what, n);
}

static void step(struct peer *p, struct cursor *c)
{
    switch (cursor_u8(c) % STEPS_KINDS) {
    case STEP_SEGMENT:
        segment(p, c);
        break;
    case STEP_PACKET:
        give(p, cursor_take(c, cursor_u16(c) % 1500), true);
        break;
    case STEP_RAW:
        give(p, cursor_take(c, cursor_u16(c) % 1500), false);
        break;
    case STEP_WAIT:
        p->now += cursor_u16(c) * 1000ull;
        wirepost_tcp_timers(p->stack, p->now);
        break;
    case STEP_CALL:
        call(p, c);
        break;
    }
    wirepost_tcp_output(p->stack, p->now);
    while (wirepost_tcp_news(p->stack))
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer p = {.flows = {{PORT, PEER_PORT, 0, 0},
                               {PORT, PEER_PORT + 1, 0, 0},
                               {PORT, PEER_PORT + 2, 0, 0},
                               {0, PORT, 0, 0}}};
    struct wirepost_tcp_config config = {.addresses = &p.ours,
                                         .address_count = 1,
                                         .connections = 8,
                                         .half_open = size ? data[0] % 4 + 1u : 1,
                                         .memory = 1 << 20,
                                         .ecn = WIREPOST_TCP_ECN_ASK,
                                         .output = on_output,
                                         .output_user = &p};
    struct cursor c = cursor_of(span_of(data, size));

    wirepost_tcp_endpoint_parse("198.18.0.2", 0, &p.ours);
    wirepost_tcp_endpoint_parse("198.18.0.1", PORT, &p.theirs);
    p.stack = wirepost_tcp_new(&config, NULL);
    if (!p.stack)
        return 0;
    wirepost_tcp_listen(p.stack, PORT);
    wirepost_tcp_connect(p.stack, &p.ours, &p.theirs, p.now, &p.conns[0]);
    wirepost_tcp_output(p.stack, p.now);
    cursor_u8(&c);
    for (int i = 0; i < STEPS && cursor_left(&c); i++)
        step(&p, &c);
    /* All ends: what is held is let go of, and no timer keeps anything for ever. */
    for (int i = 0; i < CONNS; i++)
        if (p.conns[i])
            wirepost_tcp_close(p.conns[i]);
    wirepost_tcp_unlisten(p.stack, PORT);
    wirepost_tcp_output(p.stack, p.now);
    for (int i = 0; i < 10000 && wirepost_tcp_next_timer(p.stack) != UINT64_MAX; i++) {
        uint64_t due = wirepost_tcp_next_timer(p.stack);

        p.now = due > p.now ? due : p.now;
        wirepost_tcp_timers(p.stack, p.now);
        wirepost_tcp_output(p.stack, p.now);
    }
    if (wirepost_tcp_connections(p.stack))
        abort();
    wirepost_tcp_free(p.stack);
    return 0;
}
