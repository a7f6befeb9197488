/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 17, ANSWERS = 16 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static const struct smtp_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .size_max = 300,
    .text_line_max = 100,
    .command_line_max = 64,
    .messages_max = 3,
    .recipients_max = 2,
    .errors_max = 5,
    .idle_max = 8,
    .cleartext = true,
};

struct play {
    struct smtp_server server;
    struct writer scratch;
    struct writer *out;
    const uint8_t
        *answers; /* ANSWERS bytes, used in a circle: which row each question is answered with */
    unsigned asked;
    bool late;
    bool open;
    bool prdr;
    uint64_t text;
    uint8_t buffer[64];
    uint8_t bytes[SMTP_SERVER_ROOM];
};

static void answer(struct play *p, enum smtp_action_kind kind)
{
    unsigned n = p->answers[p->asked++ % ANSWERS];
    enum smtp_reply_id id = n < 100 && kind == SMTP_ACTION_END && p->prdr ? SMTP_REPLY_PRDR
                            : n < 200                                     ? SMTP_REPLY_OK
                                      : (enum smtp_reply_id)(1 + n % (SMTP_REPLY_COUNT - 1));

    MUST(smtp_server_answer(&p->server, id, n % 3 ? span_of(NULL, 0) : span_text("own\r\ntext")));
    if (kind == SMTP_ACTION_MAIL && !smtp_reply_refuses(id)) {
        MUST(!p->open);
        p->open = true;
        p->text = 0;
    }
}

static void check_action(struct play *p, const struct smtp_action *a)
{
    switch (a->kind) {
    case SMTP_ACTION_REPLY:
        MUST(a->bytes.len >= 6 && a->bytes.len <= SMTP_SERVER_ROOM);
        MUST(a->bytes.data[a->bytes.len - 2] == '\r' && a->bytes.data[a->bytes.len - 1] == '\n');
        writer_span_put(p->out, a->bytes);
        break;
    case SMTP_ACTION_DATA:
        MUST(p->open);
        MUST(smtp_server_in_transaction(&p->server));
        break;
    case SMTP_ACTION_MAIL:
        p->prdr = a->prdr;
        break;
    case SMTP_ACTION_AUTH:
        MUST(!p->open && a->mechanism.len);
        break;
    case SMTP_ACTION_RESPONSE:
        MUST(!p->open && smtp_server_in_exchange(&p->server));
        break;
    case SMTP_ACTION_XCLIENT:
        MUST(!p->open && a->xclient.given);
        break;
    case SMTP_ACTION_VERDICT:
        MUST(p->open && p->prdr && a->index < options.recipients_max);
        break;
    case SMTP_ACTION_RCPT:
    case SMTP_ACTION_FINAL:
    case SMTP_ACTION_END:
        MUST(p->open);
        break;
    case SMTP_ACTION_TEXT:
        MUST(p->open && a->bytes.len);
        p->text += a->bytes.len;
        MUST(p->text <= options.size_max);
        writer_span_put(p->out, a->bytes);
        break;
    case SMTP_ACTION_RESET:
        MUST(p->open);
        p->open = false;
        break;
    case SMTP_ACTION_CLOSE:
        MUST(!p->open);
        break;
    default:
        break;
    }
}

static bool feed(struct play *p, struct span in)
{
    for (;;) {
        struct smtp_action a;

        smtp_server_next(&p->server, &in, &p->scratch, &a);
        check_action(p, &a);
        switch (a.kind) {
        case SMTP_ACTION_MORE:
            MUST(in.len == 0);
            return true;
        case SMTP_ACTION_CLOSE:
            writer_byte(p->out, 1);
            return false;
        case SMTP_ACTION_BUFFER:
            smtp_server_attach(&p->server, p->buffer);
            break;
        case SMTP_ACTION_ROOM:
            p->scratch = writer_of(p->bytes, sizeof(p->bytes));
            break;
        case SMTP_ACTION_CONNECT:
        case SMTP_ACTION_HELO:
        case SMTP_ACTION_XCLIENT:
        case SMTP_ACTION_AUTH:
        case SMTP_ACTION_RESPONSE:
        case SMTP_ACTION_VERDICT:
        case SMTP_ACTION_FINAL:
        case SMTP_ACTION_MAIL:
        case SMTP_ACTION_RCPT:
        case SMTP_ACTION_DATA:
        case SMTP_ACTION_END:
            writer_byte(p->out, (uint8_t)(2 + a.kind));
            if (p->late)
                MUST(smtp_server_next(&p->server, &in, &p->scratch, &(struct smtp_action){0}) ==
                     SMTP_ACTION_WAIT);
            answer(p, a.kind);
            break;
        default:
            break;
        }
    }
}

static void play(struct span in, const uint8_t *answers, uint32_t seed, struct writer *out)
{
    struct smtp_server_options submission = options;
    struct play p = {.out = out, .answers = answers, .late = seed != 0};

    submission.mechanisms = span_text(" PLAIN LOGIN");
    smtp_server_init(&p.server, answers[0] & 2 ? &submission : &options);
    if (answers[0] & 1)
        smtp_server_trust(&p.server);
    p.scratch = writer_of(p.bytes, sizeof(p.bytes));
    while (in.len) {
        size_t n = in.len;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % (seed >> 30 ? 5 : 90);
        }
        if (!feed(&p, span_head(in, n)))
            return;
        in = span_skip(in, n);
    }
}

/* First bytes: seed of the cuts, then the answers. Actions, replies and text do not depend on the
 * cuts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);
    struct span in;

    if (size < 1 + ANSWERS || size > 8192)
        return 0;
    in = span_of(data + 1 + ANSWERS, size - 1 - ANSWERS);
    play(in, data + 1, 0, &whole);
    play(in, data + 1, 1u + data[0], &cut);
    MUST(span_equal(writer_span(&whole), writer_span(&cut)));
    return 0;
}
