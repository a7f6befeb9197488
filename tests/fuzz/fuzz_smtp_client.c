/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses pipelining, chunks and recipients; the rest is what the server says, read
 * whole and in pieces of 1 to 7 bytes. A transaction that begins ends exactly once, and commands
 * stay in their room.
 */
enum { RECIPIENTS = 5, MAILS = 3 };

struct target {
    struct smtp_client client;
    uint8_t line[SMTP_CLIENT_LINE], scratch_bytes[SMTP_CLIENT_ROOM * 2];
    struct writer scratch;
    struct smtp_client_mail mail;
    uint32_t mails;
    bool open, closed;
};

static void on_done(struct target *t, const struct smtp_client_action *a)
{
    if (!t->open || a->accepted > t->mail.recipient_count ||
        (a->accepted && (a->step != SMTP_CLIENT_END || a->code / 100 != 2)))
        abort();
    t->open = false;
}

static bool act(struct target *t, const struct smtp_client_action *a)
{
    if (t->scratch.full)
        abort();
    switch (a->kind) {
    case SMTP_CLIENT_ACTION_MORE:
        t->scratch.len = 0;
        return false;
    case SMTP_CLIENT_ACTION_BUFFER:
        smtp_client_attach(&t->client, t->line);
        return true;
    case SMTP_CLIENT_ACTION_ROOM:
        if (!t->scratch.len)
            abort();
        t->scratch.len = 0;
        return true;
    case SMTP_CLIENT_ACTION_REPLY:
        if (a->code < 200 || a->code > 599 || a->index >= RECIPIENTS)
            abort();
        return true;
    case SMTP_CLIENT_ACTION_READY:
        if (t->open)
            abort();
        if (t->mails) {
            t->mails--;
            t->open = smtp_client_begin(&t->client, &t->mail);
        } else if (!smtp_client_quit(&t->client)) {
            abort();
        }
        return true;
    case SMTP_CLIENT_ACTION_BODY:
        if (!t->open)
            abort();
        smtp_client_sent(&t->client);
        return true;
    case SMTP_CLIENT_ACTION_DONE:
        on_done(t, a);
        return true;
    case SMTP_CLIENT_ACTION_CLOSE:
        t->closed = true;
        return false;
    }
    return false;
}

static void play(const uint8_t *data, size_t size, size_t step)
{
    static const struct span recipients[RECIPIENTS] = {{(const uint8_t *)"a@b", 3},
                                                       {(const uint8_t *)"c@d", 3},
                                                       {(const uint8_t *)"e@f", 3},
                                                       {(const uint8_t *)"g@h", 3},
                                                       {(const uint8_t *)"i@j", 3}};
    struct smtp_client_options o = {.hostname = span_text("me"),
                                    .lines_max = 20,
                                    .pipelining = data[0] & 1,
                                    .chunking = data[0] & 2,
                                    .greeted = data[0] & 4};
    struct target t = {.mails = MAILS,
                       .mail = {.sender = span_text("x@y"),
                                .recipients = recipients,
                                .recipient_count = 1u + (data[0] >> 4) % RECIPIENTS,
                                .size = 100,
                                .eight_bit = data[0] & 8}};
    struct span in = span_of(data + 1, size - 1);

    t.scratch = writer_of(t.scratch_bytes, sizeof(t.scratch_bytes));
    smtp_client_init(&t.client, &o);
    while (in.len && !t.closed) {
        struct span piece = span_head(in, step);
        struct smtp_client_action a;

        in = span_skip(in, piece.len);
        do
            smtp_client_next(&t.client, &piece, &t.scratch, &a);
        while (act(&t, &a));
        if (!t.closed && piece.len)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    play(data, size, size);
    play(data, size, 1 + data[0] % 7);
    return 0;
}
