/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_message.h"
#include "proto/sasl/sasl_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* What is asked lies in the exchange's own memory, and is what a directory may be given. */
static void check_span(const struct sasl_server *s, struct span part)
{
    MUST(part.len == 0 ||
         (part.data >= s->text.data && part.data + part.len <= s->text.data + s->text.len));
}

static void check_question(const struct sasl_server *s)
{
    const struct sasl_question *q = &s->question;

    check_span(s, q->identity);
    check_span(s, q->user);
    check_span(s, q->password);
    check_span(s, q->message);
    MUST(q->user.len <= SASL_NAME_MAX && q->identity.len <= SASL_NAME_MAX);
    MUST(q->user.len > 0 || q->kind == SASL_ASK_EXTERNAL || q->kind == SASL_ASK_TOKEN);
    MUST(span_find(q->user, 0) < 0 && span_find(q->identity, 0) < 0);
    MUST(q->password.len <=
         (q->kind == SASL_ASK_TOKEN ? (size_t)SASL_TOKEN_MAX : (size_t)SASL_PASSWORD_MAX));
    MUST((q->kind != SASL_ASK_PASSWORD && q->kind != SASL_ASK_TOKEN) || q->password.len);
    MUST(q->kind != SASL_ASK_PROOF || q->message.len);
}

/* The directory knows every name, and believes each proof, but only tokens of an even length. */
static enum sasl_status answer(struct sasl_server *s)
{
    static const uint8_t nonce[SCRAM_SERVER_NONCE] = "0123456789abcdefg";
    uint8_t signature[SCRAM_KEY_MAX] = {0};

    check_question(s);
    switch (s->question.kind) {
    case SASL_ASK_SALT:
        return sasl_server_salt(s, span_text("salt"), SCRAM_ITERATIONS, nonce);
    case SASL_ASK_PROOF:
        return sasl_server_proved(s, signature);
    case SASL_ASK_TOKEN:
        return s->question.password.len % 2 ? sasl_server_refused(s, "insufficient_scope")
                                            : SASL_DONE;
    default:
        return SASL_DONE;
    }
}

static struct span take_line(struct span *in)
{
    ptrdiff_t end = span_find(*in, '\n');
    struct span line = end < 0 ? *in : span_head(*in, (size_t)end);

    *in = span_skip(*in, line.len + 1);
    return line;
}

/* What the connection has: bit 1 of `flags` an exporter's value, bit 2 a certificate's hash. */
static struct sasl_terms terms_of(uint8_t flags)
{
    static uint8_t memory[SASL_TOKEN_TEXT_MAX];
    struct sasl_terms terms = {.offered = flags & 8 ? UINT32_MAX : 0,
                               .scope = span_text("mail"),
                               .discovery = span_text("https://id.test/"),
                               .memory = memory};

    if (flags & 2)
        terms.exporter = span_text("exporter");
    if (flags & 4)
        terms.end_point = span_text("end point");
    return terms;
}

static void play(enum sasl_mechanism mechanism, uint8_t flags, struct span in)
{
    static struct sasl_server s;
    struct span initial = flags & 1 ? take_line(&in) : span_of(NULL, 0);
    struct sasl_terms terms = terms_of(flags);
    enum sasl_status status = sasl_server_begin(&s, &terms, mechanism, initial);

    for (int steps = 0; status == SASL_CHALLENGE || status == SASL_ASK; steps++) {
        MUST(steps < 10);
        if (status == SASL_ASK) {
            status = answer(&s);
            continue;
        }
        MUST(sasl_server_challenge(&s).len % 4 == 0);
        if (!in.len)
            break;
        status = sasl_server_line(&s, take_line(&in));
    }
    sasl_server_wipe(&s);
}

static void read_keys(struct span in)
{
    uint8_t text[SCRAM_KEYS_TEXT];
    struct writer w = writer_of(text, sizeof(text));
    struct scram_keys keys, again;

    if (!scram_keys_read(in, &keys))
        return;
    scram_keys_put(&w, &keys);
    MUST(!w.full && scram_keys_read(writer_span(&w), &again));
    MUST(memcmp(&keys, &again, sizeof(keys)) == 0);
}

/* First bytes: the mechanism, or stored keys; bit 0 of the next whether the first line is an
 * initial response. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in;

    if (size < 2 || size > 2 * SASL_LINE_MAX)
        return 0;
    in = span_of(data + 2, size - 2);
    if (data[0] % (SASL_MECHANISMS + 1) == SASL_MECHANISMS)
        read_keys(take_line(&in));
    else
        play((enum sasl_mechanism)(data[0] % (SASL_MECHANISMS + 1)), data[1], in);
    return 0;
}
