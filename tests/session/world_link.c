/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/world_link.h"

#include <stdlib.h>

enum { SEGMENTS = 64 };

static size_t put_header(const struct tcp_segment *s, uint32_t seq, uint8_t flags, uint8_t *out)
{
    struct writer w = writer_of(out, 60);

    writer_uint(&w, s->source_port, 2);
    writer_uint(&w, s->destination_port, 2);
    writer_uint(&w, seq, 4);
    writer_uint(&w, s->ack, 4);
    writer_byte(&w, (uint8_t)((5 + s->options_len / 4) << 4));
    writer_byte(&w, flags);
    writer_uint(&w, s->window, 2);
    writer_uint(&w, 0, 4);
    writer_span_put(&w, span_of(s->options, s->options_len));
    return w.len;
}

static void fill_payload(const struct tcp_segment *s, uint32_t at, uint32_t len, uint8_t *out)
{
    while (len) {
        struct span piece = sendq_at(s->queue, s->offset + at, len);

        memcpy(out, piece.data, piece.len);
        out += piece.len;
        at += (uint32_t)piece.len;
        len -= (uint32_t)piece.len;
    }
}

uint32_t world_link_frames(struct tcp *from, uint64_t now, struct world_frame *frames, uint32_t max)
{
    struct tcp_segment segments[SEGMENTS];
    uint32_t n = 0, count = tcp_output(from, now, segments, 8);

    for (uint32_t i = 0; i < count; i++) {
        const struct tcp_segment *s = &segments[i];
        uint32_t at = 0;

        do {
            struct world_frame *f = &frames[n];
            uint32_t len = s->len - at < s->mss || s->len == 0 ? s->len - at : s->mss;
            bool last = at + len == s->len;

            if (n++ == max)
                abort();
            f->packet = (struct tcp_packet){
                .source = s->source, .destination = s->destination, .pieces = len != 0};
            f->packet.header =
                span_of(f->header,
                        put_header(s, s->seq + at,
                                   last ? s->flags : s->flags & ~(TCP_FIN | TCP_PSH), f->header));
            fill_payload(s, at, len, f->payload);
            f->packet.payload[0] = span_of(f->payload, len);
            at += len;
        } while (at < s->len);
    }
    return n;
}
