/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_tls.h"

#include <stdlib.h>

#include "proto/base/chance.h"

/*
 * TLS under a session. The handshake is control's and is done here, on the worker: a client has
 * nobody who waits behind it but other clients of its own, and what a handshake costs is part of
 * the load that --workers divides. Records are opened and sealed as the engine does it, in memory
 * that all sessions share: each is read to its end at once.
 */
enum { SEALED = TLS_RECORD_MAX + TLS_STREAM_ROOM };

struct blast_tls_session {
    struct tls_stream stream;
    void *handshake; /* control's: it goes on, or listens for tickets; NULL: neither */
    uint32_t record; /* bytes of the one that is being read */
};

struct blast_tls_worker {
    struct tls_crypto *crypto;
    struct chance chance; /* who tries to resume */
    uint8_t clear[TLS_SEALED_MAX], sealed[SEALED];
    struct blast_tls_session table[]; /* of each place */
};

bool blast_tls_init(struct blast_client *c, uint32_t places)
{
    if (!c->order->tls)
        return true;
    c->secure = calloc(1, sizeof(*c->secure) + places * sizeof(struct blast_tls_session));
    if (!c->secure)
        return false;
    c->secure->chance = (struct chance){c->order->seed + c->index};
    c->secure->crypto = tls_crypto_new();
    return c->secure->crypto;
}

void blast_tls_fini(struct blast_client *c)
{
    if (!c->secure)
        return;
    for (uint32_t i = 0; i < c->places; i++)
        if (c->secure->table[i].handshake)
            c->order->tls_calls.end(c->secure->table[i].handshake);
    tls_crypto_free(c->secure->crypto);
    free(c->secure);
}

static struct blast_tls_session *of(const struct blast_client *c, const struct blast_session *s)
{
    return &c->secure->table[s - c->table];
}

static void end_handshake(struct blast_client *c, struct blast_tls_session *t)
{
    if (t->handshake)
        c->order->tls_calls.end(t->handshake);
    t->handshake = NULL;
}

void blast_tls_give(struct blast_client *c, struct blast_session *s)
{
    if (!c->secure)
        return;
    end_handshake(c, of(c, s));
    explicit_bzero(of(c, s), sizeof(struct blast_tls_session));
}

void blast_tls_fail(struct blast_client *c, struct blast_session *s, const char *why)
{
    c->tally->tls_fault = why;
    blast_session_fail(c, s, &c->tally->counts.sessions_insecure);
}

/* ---- the handshake ---- */

static void take_keys(struct blast_client *c, struct blast_session *s)
{
    struct blast_tls_session *t = of(c, s);
    const struct blast_tls_calls *calls = &c->order->tls_calls;
    const struct tls_outcome *outcome = calls->outcome(t->handshake);

    if (!tls_stream_init_client(&t->stream, c->secure->crypto, &outcome->keys)) {
        blast_tls_fail(c, s, "a cipher suite that is not known here");
        return;
    }
    s->shakes = false;
    s->secure = true;
    if (!s->verifies) {
        c->tally->counts.tls_handshakes++;
        c->tally->counts.tls_resumed += outcome->resumed;
        blast_session_measure(c, s, BLAST_LATENCY_handshake, s->since);
    }
    s->since = c->now;
    if (!calls->listens(t->handshake))
        end_handshake(c, t);
    blast_session_begin(c, s);
}

static void feed(struct blast_client *c, struct blast_session *s, struct span in)
{
    struct blast_tls_session *t = of(c, s);
    const struct blast_tls_calls *calls = &c->order->tls_calls;
    uint32_t taken;
    struct span out;
    enum blast_tls_step step = calls->feed(t->handshake, in, &out, &taken);

    if (out.len && !sendq_copy(tcp_sendq(s->conn), c->pool, out)) {
        blast_session_fail(c, s, &c->tally->counts.memory_short);
        return;
    }
    tcp_send(c->tcp, s->conn);
    if (taken)
        tcp_consume(c->tcp, s->conn, taken);
    if (step == BLAST_TLS_FAILED)
        blast_tls_fail(c, s, calls->why(t->handshake));
    else if (step == BLAST_TLS_DONE)
        take_keys(c, s);
}

