/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/tap_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * One IMAP connection. The first octet cuts what is sent; then an octet says what happens and one
 * how much of what follows it is about: bytes of either direction, as they are or compressed, and
 * holes.
 */
enum { OP_CLIENT, OP_SERVER, OP_CLIENT_PACKED, OP_SERVER_PACKED, OP_GAP, OP_COUNT };

static uint8_t memory[TCP_DIRECTIONS][IMAP_DEFLATE_MEMORY] __attribute__((aligned(16)));
static struct imap_deflate deflate_of[TCP_DIRECTIONS];

static void pack(struct tap_play *p, enum tcp_direction d, struct span bytes)
{
    static uint8_t room[4096];
    struct writer w = writer_of(room, sizeof(room));

    if (!imap_deflate_feed(&deflate_of[d], &bytes, true, &w))
        abort();
    tap_play_send(p, d, writer_span(&w));
}

static void act(struct tap_play *p, uint8_t op, struct span bytes)
{
    enum tcp_direction d = op >> 3 & 1 ? TCP_TO_CLIENT : TCP_TO_SERVER;

    switch (op % 8 % OP_COUNT) {
    case OP_CLIENT:
        tap_play_send(p, TCP_TO_SERVER, bytes);
        break;
    case OP_SERVER:
        tap_play_send(p, TCP_TO_CLIENT, bytes);
        break;
    case OP_CLIENT_PACKED:
        pack(p, TCP_TO_SERVER, bytes);
        break;
    case OP_SERVER_PACKED:
        pack(p, TCP_TO_CLIENT, bytes);
        break;
    default:
        tap_play_gap(p, d, (uint64_t)(op >> 4) * 16 + 1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tap_play p;
    struct span rest = span_of(data, size);

    if (!tap)
        tap_play_make(NULL);
    if (size < 2)
        return 0;
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        if (!imap_deflate_init(&deflate_of[d], memory[d]))
            abort();
    tap_play_begin(&p, 143);
    p.split = data[0];
    tap_play_send(&p, TCP_TO_CLIENT, span_text("* OK IMAP4rev1\r\n"));
    for (rest = span_skip(rest, 1); rest.len >= 2;) {
        struct span bytes = span_head(span_skip(rest, 2), rest.data[1]);

        act(&p, rest.data[0], bytes);
        rest = span_skip(rest, 2 + bytes.len);
    }
    tap_play_end(&p);
    return 0;
}
