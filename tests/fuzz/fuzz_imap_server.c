/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20, ANSWERS = 8 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static const struct imap_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .logins_max = 3,
    .errors_max = 5,
    .starttls = true,
    .login = true,
    .mechanisms = {(const uint8_t *)" PLAIN", 6},
    .limits = {.line = 1024, .literal = 512, .command = 2048, .append = 700, .nonsync = 4096}};

struct play {
    struct imap_server server;
    struct writer scratch;
    struct writer *out;
    const uint8_t *answers; /* ANSWERS bytes, used in a circle */
    unsigned asked;
    bool message; /* of an APPEND comes */
    uint8_t *buffer;
    uint8_t bytes[IMAP_SERVER_ROOM];
};

static unsigned next_answer(struct play *p)
{
    return p->answers[p->asked++ % ANSWERS];
}

static void login(struct play *p, enum imap_action_kind kind)
{
    unsigned n = next_answer(p);

    if (n % 5 == 0 && kind != IMAP_ACTION_LOGIN)
        MUST(imap_server_challenge(&p->server, span_text("Y2hhbGxlbmdl"), &p->scratch));
    else if (n < 200)
        MUST(imap_server_open(&p->server));
    else
        MUST(imap_server_answer(&p->server,
                                n % 2 ? IMAP_REPLY_AUTH_FAILED : IMAP_REPLY_UNAVAILABLE));
    /* Nothing waits twice. */
    MUST(!imap_server_open(&p->server) && !imap_server_append(&p->server));
}

/* Some SELECT and some IDLE, whatever they are. */
static void executed(struct play *p)
{
    unsigned n = next_answer(p);

    MUST(imap_server_executed(&p->server,
                              n < 80    ? IMAP_EXECUTED_AUTH
                              : n < 160 ? IMAP_EXECUTED_SELECTED
                              : n < 250 ? IMAP_EXECUTED_IDLE
                                        : IMAP_EXECUTED_OVER,
                              n % 7 == 0));
    MUST(!imap_server_executed(&p->server, IMAP_EXECUTED_AUTH, false));
}

static void append(struct play *p, const struct imap_action *a)
{
    if (next_answer(p) % 3) {
        MUST(a->size <= options.limits.append);
        MUST(imap_server_append(&p->server));
        p->message = true;
        return;
    }
    MUST(imap_server_append_refuse(&p->server));
    executed(p);
    p->message = false;
}

static void lend(struct play *p, uint64_t size)
{
    uint8_t *buffer = malloc(size);

    MUST(size > IMAP_TAG_MAX && size <= options.limits.command + IMAP_TAG_MAX + 4096);
    MUST(imap_server_attach(&p->server, buffer, (uint32_t)size) == p->buffer);
    free(p->buffer);
    p->buffer = buffer;
}

static void put(struct play *p, const struct imap_action *a)
{
    writer_span_put(p->out, writer_span(&p->scratch));
    p->scratch.len = 0;
    writer_byte(p->out, (uint8_t)(1 + a->kind));
    writer_span_put(p->out, a->bytes);
    writer_span_put(p->out, a->user);
    writer_span_put(p->out, a->password);
    writer_span_put(p->out, a->mechanism);
    writer_span_put(p->out, a->initial);
}

/* False: it goes on no more. */
static bool act(struct play *p, const struct imap_action *a)
{
    switch (a->kind) {
    case IMAP_ACTION_LOGIN:
    case IMAP_ACTION_AUTH:
    case IMAP_ACTION_RESPONSE:
        put(p, a);
        login(p, a->kind);
        return true;
    case IMAP_ACTION_APPEND:
        put(p, a);
        append(p, a);
        return true;
    case IMAP_ACTION_DATA:
        MUST(p->message && a->bytes.len);
        writer_span_put(p->out, a->bytes);
        return true;
    case IMAP_ACTION_DATA_END:
        MUST(p->message);
        return true;
    case IMAP_ACTION_APPEND_FAIL:
        MUST(p->message);
        __attribute__((fallthrough));
    case IMAP_ACTION_COMMAND:
    case IMAP_ACTION_DONE:
    case IMAP_ACTION_APPEND_END:
        put(p, a);
        p->message = false;
        executed(p);
        return true;
    case IMAP_ACTION_COMPRESS:
        put(p, a);
        MUST(imap_server_compress(&p->server, next_answer(p) % 2));
        return true;
    case IMAP_ACTION_TLS:
        put(p, a);
        MUST(imap_server_secured(&p->server, &options));
        return false;
    default:
        abort();
    }
}

static bool feed(struct play *p, struct span in)
{
    struct imap_action a;

    for (;;) {
        switch (imap_server_next(&p->server, &in, &p->scratch, &a)) {
        case IMAP_ACTION_MORE:
            MUST(in.len == 0);
            if (imap_server_detach(&p->server)) {
                free(p->buffer);
                p->buffer = NULL;
            }
            return true;
        case IMAP_ACTION_CLOSE:
            put(p, &a);
            return false;
        case IMAP_ACTION_BUFFER:
            lend(p, a.size);
            break;
        case IMAP_ACTION_ROOM:
            MUST(p->scratch.len);
            writer_span_put(p->out, writer_span(&p->scratch));
            p->scratch.len = 0;
            break;
        case IMAP_ACTION_REPLY:
            MUST(p->scratch.len && p->scratch.data[p->scratch.len - 1] == '\n');
            writer_span_put(p->out, writer_span(&p->scratch));
            p->scratch.len = 0;
            break;
        case IMAP_ACTION_WAIT:
            abort();
        default:
            if (!act(p, &a))
                return false;
        }
    }
}

static void play(struct span in, const uint8_t *answers, uint32_t seed, struct writer *out)
{
    struct play p = {.out = out, .answers = answers};

    imap_server_init(&p.server, &options);
    p.scratch = writer_of(p.bytes, sizeof(p.bytes));
    while (in.len) {
        size_t n = in.len;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % 40;
        }
        if (!feed(&p, span_head(in, n)))
            break;
        in = span_skip(in, n);
    }
    free(p.buffer);
}

/* First bytes: seed of the cuts, then the answers. Actions and replies do not depend on the cuts.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole_bytes[OUT_MAX], cut_bytes[OUT_MAX];
    struct writer whole = writer_of(whole_bytes, OUT_MAX), cut = writer_of(cut_bytes, OUT_MAX);
    struct span in;

    if (size < 1 + ANSWERS || size > 4096)
        return 0;
    in = span_of(data + 1 + ANSWERS, size - 1 - ANSWERS);
    play(in, data + 1, 0, &whole);
    play(in, data + 1, 1u + data[0], &cut);
    MUST(span_equal(writer_span(&whole), writer_span(&cut)));
    return 0;
}
