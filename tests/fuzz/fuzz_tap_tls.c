/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/tap_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * One connection under TLS, its bytes as the observer of TCP hands them on. The first octet says
 * which version and whether secrets are there, come later or never; then an octet says what
 * happens and how much of what follows it is about: bytes as they are, a record sealed with the key
 * that the direction has by now, a canned hello, a hole, a part of what is sent next.
 */
enum { OP_RAW, OP_SEAL, OP_HELLO, OP_GAP, OP_KEYS, OP_NEXT, OP_CHANGE, OP_UPDATE };

static struct tls_crypto *crypto;
static struct tls_secrets *secrets;

struct play {
    struct tap_play on;
    struct tls_watch ends; /* with which both seal */
    bool tls13;
};

static void put_secrets(bool good)
{
    for (int i = 0; i < TLS_KEY_LOG_LABELS; i++) {
        struct tls_key_log_entry e = {.label = (enum tls_key_log_label)i,
                                      .len = i == TLS_KEY_LOG_CLIENT_RANDOM ? 48 : 32};

        memset(e.random, 7, sizeof(e.random));
        memset(e.secret, good ? 0x40 + i : 0, e.len);
        tls_secrets_put(secrets, &e);
    }
}

/* A record of one message. */
static void send_message(struct play *p, enum tcp_direction d, uint8_t type, struct span body)
{
    uint8_t room[512];
    struct writer w = writer_of(room, sizeof(room));

    writer_uint(&w, 0x160303, 3);
    writer_uint(&w, body.len + 4, 2);
    writer_byte(&w, type);
    writer_uint(&w, body.len, 3);
    writer_span_put(&w, body);
    tap_play_send(&p->on, d, writer_span(&w));
}

static void send_hello(struct play *p, enum tcp_direction d)
{
    uint8_t room[256];
    struct writer w = writer_of(room, sizeof(room));

    writer_uint(&w, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        writer_byte(&w, 7);
    writer_byte(&w, 0);
    if (d == TCP_TO_SERVER)
        writer_uint(&w, 2, 2);
    writer_uint(&w, p->tls13 ? 0x1301 : 0xc02f, 2);
    writer_uint(&w, d == TCP_TO_SERVER ? 0x0100 : 0, d == TCP_TO_SERVER ? 2 : 1);
    if (p->tls13 && d == TCP_TO_SERVER) {
        writer_uint(&w, 7, 2);
        writer_uint(&w, UINT64_C(0x002b0003020304), 7);
    } else if (p->tls13) {
        writer_uint(&w, 6, 2);
        writer_uint(&w, UINT64_C(0x002b00020304), 6);
    }
    send_message(p, d, d == TCP_TO_SERVER ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO, writer_span(&w));
}

/* The keys of the ends, as the table has them. */
static void key(struct play *p, enum tcp_direction d, bool traffic)
{
    uint8_t secret[48], randoms[32];
    int label = (traffic ? TLS_KEY_LOG_CLIENT_TRAFFIC_SECRET_0
                         : TLS_KEY_LOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET) +
                d;

    memset(randoms, 7, sizeof(randoms));
    memset(secret, p->tls13 ? 0x40 + label : 0x40 + TLS_KEY_LOG_CLIENT_RANDOM, sizeof(secret));
    if (p->tls13)
        tls_watch_secret(&p->ends, crypto, d, secret);
    else
        tls_watch_master(&p->ends, crypto, secret, randoms, randoms);
}

static void seal(struct play *p, enum tcp_direction d, struct span plain)
{
    static uint8_t room[4096];
    static const uint8_t types[] = {TLS_APPLICATION_DATA, TLS_APPLICATION_DATA, TLS_HANDSHAKE,
                                    TLS_ALERT};
    struct tls_record r = {p->ends.suite, p->ends.version, .write = p->ends.lane[d]};
    uint8_t type = plain.len ? types[plain.data[0] & 3] : TLS_APPLICATION_DATA;
    size_t len = tls_record_seal(&r, crypto, type, span_skip(plain, 1), room);

    p->ends.lane[d] = r.write;
    tap_play_send(&p->on, d, span_of(room, len));
}

static void act(struct play *p, uint8_t op, struct span bytes)
{
    enum tcp_direction d = op >> 3 & 1 ? TCP_TO_CLIENT : TCP_TO_SERVER;

    switch (op & 7) {
    case OP_RAW:
        tap_play_send(&p->on, d, bytes);
        break;
    case OP_SEAL:
        seal(p, d, bytes);
        break;
    case OP_HELLO:
        send_hello(p, d);
        break;
    case OP_GAP:
        tap_play_gap(&p->on, d, bytes.len + 1);
        break;
    case OP_KEYS:
        put_secrets(true);
        break;
    case OP_NEXT:
        key(p, d, op & 16);
        break;
    case OP_CHANGE:
        tap_play_send(&p->on, d, span_of("\x14\x03\x03\x00\x01\x01", 6));
        break;
    case OP_UPDATE:
        if (p->tls13)
            tls_watch_update(&p->ends, crypto, d);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p;
    struct span rest = span_of(data, size);
    uint8_t how;

    if (!tap) {
        secrets = tls_secrets_new(16);
        crypto = tls_crypto_new();
        tap_play_make(secrets);
    }
    if (size < 2)
        return 0;
    how = data[0];
    tap_play_begin(&p.on, 465);
    p.on.split = data[1];
    p.tls13 = how & 1;
    source.secrets_grow = how & 2;
    put_secrets(how & 4);
    tls_watch_init(&p.ends, p.tls13 ? TLS_VERSION_1_3 : TLS_VERSION_1_2, p.tls13 ? 0x1301 : 0xc02f);
    for (rest = span_skip(rest, 2); rest.len >= 2;) {
        struct span bytes = span_head(span_skip(rest, 2), rest.data[1]);

        act(&p, rest.data[0], bytes);
        rest = span_skip(rest, 2 + bytes.len);
    }
    tap_play_end(&p.on);
    return 0;
}
