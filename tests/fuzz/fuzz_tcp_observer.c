/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp.h"
#include "proto/base/cursor.h"
#include "proto/base/writer.h"
#include "tests/fuzz/observer_watch.h"

/*
 * Segments of a few flows between two hosts. The first two octets choose policy and limits; then an
 * octet says what happens, those behind it how. Numbers are small and relative to one fixed number
 * a direction, so that segments overlap; every eighth is raw.
 */
enum { OP_WAIT = 0x80, OP_LOST = 0x81, MS = 1000000 };

static uint64_t now;

static void segment(struct tcp_observer *o, struct cursor *in, uint8_t how)
{
    static const uint32_t isn[2] = {UINT32_MAX - 40, 5000};
    int side = how & 1;
    uint8_t flags = cursor_u8(in), more = cursor_u8(in), bytes[2048], *copy;
    uint32_t seq = cursor_u16(in), ack = cursor_u16(in), len = more & 15;
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct observed_packet p = {.time_ns = now,
                                .checksum = more >> 6,
                                .hop_limit = how & 16 ? 3 : 64,
                                .domain = how & 32 ? 1 : 0};

    p.source = ip_address_v4((const uint8_t[]){198, 18, 0, (uint8_t)(1 + side)});
    p.destination = ip_address_v4((const uint8_t[]){198, 18, 0, (uint8_t)(2 - side)});
    if (more & 16)
        len *= 100;
    if (how & 8) {
        writer_span_put(&w, cursor_take(in, len % 64 < cursor_left(in) ? len % 64 : 0));
    } else {
        writer_uint(&w, side ? 25 : 4000 + (how >> 1 & 1), 2);
        writer_uint(&w, side ? 4000 + (how >> 1 & 1) : 25, 2);
        writer_uint(&w, isn[side] + seq, 4);
        writer_uint(&w, isn[!side] + ack, 4);
        writer_byte(&w, how & 4 ? 0x80 : 0x50);
        writer_byte(&w, flags);
        writer_uint(&w, more & 32 ? 50 : 60000, 2);
        writer_uint(&w, 0, 4);
        if (how & 4) {
            writer_uint(&w, 0x0101080a, 4);
            writer_uint(&w, cursor_u8(in), 4);
            writer_uint(&w, 0, 4);
        }
        for (uint32_t i = 0; i < len; i++)
            writer_byte(&w, how & 64 ? 'x' : (uint8_t)(seq + i));
    }
    len = (uint32_t)writer_span(&w).len;
    copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    p.segment = span_of(copy, len);
    p.segment_len = len + (flags == 0xff ? 10 : 0);
    tcp_observer_packet(o, &p);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_of(span_of(data, size));
    uint8_t policy = cursor_u8(&in), limits = cursor_u8(&in);
    struct tcp_observer_options options;
    struct tcp_observer *o;

    tcp_observer_defaults(&options);
    options.policy = policy % OVERLAP_POLICY_COUNT;
    options.flows = 1 + limits % 4;
    options.memory = (limits & 16 ? 4 : 64) * 2048;
    options.flow_memory = (limits & 32 ? 2 : 16) * 2048;
    options.keep = limits & 64 ? 0 : 4000;
    options.midstream = !(limits & 128);
    o = watch_new(&options);
    now = MS;
    while (!in.bad && cursor_left(&in)) {
        uint8_t op = cursor_u8(&in);

        if (op < OP_WAIT)
            segment(o, &in, op);
        else if (op == OP_LOST)
            tcp_observer_lost(o);
        else
            tcp_observer_time(o, now += (uint64_t)(op & 15) * (op & 32 ? 60000 : 300) * MS);
    }
    watch_free(o);
    return 0;
}