void blast_tls_begin(struct blast_client *c, struct blast_session *s)
{
    const struct blast_order *o = c->order;
    struct blast_tls_session *t = of(c, s);
    bool resume = chance_next(&c->secure->chance) % 100 < o->tls_resume;

    t->handshake = o->tls_calls.begin(o->tls_calls.context, c->index, resume);
    if (!t->handshake) {
        blast_session_fail(c, s, &c->tally->counts.memory_short);
        return;
    }
    s->shakes = true;
    s->since = c->now;
    feed(c, s, span_of(NULL, 0));
}

void blast_tls_run(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;
    struct span in;

    while (s->conn == conn && s->shakes && (in = tcp_peek(conn)).len)
        feed(c, s, in);
}

/* ---- records ---- */

/* A connection that was discarded meanwhile has nothing left. */
static void drop(struct blast_client *c, struct blast_session *s, uint32_t n)
{
    struct span run;

    while (n && (run = span_head(tcp_peek(s->conn), n)).len) {
        tcp_consume(c->tcp, s->conn, (uint32_t)run.len);
        n -= (uint32_t)run.len;
    }
}

/* The whole record at the front: as it lies there, or put together. */
static struct span whole_record(struct blast_client *c, const struct blast_session *s, uint32_t len)
{
    struct span run = tcp_peek(s->conn);

    if (run.len >= len)
        return span_head(run, len);
    tcp_gather(s->conn, 0, c->secure->sealed, len);
    return span_of(c->secure->sealed, len);
}

/* Opens the record at the front. Empty: it was TLS's own, or the session is gone. */
static struct span open_record(struct blast_client *c, struct blast_session *s, uint32_t len)
{
    struct blast_tls_session *t = of(c, s);
    struct span record = whole_record(c, s, len), data;

    if (t->handshake && !c->order->tls_calls.listen(t->handshake, record))
        end_handshake(c, t);
    switch (tls_stream_open(&t->stream, c->secure->crypto, record, c->secure->clear, &data)) {
    case TLS_EVENT_DATA:
        t->record = len;
        return data;
    case TLS_EVENT_NONE:
        drop(c, s, len);
        break;
    case TLS_EVENT_CLOSED:
        drop(c, s, tcp_unread(s->conn));
        break;
    case TLS_EVENT_ALERT:
        blast_tls_fail(c, s, "the server ended TLS with an alert");
        break;
    case TLS_EVENT_BAD:
        blast_tls_fail(c, s, "a record of the server's was no good");
        break;
    }
    return span_of(NULL, 0);
}

struct span blast_tls_peek(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;
    struct span data = span_of(NULL, 0);
    uint8_t header[TLS_HEADER];

    while (s->conn == conn && !data.len && tcp_gather(conn, 0, header, TLS_HEADER) == TLS_HEADER) {
        uint32_t len = (uint32_t)tls_record_length(header);

        if (len > tcp_unread(conn))
            break;
        if (len)
            data = open_record(c, s, len);
        else
            blast_tls_fail(c, s, "what the server sent is no record");
    }
    return data;
}

void blast_tls_taken(struct blast_client *c, struct blast_session *s)
{
    tls_stream_taken(&of(c, s)->stream);
    drop(c, s, of(c, s)->record);
}

bool blast_tls_write(struct blast_client *c, struct blast_session *s, struct span bytes)
{
    struct blast_tls_session *t = of(c, s);

    while (bytes.len) {
        struct span piece = span_head(bytes, TLS_PLAIN_MAX);
        size_t len = tls_stream_seal(&t->stream, c->secure->crypto, piece, c->secure->sealed);

        if (!len || !sendq_copy(tcp_sendq(s->conn), c->pool, span_of(c->secure->sealed, len)))
            return false;
        bytes = span_skip(bytes, piece.len);
    }
    return true;
}

void blast_tls_close(struct blast_client *c, struct blast_session *s)
{
    size_t len = tls_stream_end(&of(c, s)->stream, c->secure->crypto, c->secure->sealed);

    /* Without memory the server hears the FIN alone. */
    if (len && sendq_copy(tcp_sendq(s->conn), c->pool, span_of(c->secure->sealed, len)))
        tcp_send(c->tcp, s->conn);
}
