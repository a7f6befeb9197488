/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/drill/drill_wire.h"

#include <stdio.h>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"
#include "dataplane/tcp/tcp.h"
#include "proto/base/cursor.h"

enum { KIND_EOL, KIND_NOP, KIND_MSS, KIND_WSCALE, KIND_SACKOK, KIND_SACK, KIND_TS = 8 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58, TCP_HEADER = 20 };

uint8_t drill_byte(uint32_t offset)
{
    return (uint8_t)(offset * 31 + offset / 256);
}

static void put_ip(struct writer *w, const struct drill_path *path, uint8_t protocol, uint8_t ecn)
{
    bool v4 = ip_address_is_v4(&path->source);

    writer_uint(w, v4 ? 0x45 : 0x60 | ecn >> 4, 1);
    writer_uint(w, v4 ? ecn : (uint32_t)ecn << 4, 1);
    writer_uint(w, 0, 2); /* length of IPv4 */
    writer_uint(w, 0, 2);
    if (v4) {
        writer_uint(w, 0x4000, 2);
        writer_uint(w, 255, 1);
        writer_uint(w, protocol, 1);
        writer_uint(w, 0, 2);
        writer_span_put(w, span_of(path->source.bytes + 12, 4));
        writer_span_put(w, span_of(path->destination.bytes + 12, 4));
        return;
    }
    writer_uint(w, protocol, 1);
    writer_uint(w, 255, 1);
    writer_span_put(w, span_of(path->source.bytes, 16));
    writer_span_put(w, span_of(path->destination.bytes, 16));
}

/* Lengths and checksums, once all is there. `at` is the place of the upper one in its header. */
static void finish(struct writer *w, const struct drill_path *path, uint8_t protocol, size_t at)
{
    bool v4 = ip_address_is_v4(&path->source);
    size_t l4 = v4 ? 20 : 40, len = v4 ? w->len : w->len - l4;
    struct checksum sum = {0};
    uint16_t check;

    w->data[v4 ? 2 : 4] = (uint8_t)(len >> 8);
    w->data[v4 ? 3 : 5] = (uint8_t)len;
    if (v4) {
        checksum_add(&sum, w->data, l4);
        check = checksum_final(&sum);
        memcpy(w->data + 10, &check, 2);
    }
    sum = (struct checksum){0};
    if (protocol != PROTOCOL_ICMP)
        checksum_pseudo(&sum, &path->source, &path->destination, protocol, (uint32_t)(w->len - l4));
    checksum_add(&sum, w->data + l4, w->len - l4);
    check = checksum_final(&sum);
    memcpy(w->data + l4 + at, &check, 2);
}

static void put_option(struct writer *w, const struct drill_option *o)
{
    switch (o->kind) {
    case DRILL_EOL:
        writer_byte(w, KIND_EOL);
        break;
    case DRILL_NOP:
        writer_byte(w, KIND_NOP);
        break;
    case DRILL_MSS:
        writer_uint(w, KIND_MSS << 8 | 4, 2);
        writer_uint(w, o->value, 2);
        break;
    case DRILL_WSCALE:
        writer_uint(w, KIND_WSCALE << 8 | 3, 2);
        writer_uint(w, o->value, 1);
        break;
    case DRILL_SACKOK:
        writer_uint(w, KIND_SACKOK << 8 | 2, 2);
        break;
    case DRILL_SACK:
        writer_byte(w, KIND_SACK);
        writer_byte(w, (uint8_t)(2 + 8 * o->count));
        for (uint32_t i = 0; i < o->count; i++) {
            writer_uint(w, o->blocks[i].start, 4);
            writer_uint(w, o->blocks[i].end, 4);
        }
        break;
    case DRILL_TS:
        writer_uint(w, KIND_TS << 8 | 10, 2);
        writer_uint(w, o->value, 4);
        writer_uint(w, o->echo, 4);
        break;
    case DRILL_OTHER:
        writer_byte(w, (uint8_t)o->value);
        writer_byte(w, (uint8_t)(2 + o->len));
        writer_span_put(w, span_of(o->bytes, o->len));
        break;
    }
}

