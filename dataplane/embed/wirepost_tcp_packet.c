/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/embed/embed_stack.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/icmp_quote.h"
#include "proto/base/writer.h"

/* IP packets: read from bytes, written into bytes. */

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    ICMP_HEADER = 8,
    PROTOCOL_TCP = 6,
    HOP_LIMIT = 64,
    LAST_CUT_ONLY = TCP_FIN | TCP_PSH,
};

static enum embed_counter tcp_in(struct wirepost_tcp *stack, const struct frame *f,
                                 struct span segment)
{
    struct tcp_packet p = {.source = f->source, .destination = f->destination, .ecn = f->ecn};
    struct checksum sum = {0};
    size_t header;

    if (segment.len < TCP_HEADER)
        return EMBED_tcp_malformed;
    header = (size_t)(segment.data[12] >> 4) * 4;
    if (header < TCP_HEADER || header > segment.len)
        return EMBED_tcp_malformed;
    checksum_pseudo(&sum, &f->source, &f->destination, PROTOCOL_TCP, (uint32_t)segment.len);
    checksum_add(&sum, segment.data, segment.len);
    if (checksum_fold(&sum) != 0xffff)
        return EMBED_tcp_checksum;
    p.header = span_head(segment, header);
    p.payload[0] = span_skip(segment, header);
    p.pieces = 1;
    tcp_receive(stack->tcp, &p, stack->now);
    tcp_settle(stack->tcp); /* the bytes are the caller's again */
    embed_collect(stack);
    return EMBED_KEEP;
}

static enum embed_counter icmp_in(struct wirepost_tcp *stack, const struct frame *f,
                                  struct span message)
{
    struct icmp_quote quote;
    struct tcp_packet quoted = {0};

    if (message.len < ICMP_HEADER || !icmp_quote_checksum_good(message, f))
        return EMBED_icmp_malformed;
    if (!icmp_quote_read(message, f->v4, &quote) || !embed_is_ours(stack, &quote.source))
        return EMBED_icmp_other;
    stack->counters[EMBED_icmp_errors_in]++;
    quoted.source = quote.source;
    quoted.destination = quote.destination;
    quoted.header = quote.header;
    tcp_icmp_error(stack->tcp, &quoted, quote.mtu, quote.hard, stack->now);
    embed_collect(stack);
    return EMBED_KEEP;
}

static enum embed_counter packet_in(struct wirepost_tcp *stack, struct span packet)
{
    struct span head = span_head(packet, FRAME_HEAD);
    struct frame f;
    enum frame_drop drop = frame_parse_packet(head, packet.len, &f);
    struct span rest;

    if (drop != FRAME_KEEP)
        return (enum embed_counter)((uint32_t)EMBED_frame_short + (uint32_t)drop);
    if (!embed_is_ours(stack, &f.destination))
        return EMBED_ip_foreign;
    if (embed_is_ours(stack, &f.source))
        return EMBED_ip_echo;
    if (f.v4 && !frame_ipv4_checksum_good(head, &f))
        return EMBED_ip_checksum;
    rest = span_of(packet.data + f.l4, f.l4_len);
    return f.kind == FRAME_TCP ? tcp_in(stack, &f, rest) : icmp_in(stack, &f, rest);
}

enum wirepost_tcp_error wirepost_tcp_input(struct wirepost_tcp *stack, const void *packet,
                                           size_t len, uint64_t now)
{
    enum embed_counter why;

    embed_now(stack, now);
    stack->counters[EMBED_packets_in]++;
    why = packet_in(stack, span_of(packet, len));
    if (why == EMBED_KEEP)
        return WIREPOST_TCP_OK;
    stack->counters[why]++;
    return WIREPOST_TCP_DROPPED;
}

/* RFC 791 section 3.1. Never fragmented, so that path MTU discovery works (RFC 1191), and then the
 * identification is free (RFC 6864 section 4.1). */
