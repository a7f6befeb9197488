/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_flow.h"

/* The messages of a TLS handshake, and the keys that follow from them and from a key log. */

/* Records of a handshake or of early data that are passed over where their own key is not known. */
enum { TRIES = 64 };

/* ---- secrets ---- */

static bool secret_of(struct tap *t, const struct tap_secure *s, enum tls_key_log_label label,
                      uint8_t secret[TLS_KEY_LOG_SECRET])
{
    const struct tap_source *source = t->source;
    uint32_t need = s->watch.version == TLS_VERSION_1_2 || s->watch.suite->sha384 ? 48 : 32;
    uint32_t len = tls_secrets_get(source->secrets, label, s->client_random, secret);

    if (len == 0 && source->secrets_more && source->secrets_more(source->context))
        len = tls_secrets_get(source->secrets, label, s->client_random, secret);
    return len == need;
}

static bool take_traffic(struct tap *t, struct tap_secure *s, enum tcp_direction d)
{
    static const uint8_t labels[] = {TLS_KEY_LOG_CLIENT_TRAFFIC_SECRET_0,
                                     TLS_KEY_LOG_SERVER_TRAFFIC_SECRET_0};
    uint8_t secret[TLS_KEY_LOG_SECRET];

    if (!secret_of(t, s, (enum tls_key_log_label)labels[d], secret))
        return false;
    tls_watch_secret(&s->watch, t->crypto, d, secret);
    explicit_bzero(secret, sizeof(secret));
    s->epoch[d] = TAP_TRAFFIC;
    return true;
}

/* Of TLS 1.3. Where a log has the traffic secret alone, the handshake's records do not open, and
 * the first that does is one of data. */
static bool take_first(struct tap *t, struct tap_secure *s, enum tcp_direction d, bool early)
{
    static const uint8_t labels[] = {TLS_KEY_LOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET,
                                     TLS_KEY_LOG_SERVER_HANDSHAKE_TRAFFIC_SECRET};
    uint8_t secret[TLS_KEY_LOG_SECRET];

    if (s->epoch[d] != TAP_CLEAR)
        return true;
    if (!secret_of(t, s, (enum tls_key_log_label)labels[d], secret)) {
        s->tries[d] = TRIES;
        return take_traffic(t, s, d);
    }
    tls_watch_secret(&s->watch, t->crypto, d, secret);
    explicit_bzero(secret, sizeof(secret));
    s->epoch[d] = TAP_HANDSHAKE;
    s->tries[d] = early ? TRIES : 0;
    return true;
}

static bool take_master(struct tap *t, struct tap_secure *s, const struct tap_hello *h)
{
    uint8_t master[TLS_KEY_LOG_SECRET];

    if (!secret_of(t, s, TLS_KEY_LOG_CLIENT_RANDOM, master))
        return false;
    tls_watch_master(&s->watch, t->crypto, master, h->client.random.data, h->server.random.data);
    explicit_bzero(master, sizeof(master));
    return true;
}

static bool first_found(struct tap *t, struct tap_flow *f)
{
    struct tap_secure *s = f->tls;
    const struct tap_hello *h = tap_secure_hello(f);
    bool early = h->client.early_data;

    if (s->watch.version == TLS_VERSION_1_2)
        return take_master(t, s, h);
    /* Both are asked for before either is missed. */
    return (int)take_first(t, s, TCP_TO_SERVER, early) &
           (int)take_first(t, s, TCP_TO_CLIENT, false);
}

void tap_handshake_look(struct tap *t, struct tap_flow *f)
{
    struct tap_secure *s = f->tls;

    if (s->wants & TAP_WANT_FIRST && first_found(t, f)) {
        s->wants &= (uint8_t)~TAP_WANT_FIRST;
        s->open = true;
        t->tls_opened++;
        tap_flow_become(t, f, (enum tap_stage)s->inside);
    }
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        if (s->wants & TAP_WANT_TRAFFIC << d && take_traffic(t, s, (enum tcp_direction)d))
            s->wants &= (uint8_t) ~(TAP_WANT_TRAFFIC << d);
}