size_t drill_wire_tcp(uint8_t *packet, const struct drill_path *path, const struct drill_tcp *tcp,
                      uint32_t offset)
{
    struct writer w = writer_of(packet, DRILL_PACKET), options;
    uint8_t bytes[40] = {0};

    options = writer_of(bytes, sizeof(bytes));
    for (uint32_t i = 0; i < tcp->option_count; i++)
        put_option(&options, &tcp->options[i]);
    put_ip(&w, path, PROTOCOL_TCP, tcp->ecn <= DRILL_CE ? (uint8_t)tcp->ecn : 0);
    writer_uint(&w, path->source_port, 2);
    writer_uint(&w, path->destination_port, 2);
    writer_uint(&w, tcp->seq, 4);
    writer_uint(&w, tcp->ack, 4);
    writer_byte(&w, (uint8_t)((TCP_HEADER + options.len + 3) / 4 << 4));
    writer_byte(&w, tcp->flags);
    writer_uint(&w, tcp->window, 2);
    writer_uint(&w, 0, 2);
    writer_uint(&w, tcp->urgent, 2);
    writer_span_put(&w, span_of(bytes, (options.len + 3) / 4 * 4));
    for (uint32_t i = 0; i < tcp->len; i++)
        writer_byte(&w, drill_byte(offset + i));
    finish(&w, path, PROTOCOL_TCP, 16);
    return w.full ? 0 : w.len;
}

size_t drill_wire_icmp(uint8_t *packet, const struct drill_path *path,
                       const struct drill_icmp *icmp, uint32_t seq)
{
    struct drill_path back = {.source = path->destination, .destination = path->source};
    struct drill_tcp quoted = {.seq = seq, .flags = TCP_ACK, .len = icmp->len};
    struct writer w = writer_of(packet, DRILL_PACKET);
    uint8_t original[DRILL_PACKET];
    size_t len = drill_wire_tcp(original, path, &quoted, 0), most = icmp->v4 ? 28 : 1232;

    put_ip(&w, &back, icmp->v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6, 0);
    writer_byte(&w, icmp->type);
    writer_byte(&w, icmp->code);
    writer_uint(&w, 0, 2);
    writer_uint(&w, icmp->mtu, 4);
    writer_span_put(&w, span_of(original, len < most ? len : most));
    finish(&w, &back, icmp->v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6, 2);
    return w.len;
}

static bool read_option(struct cursor *c, struct drill_option *o)
{
    uint8_t kind = cursor_u8(c), len;
    struct cursor body;

    o->kind = kind == KIND_EOL ? DRILL_EOL : DRILL_NOP;
    if (kind <= KIND_NOP)
        return !c->bad;
    len = cursor_u8(c);
    if (len < 2)
        return false;
    body = cursor_of(cursor_take(c, len - 2u));
    switch (kind) {
    case KIND_MSS:
        o->kind = DRILL_MSS;
        o->value = cursor_u16(&body);
        break;
    case KIND_WSCALE:
        o->kind = DRILL_WSCALE;
        o->value = cursor_u8(&body);
        break;
    case KIND_SACKOK:
        o->kind = DRILL_SACKOK;
        break;
    case KIND_SACK:
        o->kind = DRILL_SACK;
        for (; cursor_left(&body) && o->count < DRILL_SACKS; o->count++) {
            o->blocks[o->count].start = cursor_u32(&body);
            o->blocks[o->count].end = cursor_u32(&body);
        }
        break;
    case KIND_TS:
        o->kind = DRILL_TS;
        o->value = cursor_u32(&body);
        o->echo = cursor_u32(&body);
        break;
    default:
        o->kind = DRILL_OTHER;
        o->value = kind;
        cursor_take(&body, cursor_left(&body));
    }
    return !c->bad && !body.bad && !cursor_left(&body);
}

static bool read_tcp(struct span segment, struct drill_path *path, struct drill_tcp *tcp,
                     struct span *payload)
{
    struct cursor c = cursor_of(segment), options;
    size_t header;

