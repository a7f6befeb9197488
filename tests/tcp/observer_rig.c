/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tcp/observer_rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp_option.h"

static void line(struct observer_rig *rig, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line(struct observer_rig *rig, const char *format, ...)
{
    va_list args;

    if (rig->len && rig->len < RIG_LOG - 1)
        rig->log[rig->len++] = '\n';
    rig->last = 0;
    va_start(args, format);
    rig->len += (size_t)vsnprintf(rig->log + rig->len, RIG_LOG - rig->len, format, args);
    va_end(args);
    if (rig->len >= RIG_LOG)
        rig->len = RIG_LOG - 1;
}

static char letter(enum tcp_direction d)
{
    return d == TCP_TO_SERVER ? 'C' : 'S';
}

static void told_begin(void *context, struct tcp_observed_flow *flow)
{
    line(context, "begin");
}

static void told_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                       struct span bytes, uint64_t offset, uint64_t time_ns)
{
    struct observer_rig *rig = context;

    if (rig->last != letter(d))
        line(rig, "%c ", letter(d));
    rig->last = letter(d);
    if (bytes.len > RIG_LOG - 1 - rig->len)
        bytes.len = RIG_LOG - 1 - rig->len;
    memcpy(rig->log + rig->len, bytes.data, bytes.len);
    rig->len += bytes.len;
}

static void told_gap(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                     uint64_t offset, uint64_t len, uint64_t time_ns)
{
    line(context, "gap %c %llu", letter(d), (unsigned long long)len);
}

static void told_finished(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                          uint64_t time_ns)
{
    line(context, "fin %c", letter(d));
}

static void told_event(void *context, struct tcp_observed_flow *flow,
                       const struct tcp_observation *observation)
{
    line(context, "event %c %s%s%.*s", letter(observation->direction),
         tcp_observer_event_name(observation->event), observation->other.len ? " " : "",
         (int)observation->other.len, (const char *)observation->other.data);
}

static void told_end(void *context, struct tcp_observed_flow *flow, enum tcp_observer_end reason,
                     uint64_t time_ns)
{
    line(context, "end %s", tcp_observer_end_name(reason));
}

void rig_init(struct observer_rig *rig)
{
    *rig = (struct observer_rig){
        .now_ns = 1000000000,
        .isn = {1000, 77000},
        .window = {60000, 60000},
        .ttl = {64, 60},
        .checksum = TCP_CHECKSUM_GOOD,
    };
    tcp_observer_defaults(&rig->options);
    rig->options.flows = 16;
    rig->options.memory = 1 << 20;
}

void rig_start(struct observer_rig *rig)
{
    struct tcp_observer_calls calls = {rig,           told_begin, told_bytes, told_gap,
                                       told_finished, told_event, told_end};

    rig->observer = tcp_observer_new(&rig->options, &calls);
}

void rig_fini(struct observer_rig *rig)
{
    tcp_observer_free(rig->observer);
}

static uint8_t flag_bits(const char *flags)
{
    static const char names[] = "FSRPAU";
    uint8_t bits = 0;

    for (; *flags; flags++)
        bits |= (uint8_t)(1 << (strchr(names, *flags) - names));
    return bits;
}

static void put_options(struct observer_rig *rig, int side, bool syn, struct writer *w)
{
    struct tcp_option option = {0};

    if (syn && rig->scale[side]) {
        option.present |= TCP_OPTION_SCALE;
        option.scale = rig->scale[side];
    }
    if (rig->ts[side]) {
        option.present |= TCP_OPTION_TIMESTAMPS;
        option.ts_value = rig->ts[side];
    }
    tcp_option_put(w, &option);
}

void rig_send(struct observer_rig *rig, char from, const char *flags, uint32_t seq, uint32_t ack,
              struct span payload)
{
    int side = from == 'S';
    static const uint8_t v4[2][4] = {{198, 18, 0, 1}, {198, 18, 0, 2}};
    static const uint8_t v6[2][16] = {{0x20, 1, 0, 2, [15] = 9}, {0x20, 1, 0, 2, [15] = 2}};
    uint8_t bits = flag_bits(flags), *bytes = malloc(80 + payload.len);
    struct writer w = writer_of(bytes, 80 + payload.len);
    struct observed_packet packet = {
        .source = rig->v6 ? ip_address_v6(v6[side]) : ip_address_v4(v4[side]),
        .destination = rig->v6 ? ip_address_v6(v6[!side]) : ip_address_v4(v4[!side]),
        .time_ns = rig->now_ns,
        .checksum = rig->checksum,
        .hop_limit = rig->ttl[side],
        .doubtful = rig->doubtful,
    };

    writer_uint(&w, side ? 25 : 40000, 2);
    writer_uint(&w, side ? 40000 : 25, 2);
    writer_uint(&w, rig->isn[side] + seq, 4);
    writer_uint(&w, bits & TCP_ACK ? rig->isn[!side] + ack : 0, 4);
    writer_uint(&w, 0, 1);
    writer_uint(&w, bits, 1);
    writer_uint(&w, rig->window[side], 2);
    writer_uint(&w, 0, 4);
    put_options(rig, side, bits & TCP_SYN, &w);
    bytes[12] = (uint8_t)(writer_span(&w).len / 4 << 4);
    writer_span_put(&w, payload);
    packet.segment = writer_span(&w);
    packet.segment_len = (uint32_t)packet.segment.len;
    packet.segment.len -= rig->cut;
    if (rig->sink)
        rig->sink(rig, &packet);
    else
        tcp_observer_packet(rig->observer, &packet);
    free(bytes);
}

void rig_text(struct observer_rig *rig, char from, uint32_t seq, uint32_t ack, const char *text)
{
    rig_send(rig, from, "PA", seq, ack, span_text(text));
}

void rig_open(struct observer_rig *rig)
{
    rig_send(rig, 'C', "S", 0, 0, span_text(""));
    rig_send(rig, 'S', "SA", 0, 1, span_text(""));
    rig_send(rig, 'C', "A", 1, 1, span_text(""));
}

void rig_wait(struct observer_rig *rig, uint32_t ms)
{
    rig->now_ns += ms * UINT64_C(1000000);
    tcp_observer_time(rig->observer, rig->now_ns);
}

const char *rig_told(struct observer_rig *rig)
{
    rig->log[rig->len] = 0;
    rig->len = 0;
    rig->last = 0;
    return rig->log;
}
