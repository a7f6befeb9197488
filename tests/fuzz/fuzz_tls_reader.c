/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_fingerprint.h"
#include "proto/tls/tls_frames.h"
#include "proto/tls/tls_key_log.h"
#include "proto/tls/tls_messages.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first octet says in which pieces the rest comes. It is read as records with a handshake, then
 * as a key log. */
static volatile uint8_t sum;

static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum = (uint8_t)(sum + s.data[i]);
}

static void fingerprints(const struct tls_hello *t, bool client)
{
    static uint8_t room[TLS_FINGERPRINT_ROOM];
    static void (*const all[])(struct writer *, const struct tls_hello *) = {
        tls_fingerprint_ja3, tls_fingerprint_ja3s, tls_fingerprint_ja4_head,
        tls_fingerprint_ja4_suites, tls_fingerprint_ja4_extensions};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (client || i == 1) {
            struct writer w = writer_of(room, sizeof(room));

            all[i](&w, t);
        }
}

static void message(const struct tls_message *m)
{
    struct tls_certificates c;
    struct tls_hello t;
    struct span der;

    touch(m->body);
    if (m->cut && m->body.len)
        abort();
    if (m->type == TLS_CLIENT_HELLO ? tls_client_hello_read(m->body, &t)
                                    : tls_server_hello_read(m->body, &t)) {
        touch(t.server_name);
        touch(tls_alpn_first(t.alpn));
        touch(t.versions);
        fingerprints(&t, m->type == TLS_CLIENT_HELLO);
    }
    touch(tls_encrypted_alpn(m->body));
    for (int tls13 = 0; tls13 < 2; tls13++) {
        tls_certificates_init(&c, m->body, tls13);
        while (tls_certificates_next(&c, &der))
            touch(der);
    }
}

static void frames(struct tls_frames *f, struct tls_messages *all, struct span in)
{
    struct tls_message m;
    struct tls_part p;

    while (tls_frames_next(f, &in, &p) == TLS_FRAMES_PART) {
        if (p.last == f->inside || p.bytes.len > p.len)
            abort();
        while (p.type == TLS_FRAME_HANDSHAKE && tls_messages_next(all, &p.bytes, &m)) {
            message(&m);
            if (m.type % 3 == 1)
                tls_messages_keep(all);
        }
    }
}

static void key_log(struct tls_key_log *k, struct span in)
{
    struct tls_key_log_entry e;
    enum tls_key_log_status status;

    while ((status = tls_key_log_next(k, &in, &e)) != TLS_KEY_LOG_MORE)
        if (status == TLS_KEY_LOG_ENTRY) {
            touch(span_of(e.secret, e.len));
            if (e.label >= TLS_KEY_LOG_LABELS || (e.len != 32 && e.len != 48))
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t step = size && data[0] ? data[0] : SIZE_MAX;
    struct span rest = span_skip(span_of(data, size), 1);
    struct tls_frames f = {0};
    struct tls_messages m;
    struct tls_key_log k = {0};
    uint8_t room[700];

    tls_messages_init(&m, room, sizeof(room));
    for (; rest.len; rest = span_skip(rest, step)) {
        frames(&f, &m, span_head(rest, step));
        key_log(&k, span_head(rest, step));
    }
    return 0;
}
