/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/dkim_play.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

static uint8_t header[1 << 20];

const struct dkim_signer *dkim_play_signer(enum dkim_play_key key)
{
    static struct dkim_signer signers[DKIM_PLAY_KEYS];
    struct dkim_signer *s = &signers[key];

    if (s->key)
        return s;
    if (key == DKIM_PLAY_ED25519)
        s->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        s->key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(key == DKIM_PLAY_RSA ? 1024 : 768));
    s->type = key == DKIM_PLAY_ED25519 ? DKIM_ED25519 : DKIM_RSA;
    s->bits = (uint32_t)EVP_PKEY_get_bits(s->key);
    return s;
}

const char *dkim_play_record(enum dkim_play_key key)
{
    static char texts[DKIM_PLAY_KEYS][DKIM_SIGNER_RECORD_MAX];
    struct writer w = writer_of(texts[key], sizeof(texts[key]) - 1);

    dkim_signer_record(dkim_play_signer(key), &w);
    texts[key][w.len] = 0;
    return texts[key];
}

struct dns_answer dkim_play_answer(const char *text)
{
    static uint8_t rdata[8192];
    static struct span record;
    struct writer w = writer_of(rdata, sizeof(rdata));
    struct span rest = span_text(text);

    do {
        struct span string = span_head(rest, 255);

        writer_byte(&w, (uint8_t)string.len);
        writer_span_put(&w, string);
        rest = span_skip(rest, 255);
    } while (rest.len);
    record = writer_span(&w);
    return (struct dns_answer){.outcome = DNS_ANSWER, .count = 1, .records = &record};
}

void dkim_play_pass(struct dkim_message *m, struct span text, dkim_play_wants *wants, void *context)
{
    dkim_message_begin(m, header, sizeof(header));
    if (dkim_message_header(m, &text))
        wants(context);
    dkim_body_feed(&m->body, text);
    if (dkim_message_end(m))
        wants(context);
    dkim_body_finish(&m->body);
}

struct signing {
    struct dkim_message message;
    const struct dkim_sign_order *order;
    int want;
};

static void want(void *context)
{
    struct signing *s = context;

    s->want = dkim_sign_want(s->order, &s->message.body);
}

bool dkim_play_sign(struct writer *w, const struct dkim_sign_order *order, enum dkim_play_key key,
                    struct span text)
{
    static struct signing s;
    bool good;

    s.order = order;
    dkim_message_init(&s.message);
    dkim_play_pass(&s.message, text, want, &s);
    good = dkim_sign(w, order, dkim_play_signer(key), &s.message.header, &s.message.body, s.want);
    writer_span_put(w, text);
    dkim_message_fini(&s.message);
    return good && !w->full;
}
