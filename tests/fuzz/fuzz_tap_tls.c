/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "control/config/config.h"
#include "control/service/judgement.h"
#include "dataplane/tap/tap.h"
#include "dataplane/tap/tap_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * One connection under TLS, its bytes as the observer of TCP hands them on. The first octet says
 * which version and whether secrets are there, come later or never; then an octet says what
 * happens and how much of what follows it is about: bytes as they are, a record sealed with the key
 * that the direction has by now, a canned hello, a hole, a part of what is sent next.
 */
enum { OP_RAW, OP_SEAL, OP_HELLO, OP_GAP, OP_KEYS, OP_NEXT, OP_CHANGE, OP_UPDATE };

static struct tap *tap;
static struct tls_crypto *crypto;
static struct tls_secrets *secrets;
static struct tap_source source;
static struct handoff *handoff;
static struct judgement *judgement;

struct play {
    struct tcp_observed_flow flow;
    struct tls_watch ends; /* with which both seal */
    bool tls13;
    uint8_t split; /* bytes of a piece; 0: all at once */
    uint64_t offset[2], time_ns;
};

static void on_event(void *context, const struct tap_event *event)
{
    struct record *record;

    while (event->kind == TAP_EVENT_MESSAGE && record_collect(handoff, &record, 1) == 1)
        record_return(handoff, record);
}

static void make(void)
{
    static struct config_errors errors;
    struct config *config = config_read(
        span_text("hostname: tap.invalid\nrole: tap\ntap: {ports: [{interface: unused}]}\n"),
        "fuzz", &errors);
    judgement = judgement_new(config, &(struct judgement_options){.workers = 1, .messages = 4},
                              &(struct writer){0});

    config_free(config);
    rcu_register_thread();
    handoff = judgement_handoff(judgement);
    secrets = tls_secrets_new(16);
    crypto = tls_crypto_new();
    source = (struct tap_source){.event = on_event,
                                 .policy = "linux",
                                 .flows = 4,
                                 .messages = 4,
                                 .secrets = secrets,
                                 .secrets_grow = true};
    tap = tap_new(&(struct tap_options){.handoff = handoff, .source = &source});
    if (!tap || !crypto)
        abort();
}

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

static void send(struct play *p, enum tcp_direction d, struct span bytes)
{
    while (bytes.len) {
        struct span piece = span_head(bytes, p->split ? p->split : bytes.len);
        uint8_t *exact = malloc(piece.len);

        memcpy(exact, piece.data, piece.len);
        tap_flow_calls.flow_bytes(tap, &p->flow, d, span_of(exact, piece.len), p->offset[d],
                                  p->time_ns += 1000);
        free(exact);
        p->offset[d] += piece.len;
        bytes = span_skip(bytes, piece.len);
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
    send(p, d, writer_span(&w));
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
    send(p, d, span_of(room, len));
}

static void act(struct play *p, uint8_t op, struct span bytes)
{
    enum tcp_direction d = op >> 3 & 1 ? TCP_TO_CLIENT : TCP_TO_SERVER;

    switch (op & 7) {
    case OP_RAW:
        send(p, d, bytes);
        break;
    case OP_SEAL:
        seal(p, d, bytes);
        break;
    case OP_HELLO:
        send_hello(p, d);
        break;
    case OP_GAP:
        tap_flow_calls.flow_gap(tap, &p->flow, d, p->offset[d], bytes.len + 1, p->time_ns);
        break;
    case OP_KEYS:
        put_secrets(true);
        break;
    case OP_NEXT:
        key(p, d, op & 16);
        break;
    case OP_CHANGE:
        send(p, d, span_of("\x14\x03\x03\x00\x01\x01", 6));
        break;
    case OP_UPDATE:
        if (p->tls13)
            tls_watch_update(&p->ends, crypto, d);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.time_ns = 1000000};
    struct span rest = span_of(data, size);
    uint8_t how;

    if (!tap)
        make();
    if (size < 2)
        return 0;
    how = data[0];
    p.split = data[1];
    p.tls13 = how & 1;
    source.secrets_grow = how & 2;
    put_secrets(how & 4);
    p.flow = (struct tcp_observed_flow){.id = 1, .client_port = 4000, .server_port = 465};
    p.flow.side[0] = p.flow.side[1] = (struct tcp_observed_side){.seen = true, .opened = true};
    tls_watch_init(&p.ends, p.tls13 ? TLS_VERSION_1_3 : TLS_VERSION_1_2, p.tls13 ? 0x1301 : 0xc02f);
    tap_flow_calls.flow_begin(tap, &p.flow);
    for (rest = span_skip(rest, 2); rest.len >= 2;) {
        struct span bytes = span_head(span_skip(rest, 2), rest.data[1]);

        act(&p, rest.data[0], bytes);
        rest = span_skip(rest, 2 + bytes.len);
    }
    tap_flow_calls.flow_end(tap, &p.flow, TCP_END_CLOSED, p.time_ns);
    rcu_quiescent_state();
    for (int i = 0; i < CHUNK_CLASSES; i++)
        if (chunk_used(tap->pool, (enum chunk_class)i))
            abort();
    return 0;
}
