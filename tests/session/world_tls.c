/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/world_tls.h"

#include "tests/harness/check.h"

struct world *world_tls_listen(struct world *w, enum listener_protocol protocol)
{
    struct listener *l = &w->settings.listeners[w->settings.listener_count++];

    *l = (struct listener){
        .port = WORLD_TLS_PORT, .protocol = (uint8_t)protocol, .tls = LISTENER_IMPLICIT};
    w->settings.tls_handshakes = 1000;
    w->settings.tls_timeout_ms = 60000;
    world_publish(w);
    world_run(w);
    return w;
}

/* The head of a handshake's record, and as much behind it as it says. */
void world_tls_hello(struct world *w)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 4, 1, 0, 0, 0};

    world_say_bytes(w, span_of(hello, sizeof(hello)));
}

static struct tls_keys keys_of(bool client)
{
    struct tls_keys keys = {.version = TLS_VERSION_1_3, .suite = 0x1301};

    memset(client ? keys.write.secret : keys.read.secret, 1, sizeof(keys.read.secret));
    memset(client ? keys.read.secret : keys.write.secret, 2, sizeof(keys.read.secret));
    return keys;
}

void world_tls_answer(struct world *w, const struct tls_outcome *outcome)
{
    struct job *job;

    if (service_take(w->handoff, SERVICE_CRYPTO, &job, 1) == 0)
        return;
    if (job->kind == JOB_TLS_HANDSHAKE) {
        job->tls_handshake.taken_out = (uint32_t)job->tls_handshake.in.len;
        job->tls_handshake.handshake_out = w;
        job->tls_handshake.outcome_out = outcome;
    }
    job_answer(w->handoff, job, JOB_OK);
}

void world_tls_connect(struct world_tls *t, struct world *w, struct tls_outcome *outcome)
{
    struct tls_keys keys = keys_of(true);

    *t = (struct world_tls){.w = w, .crypto = tls_crypto_new()};
    outcome->keys = keys_of(false);
    CHECK(tls_stream_init_client(&t->client, t->crypto, &keys));
    w->hold = true;
    world_connect(w, WORLD_TLS_PORT);
    world_tls_hello(w);
    world_tls_answer(w, outcome);
    world_run(w);
    world_tls_answer(w, NULL);
    world_run(w);
    CHECK(w->text_len > 0);
    w->hold = false;
}

void world_tls_say_bytes(struct world_tls *t, struct span bytes)
{
    uint8_t room[4096 + TLS_STREAM_ROOM];
    size_t len = tls_stream_seal(&t->client, t->crypto, bytes, room);

    world_say_bytes(t->w, span_of(room, len));
}

void world_tls_say(struct world_tls *t, const char *text)
{
    world_tls_say_bytes(t, span_text(text));
}

void world_tls_open(struct world_tls *t)
{
    static uint8_t room[TLS_SEALED_MAX];
    static char plain[WORLD_TEXT];
    struct span left = span_of(t->w->text, t->w->text_len);
    size_t len = 0;

    while (left.len >= 5) {
        size_t size = 5 + ((size_t)left.data[3] << 8 | left.data[4]);
        struct span data;

        if (size > left.len || tls_stream_open(&t->client, t->crypto, span_head(left, size), room,
                                               &data) != TLS_EVENT_DATA)
            break;
        memcpy(plain + len, data.data, data.len);
        len += data.len;
        tls_stream_taken(&t->client);
        left = span_skip(left, size);
    }
    memcpy(t->w->text, plain, len);
    t->w->text[len] = 0;
    t->w->text_len = len;
}

bool world_tls_expect(struct world_tls *t, const char *expected)
{
    world_tls_open(t);
    return world_expect(t->w, expected);
}

bool world_tls_free(struct world_tls *t)
{
    tls_crypto_free(t->crypto);
    return world_free(t->w);
}