    path->source_port = cursor_u16(&c);
    path->destination_port = cursor_u16(&c);
    tcp->seq = cursor_u32(&c);
    tcp->ack = cursor_u32(&c);
    header = (size_t)(cursor_u8(&c) >> 4) * 4;
    tcp->flags = cursor_u8(&c);
    tcp->window = cursor_u16(&c);
    cursor_u16(&c);
    tcp->urgent = cursor_u16(&c);
    if (c.bad || header < TCP_HEADER)
        return false;
    options = cursor_of(cursor_take(&c, header - TCP_HEADER));
    tcp->has_ack = tcp->flags & TCP_ACK;
    tcp->has_window = true;
    while (!c.bad && cursor_left(&options) && tcp->option_count < DRILL_OPTIONS)
        if (!read_option(&options, &tcp->options[tcp->option_count++]))
            return false;
    *payload = cursor_take(&c, cursor_left(&c));
    tcp->len = (uint32_t)payload->len;
    return !c.bad;
}

bool drill_wire_read(struct span packet, struct drill_path *path, struct drill_tcp *tcp,
                     struct span *payload)
{
    struct frame f;
    struct span head = span_head(packet, FRAME_HEAD);
    struct checksum sum = {0};

    *tcp = (struct drill_tcp){0};
    if (frame_parse_packet(head, packet.len, &f) != FRAME_KEEP || f.kind != FRAME_TCP ||
        f.l4 + f.l4_len != packet.len || (f.v4 && !frame_ipv4_checksum_good(head, &f)))
        return false;
    path->source = f.source;
    path->destination = f.destination;
    tcp->ecn = (enum drill_ecn)f.ecn;
    checksum_pseudo(&sum, &f.source, &f.destination, PROTOCOL_TCP, f.l4_len);
    checksum_add(&sum, packet.data + f.l4, f.l4_len);
    return checksum_fold(&sum) == 0xffff &&
           read_tcp(span_of(packet.data + f.l4, f.l4_len), path, tcp, payload);
}

static void print_option(struct writer *w, const struct drill_option *o)
{
    switch (o->kind) {
    case DRILL_EOL:
        writer_text(w, "eol");
        break;
    case DRILL_NOP:
        writer_text(w, "nop");
        break;
    case DRILL_MSS:
        writer_printf(w, "mss %u", o->value);
        break;
    case DRILL_WSCALE:
        writer_printf(w, "wscale %u", o->value);
        break;
    case DRILL_SACKOK:
        writer_text(w, "sackOK");
        break;
    case DRILL_SACK:
        writer_text(w, "sack");
        for (uint32_t i = 0; i < o->count; i++)
            writer_printf(w, " %u:%u", o->blocks[i].start, o->blocks[i].end);
        break;
    case DRILL_TS:
        writer_printf(w, "TS val %u ecr %u", o->value, o->echo);
        break;
    case DRILL_OTHER:
        writer_printf(w, "kind %u", o->value);
        break;
    }
}

void drill_wire_print(const struct drill_tcp *tcp, char *into, size_t room)
{
    static const char names[] = "FSRP.UEW";
    struct writer w = writer_of(into, room - 1);

    for (int i = 0; i < 8; i++)
        if (tcp->flags >> i & 1)
            writer_byte(&w, (uint8_t)names[i]);
    if (!tcp->flags)
        writer_text(&w, "-");
    writer_printf(&w, " %u:%u(%u)", tcp->seq, tcp->seq + tcp->len, tcp->len);
    if (tcp->has_ack)
        writer_printf(&w, " ack %u", tcp->ack);
    if (tcp->has_window)
        writer_printf(&w, " win %u", tcp->window);
    for (uint32_t i = 0; i < tcp->option_count; i++) {
        writer_byte(&w, i ? ',' : ' ');
        writer_text(&w, i ? "" : "<");
        print_option(&w, &tcp->options[i]);
    }
    if (tcp->option_count)
        writer_text(&w, ">");
    if (tcp->any_options)
        writer_text(&w, " <...>");
    into[w.len] = 0;
}
