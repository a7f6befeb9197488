/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 20, ANSWERS = 8, MESSAGES = 40 };

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static const struct pop3_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .logins_max = 3,
    .errors_max = 5,
    .login = true,
    .mechanisms = {(const uint8_t *)" PLAIN", 6},
    .login_delay = 60};
static const struct pop3_entry entries[MESSAGES] = {
    {.size = 5, .uid = 1},
    {.size = 6, .uid = 9},
    {.size = 7, .uid = 10, .form = POP3_FORM_REFUSED}};
static const struct pop3_mailbox mailbox = {
    .entries = entries, .count = MESSAGES, .uid_validity = 1, .octets = 18};

struct play {
    struct pop3_server server;
    struct writer scratch;
    struct writer *out;
    const uint8_t *answers; /* ANSWERS bytes, used in a circle */
    unsigned asked;
    uint8_t deleted[(MESSAGES + 7) / 8];
    uint8_t buffer[POP3_EXCHANGE_BUFFER];
    uint8_t bytes[POP3_SERVER_ROOM];
};

static void answer(struct play *p, enum pop3_action_kind kind)
{
    unsigned n = p->answers[p->asked++ % ANSWERS];
    bool yes = n < 200;

    if (n % 5 == 0 && (kind == POP3_ACTION_AUTH || kind == POP3_ACTION_RESPONSE))
        MUST(pop3_server_challenge(&p->server, span_text("Y2hhbGxlbmdl")));
    else if (yes && (kind == POP3_ACTION_LOGIN || kind == POP3_ACTION_AUTH ||
                     kind == POP3_ACTION_RESPONSE))
        MUST(pop3_server_open(&p->server, &mailbox, p->deleted));
    else
        MUST(pop3_server_answer(&p->server, yes     ? POP3_REPLY_OK
                                            : n % 2 ? POP3_REPLY_AUTH_FAILED
                                                    : POP3_REPLY_SYS_TEMP));
}

static bool feed(struct play *p, struct span in)
{
    for (;;) {
        struct pop3_action a;

        switch (pop3_server_next(&p->server, &in, &p->scratch, &a)) {
        case POP3_ACTION_MORE:
            MUST(in.len == 0);
            return true;
        case POP3_ACTION_CLOSE:
            writer_byte(p->out, 1);
            return false;
        case POP3_ACTION_BUFFER:
            pop3_server_attach(&p->server, p->buffer);
            break;
        case POP3_ACTION_ROOM:
            p->scratch = writer_of(p->bytes, sizeof(p->bytes));
            break;
        case POP3_ACTION_REPLY:
            MUST(a.bytes.len && a.bytes.data[a.bytes.len - 1] == '\n');
            writer_span_put(p->out, a.bytes);
            break;
        case POP3_ACTION_WAIT:
            abort();
        default:
            MUST(a.index < MESSAGES && a.deleted_count <= MESSAGES);
            writer_byte(p->out, (uint8_t)(2 + a.kind + 64 * a.utf8));
            writer_uint(p->out, a.lines, 4);
            writer_span_put(p->out, a.user);
            writer_span_put(p->out, a.password);
            answer(p, a.kind);
            break;
        }
    }
}

static void play(struct span in, const uint8_t *answers, uint32_t seed, struct writer *out)
{
    struct play p = {.out = out, .answers = answers};

    pop3_server_init(&p.server, &options);
    p.scratch = writer_of(p.bytes, sizeof(p.bytes));
    while (in.len) {
        size_t n = in.len;

        if (seed) {
            seed = seed * 1664525u + 1013904223u;
            n = 1 + (seed >> 16) % 40;
        }
        if (!feed(&p, span_head(in, n)))
            return;
        in = span_skip(in, n);
    }
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