static void ipv4_header(struct writer *w, const struct tcp_segment *s, uint32_t len)
{
    struct checksum sum = {0};
    size_t start = w->len;
    uint16_t check;

    writer_byte(w, 0x45);
    writer_byte(w, s->ecn);
    writer_uint(w, IPV4_HEADER + len, 2);
    writer_uint(w, 0x4000, 4);
    writer_byte(w, HOP_LIMIT);
    writer_byte(w, PROTOCOL_TCP);
    writer_uint(w, 0, 2);
    writer_span_put(w, span_of(s->source.bytes + 12, 4));
    writer_span_put(w, span_of(s->destination.bytes + 12, 4));
    checksum_add(&sum, w->data + start, IPV4_HEADER);
    check = checksum_final(&sum);
    memcpy(w->data + start + 10, &check, 2);
}

/* RFC 8200 section 3 */
static void ipv6_header(struct writer *w, const struct tcp_segment *s, uint32_t len)
{
    writer_uint(w, UINT64_C(6) << 28 | (uint32_t)s->ecn << 20, 4);
    writer_uint(w, len, 2);
    writer_byte(w, PROTOCOL_TCP);
    writer_byte(w, HOP_LIMIT);
    writer_span_put(w, span_of(s->source.bytes, 16));
    writer_span_put(w, span_of(s->destination.bytes, 16));
}

static void tcp_header(struct writer *w, const struct tcp_segment *s, uint32_t offset,
                       uint8_t flags)
{
    writer_uint(w, s->source_port, 2);
    writer_uint(w, s->destination_port, 2);
    writer_uint(w, s->seq + offset, 4);
    writer_uint(w, s->ack, 4);
    writer_byte(w, (uint8_t)((TCP_HEADER + s->options_len) / 4 << 4));
    writer_byte(w, flags);
    writer_uint(w, s->window, 2);
    writer_uint(w, 0, 4);
    writer_span_put(w, span_of(s->options, s->options_len));
}

/* One packet with `len` bytes of the segment's payload from `offset`. */
static void packet_out(struct wirepost_tcp *stack, const struct tcp_segment *s, uint32_t offset,
                       uint32_t len)
{
    struct writer w = writer_of(stack->packet, stack->mtu);
    uint32_t whole = TCP_HEADER + s->options_len + len;
    bool last = offset + len == s->len;
    struct checksum sum = {0};
    uint16_t check;
    size_t l4;

    if (ip_address_is_v4(&s->source))
        ipv4_header(&w, s, whole);
    else
        ipv6_header(&w, s, whole);
    l4 = w.len;
    tcp_header(&w, s, offset, last ? s->flags : s->flags & (uint8_t)~LAST_CUT_ONLY);
    while (len) {
        struct span run = sendq_at(s->queue, s->offset + offset, len);

        if (!run.len)
            return;
        writer_span_put(&w, run);
        offset += (uint32_t)run.len;
        len -= (uint32_t)run.len;
    }
    if (w.full)
        return;
    checksum_pseudo(&sum, &s->source, &s->destination, PROTOCOL_TCP, whole);
    checksum_add(&sum, w.data + l4, w.len - l4);
    check = checksum_final(&sum);
    memcpy(w.data + l4 + 16, &check, 2);
    stack->counters[EMBED_packets_out]++;
    stack->output(stack->output_user, w.data, w.len);
}

/* A segment may be longer than a packet: cut at the MSS. */
static void segment_out(struct wirepost_tcp *stack, const struct tcp_segment *s)
{
    uint32_t done = 0;

    do {
        uint32_t len = s->len - done < s->mss ? s->len - done : s->mss;

        packet_out(stack, s, done, len);
        done += len;
    } while (done < s->len && s->mss);
}

size_t wirepost_tcp_output(struct wirepost_tcp *stack, uint64_t now)
{
    uint64_t before = stack->counters[EMBED_packets_out];
    uint32_t n;

    embed_now(stack, now);
    while ((n = tcp_output(stack->tcp, stack->now, stack->segments, EMBED_SEGMENTS)))
        for (uint32_t i = 0; i < n; i++)
            segment_out(stack, &stack->segments[i]);
    embed_collect(stack);
    return stack->counters[EMBED_packets_out] - before;
}