/* More is read once this is known. False: it never will be. */
static bool want(struct tap *t, struct tap_flow *f, uint8_t what)
{
    struct tap_secure *s = f->tls;

    s->wants |= what;
    if (t->source->secrets)
        tap_handshake_look(t, f);
    if (!s->wants || (t->source->secrets && t->source->secrets_grow))
        return true;
    tap_secure_unread(t, f, t->source->secrets ? TAP_UNREAD_NO_SECRET : TAP_UNREAD_NO_KEY_LOG);
    return false;
}

/* ---- messages ---- */

static bool bad(struct tap *t, struct tap_flow *f, enum tap_unread reason)
{
    tap_secure_unread(t, f, reason);
    return false;
}

static bool on_client_hello(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                            const struct tls_message *m)
{
    struct tap_hello *h = tap_secure_hello(f);

    if (!h || f->tls->epoch[d] != TAP_CLEAR)
        return bad(t, f, TAP_UNREAD_RENEGOTIATED);
    if (d != TCP_TO_SERVER || m->cut)
        return bad(t, f, TAP_UNREAD_MISFORMED);
    /* The second, behind a HelloRetryRequest, has the same random (RFC 8446 section 4.1.2). */
    if (h->client_seen)
        return h->retried || bad(t, f, TAP_UNREAD_MISFORMED);
    if (!tls_client_hello_read(m->body, &h->client))
        return bad(t, f, TAP_UNREAD_MISFORMED);
    h->client_seen = true;
    h->client_body = m->body;
    memcpy(f->tls->client_random, h->client.random.data, TLS_RANDOM);
    tls_messages_keep(&f->tls->messages[d]);
    return true;
}

/* What was agreed on can be read, as far as the algorithms go. */
static bool agree(struct tap *t, struct tap_flow *f, const struct tap_hello *h)
{
    struct cursor suite = cursor_of(h->server.suites);
    bool ok = tls_watch_init(&f->tls->watch, h->server.version, cursor_u16(&suite));

    if (h->server.version != TLS_VERSION_1_3)
        return true; /* certificates are to come: decided by the ChangeCipherSpec */
    if (!h->client_seen)
        return bad(t, f, TAP_UNREAD_NO_HELLO);
    if (!ok)
        return bad(t, f, TAP_UNREAD_SUITE);
    return want(t, f, TAP_WANT_FIRST);
}

static bool on_server_hello(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                            const struct tls_message *m)
{
    struct tap_hello *h = tap_secure_hello(f);

    if (!h || f->tls->epoch[d] != TAP_CLEAR || h->server_seen)
        return bad(t, f, TAP_UNREAD_RENEGOTIATED);
    if (d != TCP_TO_CLIENT || m->cut || !tls_server_hello_read(m->body, &h->server))
        return bad(t, f, TAP_UNREAD_MISFORMED);
    if (h->server.retry) {
        h->retried = true;
        return true;
    }
    h->server_seen = true;
    h->server_body = m->body;
    tls_messages_keep(&f->tls->messages[d]);
    return agree(t, f, h);
}

/* In the handshake of TLS 1.3 the last message under its secret. */
static bool on_finished(struct tap *t, struct tap_flow *f, enum tcp_direction d)
{
    if (f->tls->epoch[d] != TAP_HANDSHAKE)
        return true;
    f->tls->tries[d] = 0;
    return want(t, f, (uint8_t)(TAP_WANT_TRAFFIC << d));
}

static void keep(struct tap_flow *f, enum tcp_direction d, const struct tls_message *m,
                 struct span *body)
{
    if (m->cut || body->len)
        return;
    *body = m->body;
    tls_messages_keep(&f->tls->messages[d]);
}

