/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says how many commands lie ahead (the verbs in turn); the rest is what the server
 * says. Read whole and byte by byte, the same must come out.
 */
enum { OUT_MAX = 1 << 16 };

struct target {
    struct pop3_client client;
    uint8_t line[POP3_CLIENT_LINE];
    struct writer out;
    bool broken;
};

static bool act(struct target *t, const struct pop3_client_action *a)
{
    switch (a->kind) {
    case POP3_CLIENT_ACTION_MORE:
        return false;
    case POP3_CLIENT_ACTION_BUFFER:
        pop3_client_attach(&t->client, t->line);
        return true;
    case POP3_CLIENT_ACTION_MESSAGE:
        if (!a->bytes.len)
            abort();
        writer_span_put(&t->out, a->bytes);
        return true;
    case POP3_CLIENT_ACTION_BROKEN:
        writer_byte(&t->out, (uint8_t)a->fault);
        t->broken = true;
        return false;
    default:
        writer_byte(&t->out, (uint8_t)(0x80 + a->kind));
        writer_byte(&t->out, (uint8_t)(a->verb << 1 | a->ok));
        writer_uint(&t->out, a->number, 4);
        writer_blob(&t->out, a->bytes);
        if (a->kind == POP3_CLIENT_ACTION_ANSWER)
            writer_blob(&t->out, pop3_client_code(a->bytes));
        return true;
    }
}

static void play(struct target *t, const uint8_t *data, size_t size, size_t step, uint8_t *room)
{
    uint8_t commands[POP3_CLIENT_ROOM * (POP3_CLIENT_ASKED + 1)];
    struct writer scratch = writer_of(commands, sizeof(commands));
    struct span in = span_of(data + 1, size - 1);

    t->broken = false;
    t->out = writer_of(room, OUT_MAX);
    pop3_client_init(&t->client, data[0] & 1);
    for (int i = 0; i < data[0] >> 1; i++)
        pop3_client_say(&t->client, (enum pop3_verb)(1 + i % (POP3_VERB_COUNT - 1)),
                        span_of(NULL, 0), &scratch);
    while (in.len && !t->broken) {
        struct span piece = span_head(in, step);
        struct pop3_client_action a;

        in = span_skip(in, piece.len);
        do
            pop3_client_next(&t->client, &piece, &a);
        while (act(t, &a));
        if (!t->broken && piece.len)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t one_room[OUT_MAX], other_room[OUT_MAX];
    static struct target one, other;

    if (size < 2)
        return 0;
    play(&one, data, size, size, one_room);
    play(&other, data, size, 1, other_room);
    if (!one.out.full && !other.out.full &&
        !span_equal(writer_span(&one.out), writer_span(&other.out)))
        abort();
    return 0;
}
