/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tap/mail_trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp.h"
#include "proto/base/base64.h"
#include "proto/base/writer.h"
#include "tests/capture/layers.h"

enum { SEGMENT = 1448, PORT = 25, HEADER = 20, LINE = 70, FILE_LINE = 57, MESSAGE_MAX = 5 << 20 };
enum { FRAME_HEAD_BYTES = 14 + 20 + HEADER };
#define BOUNDARY "b0undary-of-parts"

uint64_t mail_trace_roll(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice * 0x2545f4914f6cdd1du >> 16;
}

const char *mail_trace_word(uint64_t *dice)
{
    static const char *const words[] = {
        "the",      "meeting", "is",      "on",     "Thursday", "please", "find",   "attached",
        "invoice",  "number",  "account", "we",     "will",     "send",   "report", "tomorrow",
        "customer", "order",   "and",     "for",    "your",     "review", "team",   "project",
        "deadline", "budget",  "regards", "thanks", "question", "about",  "server", "update",
    };

    return words[mail_trace_roll(dice) % (sizeof(words) / sizeof(words[0]))];
}

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory)
        return memory;
    fprintf(stderr, "no memory\n");
    exit(1);
}

/* ---- a message ---- */

static void put_text(struct writer *w, uint64_t *dice, size_t bytes, const char *between)
{
    size_t end = w->len + bytes, line = w->len;

    while (w->len < end && !w->full) {
        writer_text(w, mail_trace_word(dice));
        if (w->len - line < LINE) {
            writer_text(w, between);
            continue;
        }
        writer_text(w, "\r\n");
        line = w->len;
    }
    writer_text(w, "\r\n");
}

static void put_file(struct writer *w, uint64_t *dice, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += FILE_LINE) {
        uint8_t raw[FILE_LINE];

        for (size_t i = 0; i < sizeof(raw); i++)
            raw[i] = (uint8_t)mail_trace_roll(dice);
        base64_put(w, span_of(raw, sizeof(raw)));
        writer_text(w, "\r\n");
    }
}