static bool on_message(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                       const struct tls_message *m)
{
    struct tap_secure *s = f->tls;
    struct tap_hello *h = tap_secure_hello(f);

    switch (m->type) {
    case TLS_CLIENT_HELLO:
        return on_client_hello(t, f, d, m);
    case TLS_SERVER_HELLO:
        return on_server_hello(t, f, d, m);
    case TLS_ENCRYPTED_EXTENSIONS:
        if (h && !m->cut)
            h->alpn = tls_encrypted_alpn(m->body);
        if (h && h->alpn.len)
            tls_messages_keep(&s->messages[d]);
        return true;
    case TLS_CERTIFICATE:
        if (h)
            keep(f, d, m, &h->certificates[d]);
        return true;
    case TLS_FINISHED:
        return on_finished(t, f, d);
    case TLS_KEY_UPDATE:
        if (s->epoch[d] == TAP_TRAFFIC && s->watch.version == TLS_VERSION_1_3)
            tls_watch_update(&s->watch, t->crypto, d);
        return true;
    default:
        return true;
    }
}

bool tap_handshake_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    struct tap_secure *s = f->tls;
    struct tls_message m;

    while (tls_messages_next(&s->messages[d], &bytes, &m))
        if (!on_message(t, f, d, &m))
            return false;
    return true;
}

bool tap_handshake_change(struct tap *t, struct tap_flow *f, enum tcp_direction d)
{
    struct tap_secure *s = f->tls;
    const struct tap_hello *h = tap_secure_hello(f);

    /* TLS 1.3 may have one anywhere (RFC 8446 appendix D.4). */
    if (!h->server_seen || !h->client_seen)
        return h->retried ||
               (d == TCP_TO_SERVER && f->seen->side[TCP_TO_CLIENT].seen && h->client_seen) ||
               bad(t, f, TAP_UNREAD_NO_HELLO);
    if (h->server.version == TLS_VERSION_1_3)
        return true;
    if (h->server.version < TLS_VERSION_1_2)
        return bad(t, f, TAP_UNREAD_VERSION);
    if (!s->watch.suite || h->server.compressed)
        return bad(t, f, TAP_UNREAD_SUITE);
    s->epoch[d] = TAP_TRAFFIC;
    return s->open || want(t, f, TAP_WANT_FIRST);
}

/* ---- what is said of it ---- */

/* RFC 5246 section 7.3: an abbreviated handshake repeats the client's session id and has no
 * certificate. */
static bool resumed(const struct tap_hello *h)
{
    if (!h->server_seen || h->server.version == TLS_VERSION_1_3)
        return h->server_seen && h->server.psk;
    return h->client_seen && h->client.session.len && !h->certificates[TCP_TO_CLIENT].len &&
           span_equal(h->client.session, h->server.session);
}

static void alert_of(const struct tap_hello *h, struct tap_tls_facts *facts)
{
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        if (h->alerted[d] && !facts->alert_from) {
            facts->alert_from = d == TCP_TO_SERVER ? "client" : "server";
            facts->alert_level = h->alert[d][0];
            facts->alert_number = h->alert[d][1];
        }
}

void tap_handshake_tell(struct tap *t, struct tap_flow *f, enum tap_unread unread)
{
    struct tap_secure *s = f->tls;
    const struct tap_hello *h = tap_secure_hello(f);
    struct tap_event event = {.kind = TAP_EVENT_TLS};

    if (s->told || !h || (!h->client_seen && !h->server_seen))
        return;
    s->told = true;
    t->tls_handshakes++;
    event.tls = (struct tap_tls_facts){
        .answered = h->server_seen,
        .resumed = resumed(h),
        .retried = h->retried,
        .opened = s->open && unread == TAP_UNREADS,
        .unread = unread == TAP_UNREADS ? NULL : tap_unread_name(unread),
        .client_hello = h->client_body,
        .server_hello = h->server_body,
        .alpn = h->alpn,
        .certificates = h->certificates[TCP_TO_CLIENT],
        .client_certificates = h->certificates[TCP_TO_SERVER],
    };
    alert_of(h, &event.tls);
    tap_flow_say(t, f, &event);
}