static void put_message(struct writer *w, uint64_t *dice, uint32_t number)
{
    uint64_t sort = mail_trace_roll(dice) % 100, more = mail_trace_roll(dice);

    writer_printf(w,
                  "From: Alice <alice@sender.test>\r\nTo: Bob <bob@receiver.test>\r\n"
                  "Subject: message %u of a trace\r\nMessage-ID: <%u@trace.test>\r\n"
                  "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n",
                  number, number);
    if (sort < 60) {
        writer_text(w, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
        put_text(w, dice, 1000 + more % 7000, " ");
        return;
    }
    writer_text(w, "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\r\n\r\n"
                   "--" BOUNDARY "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    put_text(w, dice, 2000, "=20");
    writer_text(w, "\r\n--" BOUNDARY "\r\n");
    if (sort < 85) {
        writer_text(w, "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>");
        put_text(w, dice, 8000 + more % 30000, "</b> <b>");
    } else {
        writer_text(w, "Content-Type: application/pdf; name=\"report.pdf\"\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\n");
        put_file(w, dice, sort < 97 ? 75000 + more % 225000 : 750000 + more % 1500000);
    }
    writer_text(w, "\r\n--" BOUNDARY "--\r\n");
}

/* ---- frames ---- */

struct side {
    struct ip_address address;
    uint16_t port;
    uint32_t seq;
};

static void put_u16(uint8_t *to, uint16_t n)
{
    to[0] = (uint8_t)(n >> 8);
    to[1] = (uint8_t)n;
}

static void put_u32(uint8_t *to, uint32_t n)
{
    put_u16(to, (uint16_t)(n >> 16));
    put_u16(to + 2, (uint16_t)n);
}

static struct mail_trace_frame *put_frame(struct mail_trace *t, struct span bytes)
{
    while (t->len + bytes.len > t->cap)
        t->bytes = grown(t->bytes, t->cap = t->cap ? 2 * t->cap : 1 << 20);
    if (t->frame_count == t->frame_cap) {
        t->frame_cap = t->frame_cap ? 2 * t->frame_cap : 1024;
        t->frames = grown(t->frames, t->frame_cap * sizeof(*t->frames));
    }
    memcpy(t->bytes + t->len, bytes.data, bytes.len);
    t->frames[t->frame_count] = (struct mail_trace_frame){.at = t->len, .len = (uint32_t)bytes.len};
    t->len += bytes.len;
    return &t->frames[t->frame_count++];
}

static struct mail_trace_frame *say(struct mail_trace *t, struct side *from, const struct side *to,
                                    uint8_t flags, struct span payload)
{
    static struct layers l;
    struct mail_trace_frame *frame;
    uint8_t header[HEADER] = {0};

    put_u16(header, from->port);
    put_u16(header + 2, to->port);
    put_u32(header + 4, from->seq);
    put_u32(header + 8, to->seq);
    header[12] = HEADER / 4 << 4;
    header[13] = flags;
    put_u16(header + 14, 65535);
    layers_init(&l, payload);
    layers_front(&l, span_of(header, sizeof(header)));
    layers_tcp_sum(&l, &from->address, &to->address);
    layers_ip(&l, &(struct layers_ip){.source = from->address,
                                      .destination = to->address,
                                      .protocol = 6,
                                      .hop_limit = 64});
    layers_ethernet(&l, layers_ip_type(&l));
    from->seq += (uint32_t)payload.len + !!(flags & (TCP_SYN | TCP_FIN));
    frame = put_frame(t, layers_span(&l));
    frame->up = to->port == PORT;
    frame->port = frame->up ? from->port : to->port;
    return frame;
}

static void talk(struct mail_trace *t, struct side *client, struct side *server,
                 const char *command, const char *reply)
{
    say(t, client, server, TCP_ACK | TCP_PSH, span_text(command));
    say(t, server, client, TCP_ACK | TCP_PSH, span_text(reply));
}

static void send_message(struct mail_trace *t, struct side *client, struct side *server,
                         struct span message)
{
    for (uint32_t n = 0; message.len; n++) {
        struct span piece = span_head(message, SEGMENT);
        struct mail_trace_frame *f = say(t, client, server, TCP_ACK, piece);

        f->text_at = FRAME_HEAD_BYTES;
        f->text_len = (uint32_t)piece.len;
        message = span_skip(message, piece.len);
        f->ends = message.len == 0;
        t->text_bytes += piece.len;
        if (n & 1)
            say(t, server, client, TCP_ACK, span_of(NULL, 0));
    }
    t->messages++;
}

static void session(struct mail_trace *t, struct writer *w)
{
    struct side client = {.address = ip_address_v4((uint8_t[]){198, 18, (uint8_t)(t->messages >> 8),
                                                               (uint8_t)t->messages}),
                          .port = (uint16_t)(1024 + t->messages % 60000),
                          .seq = (uint32_t)mail_trace_roll(&t->dice)};
    struct side server = {.address = ip_address_v4((uint8_t[]){198, 19, 0, 25}),
                          .port = PORT,
                          .seq = (uint32_t)mail_trace_roll(&t->dice)};
    uint32_t none = server.seq;

    w->len = 0;
    put_message(w, &t->dice, t->messages);
    server.seq = 0;
    say(t, &client, &server, TCP_SYN, span_of(NULL, 0));
    server.seq = none;
    say(t, &server, &client, TCP_SYN | TCP_ACK, span_of(NULL, 0));
    say(t, &client, &server, TCP_ACK, span_of(NULL, 0));
    say(t, &server, &client, TCP_ACK | TCP_PSH, span_text("220 mx.receiver.test ESMTP\r\n"));
    talk(t, &client, &server, "EHLO out.sender.test\r\n", "250 mx.receiver.test\r\n");
    talk(t, &client, &server, "MAIL FROM:<alice@sender.test>\r\n", "250 2.1.0 ok\r\n");
    talk(t, &client, &server, "RCPT TO:<bob@receiver.test>\r\n", "250 2.1.5 ok\r\n");
    talk(t, &client, &server, "DATA\r\n", "354 go on\r\n");
    send_message(t, &client, &server, writer_span(w));
    talk(t, &client, &server, ".\r\n", "250 2.0.0 taken\r\n");
    talk(t, &client, &server, "QUIT\r\n", "221 2.0.0 bye\r\n");
    say(t, &server, &client, TCP_FIN | TCP_ACK, span_of(NULL, 0));
    say(t, &client, &server, TCP_FIN | TCP_ACK, span_of(NULL, 0));
    say(t, &server, &client, TCP_ACK, span_of(NULL, 0));
}

void mail_trace_make(struct mail_trace *t, uint64_t seed, size_t bytes)
{
    void *memory = grown(NULL, MESSAGE_MAX);
    struct writer w = writer_of(memory, MESSAGE_MAX);

    memset(t, 0, sizeof(*t));
    t->dice = seed | 1;
    while (t->len < bytes)
        session(t, &w);
    free(memory);
}

struct span mail_trace_bytes(struct mail_trace *t, uint32_t frame, uint32_t round)
{
    const struct mail_trace_frame *f = &t->frames[frame];
    uint8_t *tcp = t->bytes + f->at + FRAME_HEAD_BYTES - HEADER;

    put_u16(f->up ? tcp : tcp + 2, (uint16_t)(f->port + round));
    return span_of(t->bytes + f->at, f->len);
}

void mail_trace_free(struct mail_trace *t)
{
    free(t->bytes);
    free(t->frames);
}
