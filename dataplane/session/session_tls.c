/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_tls.h"

#include <stdlib.h>

#include "dataplane/handoff/hidden.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_peer.h"

_Static_assert(sizeof(struct session_tls) <= 512 - CHUNK_HEADER, "it lies in a small chunk");

/* Jobs of handshakes that each half of a turn may ask: what they cost the worker, other sessions
 * wait for. */
enum { SHARE = 8 };
enum { CLEAR_MAX = TLS_SEALED_MAX, SEALED_MAX = TLS_RECORD_MAX + TLS_STREAM_ROOM };

struct session_crypto {
    struct tls_crypto *tls;
    struct session_tls *reader; /* whose data lie in `clear`; NULL: nobody's */
    struct span data;           /* of them, what was not read yet */
    uint8_t *clear, *sealed, *room;
    uint32_t handshakes; /* under way */
    uint32_t asked;      /* of them, those that control works on */
    uint32_t share;      /* that may still be asked in this half of the turn */
};

struct session_crypto *session_crypto_new(void)
{
    struct session_crypto *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->tls = tls_crypto_new();
    c->clear = hidden_new(CLEAR_MAX);
    c->sealed = hidden_new(SEALED_MAX);
    c->room = hidden_new(TLS_PLAIN_MAX);
    if (c->tls && c->clear && c->sealed && c->room)
        return c;
    session_crypto_free(c);
    return NULL;
}

void session_crypto_free(struct session_crypto *c)
{
    if (!c)
        return;
    tls_crypto_free(c->tls);
    hidden_free(c->clear, CLEAR_MAX);
    hidden_free(c->sealed, SEALED_MAX);
    hidden_free(c->room, TLS_PLAIN_MAX);
    free(c);
}

struct session_tls *session_tls_of(const struct session *s)
{
    return s->tls ? (struct session_tls *)s->more->next->data : NULL;
}

bool session_tls_offered(const struct session *s)
{
    return tcp_tag(s->conn) >> SESSION_TAG_TLS == LISTENER_STARTTLS;
}

bool session_tls_upgraded(const struct session *s)
{
    return s->tls && session_tls_of(s)->upgrade;
}

struct span session_tls_identity(const struct session *s)
{
    const struct chunk *chunk;

    if (!s->tls || !session_tls_of(s)->identity)
        return span_of(NULL, 0);
    chunk = s->more->next->next;
    return span_of(chunk->data, chunk->len);
}

struct span session_tls_version(const struct session *s)
{
    if (!s->tls || session_tls_shakes(s))
        return span_of(NULL, 0);
    return span_text(tls_version_text(session_tls_of(s)->stream.record.version));
}

struct span session_tls_suite(const struct session *s)
{
    if (!s->tls || session_tls_shakes(s))
        return span_of(NULL, 0);
    return span_text(session_tls_of(s)->stream.record.suite->name);
}

static void consume_sealed(struct sessions *ss, struct session *s, uint32_t n)
{
    s->bytes_in += n;
    while (n && s->conn) {
        struct span run = span_head(tcp_peek(s->conn), n);

        /* A reset in this very turn has taken along what was unread. */
        if (run.len == 0)
            return;
        tcp_consume(ss->options.tcp, s->conn, (uint32_t)run.len);
        n -= (uint32_t)run.len;
    }
}

static bool begin(struct sessions *ss, struct session *s, bool upgrade)
{
    struct chunk *chunk = session_more(ss, s) ? chunk_take(ss->options.pool, CHUNK_SMALL) : NULL;
    struct session_tls *t;

    if (!chunk) {
        ss->counters->chunks_refused++;
        return false;
    }
    s->more->next = chunk;
    s->tls = true;
    t = session_tls_of(s);
    *t = (struct session_tls){.step = SESSION_TLS_SHAKES, .upgrade = upgrade};
    session_deadline(ss, s, ss->settings.tls_timeout_ms);
    return true;
}

void session_tls_begin(struct sessions *ss, struct session *s, bool upgrade)
{
    if (begin(ss, s, upgrade))
        session_tls_run(ss, s);
    else
        session_abort(ss, s, "no memory for TLS");
}

void session_tls_upgrade(struct sessions *ss, struct session *s)
{
    if (!session_flush(ss, s))
        return;
    if (tcp_unread(s->conn)) {
        ss->counters->tls_injected++;
        consume_sealed(ss, s, tcp_unread(s->conn));
    }
    session_line_give(ss, s);
    session_tls_begin(ss, s, true);
}

bool session_tls_shakes(const struct session *s)
{
    return s->tls && session_tls_of(s)->step != SESSION_TLS_OPEN;
}

static void count_memory(struct sessions *ss, struct session_tls *t, uint32_t bytes)
{
    struct counters *c = ss->counters;

    c->tls_memory += bytes;
    c->tls_memory -= t->memory;
    t->memory = bytes;
    if (c->tls_memory_most < bytes)
        c->tls_memory_most = bytes;
}

static void uncount(struct sessions *ss, struct session_tls *t)
{
    if (t->counted)
        ss->crypto->handshakes--;
    t->counted = false;
}

void session_tls_give(struct sessions *ss, struct session *s)
{
    struct session_tls *t = session_tls_of(s);

    if (!t)
        return;
    ss->counters->tls_handshakes_failed += t->step == SESSION_TLS_SHAKES;
    uncount(ss, t);
    count_memory(ss, t, 0);
    if (ss->crypto->reader == t)
        ss->crypto->reader = NULL;
    explicit_bzero(t, sizeof(*t));
    s->tls = false;
}

/* ---- the handshake ---- */

/* Nothing more comes of it; `why` goes into the record. */
static void fail(struct sessions *ss, struct session *s, const char *why)
{
    struct session_tls *t = session_tls_of(s);

    t->step = SESSION_TLS_FAILED;
    t->why = why;
    uncount(ss, t);
    ss->counters->tls_handshakes_failed++;
    if (s->conn)
        session_shutdown(ss, s);
}

static uint32_t record_at(const struct session *s, uint32_t at)
{
    uint8_t header[TLS_HEADER];

    if (tcp_gather(s->conn, at, header, TLS_HEADER) < TLS_HEADER)
        return 0;
    return (uint32_t)tls_record_length(header);
}

/* What was never TLS: a client that speaks in the clear, or anything else. */
static bool is_foreign(const struct session *s, const struct session_tls *t)
{
    uint8_t header[TLS_HEADER] = {0};
    uint32_t got = tcp_gather(s->conn, 0, header, TLS_HEADER);

    if (t->handshake || got == 0)
        return false;
    return header[0] != TLS_HANDSHAKE || (got == TLS_HEADER && tls_record_length(header) == 0);
}

/*
 * How many bytes control is to get now: whole records, as many as a chunk holds, or a part of one
 * that is larger. 0: more have to come first. So a peer that sends byte by byte costs one job a
 * record. *rest_out is what remains of a part's record.
 */
static uint32_t ready(const struct session *s, const struct session_tls *t, uint32_t room,
                      uint32_t *rest_out)
{
    uint32_t unread = tcp_unread(s->conn), at = t->rest, next;

    *rest_out = 0;
    if (at == 0) {
        at = record_at(s, 0);
        if (at == 0)
            return unread >= TLS_HEADER ? TLS_HEADER : 0; /* OpenSSL says what is wrong with it */
    }
    if (at > room) {
        *rest_out = at - room;
        return unread < room ? 0 : room;
    }
    if (at > unread)
        return 0;
    while ((next = record_at(s, at)) != 0 && at + next <= unread && at + next <= room)
        at += next;
    return at;
}

/* Whether one more may be under way; else it waits its turn. */
static bool may_shake(struct sessions *ss, struct session *s, struct session_tls *t)
{
    if (t->counted)
        return true;
    if (ss->crypto->handshakes >= ss->settings.tls_handshakes) {
        ss->counters->tls_handshakes_waited += !s->stalled;
        session_stall(ss, s);
        return false;
    }
    t->counted = true;
    ss->crypto->handshakes++;
    return true;
}

void session_tls_share(struct sessions *ss)
{
    ss->crypto->share = SHARE;
}

/* A flood of handshakes leaves sessions their part of a turn, and half of the worker's jobs. */
static bool may_ask(struct sessions *ss, struct session *s)
{
    if (ss->crypto->share && ss->crypto->asked < (job_count(ss->options.port) + 1) / 2)
        return true;
    ss->counters->tls_handshakes_put_off++;
    session_stall(ss, s);
    return false;
}

/* Bytes go into a chunk that control reads; they stay with TCP until it says how many it took. */
static void ask(struct sessions *ss, struct session *s, struct session_tls *t)
{
    struct record_peer peer;
    struct chunk *in = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    struct job *job;
    uint32_t len, rest;

    if (!in) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return;
    }
    len = ready(s, t, in->cap, &rest);
    job =
        len && may_shake(ss, s, t) && may_ask(ss, s) ? session_job(ss, s, JOB_TLS_HANDSHAKE) : NULL;
    if (!job) {
        chunk_give(ss->options.pool, in);
        return;
    }
    in->len = tcp_gather(s->conn, 0, in->data, len);
    session_peer(s, &peer);
    tcp_endpoints(s->conn, &peer.server, &peer.server_port, &peer.client, &peer.client_port);
    job->tls_handshake = (struct job_tls_handshake){
        .in = chunk_unread(in), .handshake = t->handshake, .port = peer.server_port};
    t->in = in;
    t->rest = rest;
    t->asked = true;
    ss->crypto->asked++;
    ss->crypto->share--;
    job_submit(ss->options.port, job);
}

/* The handshake that control holds ends there too. False: no job is free. */
static bool end_handshake(struct sessions *ss, struct session *s, struct session_tls *t)
{
    struct job *job;

    if (!t->handshake)
        return true;
    job = session_job(ss, s, JOB_TLS_END);
    if (!job)
        return false;
    job->generation = SESSION_NOBODY;
    job->tls_end.handshake = t->handshake;
    t->handshake = NULL;
    count_memory(ss, t, 0);
    job_submit(ss->options.port, job);
    return true;
}

void session_tls_run(struct sessions *ss, struct session *s)
{
    struct session_tls *t = session_tls_of(s);

    if (t->step != SESSION_TLS_SHAKES || t->asked)
        return;
    if (is_foreign(s, t)) {
        ss->counters->tls_foreign++;
        fail(ss, s, "no TLS was spoken");
        return;
    }
    ask(ss, s, t);
    if (s->eof && !t->asked && !s->stalled)
        fail(ss, s, "TLS handshake cut short");
}

static void send_sealed(struct sessions *ss, struct session *s, struct span bytes)
{
    if (bytes.len == 0 || !s->conn)
        return;
    if (!sendq_copy(tcp_sendq(s->conn), ss->options.pool, bytes)) {
        ss->counters->chunks_short++;
        session_abort(ss, s, "no memory for a record");
        return;
    }
    s->bytes_out += bytes.len;
    tcp_send(ss->options.tcp, s->conn);
}

/* In a chunk of its own, since few have one. Without memory nobody logs in by it. */
static void take_identity(struct sessions *ss, struct session *s, const struct tls_outcome *outcome)
{
    struct chunk *chunk = outcome->identity_len ? chunk_take(ss->options.pool, CHUNK_SMALL) : NULL;

    _Static_assert(sizeof(outcome->identity) <= 512 - CHUNK_HEADER, "it lies in a small chunk");
    if (!chunk) {
        ss->counters->chunks_refused += outcome->identity_len > 0;
        return;
    }
    memcpy(chunk->data, outcome->identity, outcome->identity_len);
    chunk->len = outcome->identity_len;
    s->more->next->next = chunk;
    session_tls_of(s)->identity = true;
}

static bool take_keys(struct sessions *ss, struct session *s, const struct tls_outcome *outcome)
{
    struct session_tls *t = session_tls_of(s);

    if (!tls_stream_init(&t->stream, ss->crypto->tls, &outcome->keys)) {
        fail(ss, s, "no such cipher suite");
        return false;
    }
    t->resumed = outcome->resumed;
    t->client = outcome->client;
    t->name_len = outcome->name_len;
    memcpy(t->name, outcome->name, outcome->name_len);
    t->binding = outcome->binding;
    take_identity(ss, s, outcome);
    t->step = SESSION_TLS_OPEN;
    uncount(ss, t);
    ss->counters->tls_handshakes_done++;
    ss->counters->tls_handshakes_resumed += t->resumed;
    return true;
}

bool session_tls_answer(struct sessions *ss, struct session *s, struct job *job)
{
    const struct job_tls_handshake *j = &job->tls_handshake;
    struct session_tls *t = session_tls_of(s);
    bool begins = false;

    t->asked = false;
    ss->crypto->asked--;
    t->handshake = j->handshake_out;
    count_memory(ss, t, t->handshake ? j->memory_out : 0);
    chunk_give(ss->options.pool, t->in);
    t->in = NULL;
    consume_sealed(ss, s, j->taken_out);
    send_sealed(ss, s, j->out_out);
    if (job->status != JOB_OK)
        fail(ss, s, job->status == JOB_REFUSED ? j->why_out : "no TLS handshake could begin");
    else if (j->outcome_out && s->conn)
        begins = take_keys(ss, s, j->outcome_out);
    if (t->step != SESSION_TLS_SHAKES)
        end_handshake(ss, s, t);
    return begins;
}

bool session_tls_idle(struct sessions *ss, struct session *s)
{
    struct session_tls *t = session_tls_of(s);

    return !t || (!t->asked && end_handshake(ss, s, t));
}

/* ---- records from the peer ---- */

/* The whole record at the front: as it lies there, or put together. */
static struct span whole_record(struct sessions *ss, struct session *s, uint32_t len)
{
    struct span run = tcp_peek(s->conn);

    if (run.len >= len)
        return span_head(run, len);
    tcp_gather(s->conn, 0, ss->crypto->sealed, len);
    return span_of(ss->crypto->sealed, len);
}

static void on_bad(struct sessions *ss, struct session *s, struct session_tls *t)
{
    ss->counters->tls_records_refused++;
    t->why = "a record was refused";
    session_shutdown(ss, s);
}

/* Opens the record at the front, `len` bytes long. False: there is nothing to read. */
static bool open_record(struct sessions *ss, struct session *s, struct session_tls *t, uint32_t len)
{
    struct session_crypto *c = ss->crypto;

    c->reader = NULL;
    switch (tls_stream_open(&t->stream, c->tls, whole_record(ss, s, len), c->clear, &c->data)) {
    case TLS_EVENT_DATA:
        c->reader = t;
        t->record = len;
        return true;
    case TLS_EVENT_NONE:
        consume_sealed(ss, s, len);
        return false;
    case TLS_EVENT_CLOSED:
        /* RFC 8446 section 6.1: what comes behind it is nobody's. */
        consume_sealed(ss, s, tcp_unread(s->conn));
        tcp_discard(ss->options.tcp, s->conn);
        s->eof = true;
        return false;
    case TLS_EVENT_ALERT:
        ss->counters->tls_alerts++;
        session_abort(ss, s, "TLS alert");
        return false;
    case TLS_EVENT_BAD:
        break;
    }
    on_bad(ss, s, t);
    return false;
}

/* The length of the record at the front, when all of it is there; 0: not yet. */
static uint32_t next_record(const struct session *s, bool *bad_out)
{
    uint32_t len = record_at(s, 0);

    *bad_out = len == 0 && tcp_unread(s->conn) >= TLS_HEADER;
    return len && len <= tcp_unread(s->conn) ? len : 0;
}

struct span session_tls_peek(struct sessions *ss, struct session *s)
{
    struct session_crypto *c = ss->crypto;
    struct session_tls *t = session_tls_of(s);
    bool bad = false;

    if (t->step != SESSION_TLS_OPEN || s->closing)
        return span_of(NULL, 0);
    if (c->reader == t)
        return c->data;
    if (t->record) {
        /* Somebody else has read since: it is opened once more. */
        if (!open_record(ss, s, t, t->record))
            return span_of(NULL, 0);
        c->data = span_skip(c->data, t->used);
        return c->data;
    }
    while (s->conn && !s->closing) {
        uint32_t len = next_record(s, &bad);

        if (len && open_record(ss, s, t, len))
            return c->data;
        if (!len)
            break;
    }
    if (bad && s->conn) {
        t->stream.alert = TLS_ALERT_RECORD_OVERFLOW;
        on_bad(ss, s, t);
    }
    return span_of(NULL, 0);
}

void session_tls_consume(struct sessions *ss, struct session *s, uint32_t n)
{
    struct session_crypto *c = ss->crypto;
    struct session_tls *t = session_tls_of(s);

    c->data = span_skip(c->data, n);
    t->used += n;
    if (c->data.len)
        return;
    c->reader = NULL;
    tls_stream_taken(&t->stream);
    consume_sealed(ss, s, t->record);
    t->record = t->used = 0;
}

bool session_tls_unread(const struct sessions *ss, const struct session *s)
{
    const struct session_tls *t = session_tls_of(s);
    bool bad;

    (void)ss;
    return t->step == SESSION_TLS_OPEN && (t->record || next_record(s, &bad) || bad);
}

/* ---- records to the peer ---- */

bool session_tls_write(struct sessions *ss, struct session *s, struct span bytes)
{
    struct session_crypto *c = ss->crypto;
    struct session_tls *t = session_tls_of(s);
    struct tls_stream before;
    size_t len;

    if (t->step != SESSION_TLS_OPEN || t->stream.ended)
        return true;
    before = t->stream;
    len = tls_stream_seal(&t->stream, c->tls, bytes, c->sealed);
    if (len && sendq_copy(tcp_sendq(s->conn), ss->options.pool, span_of(c->sealed, len)))
        return true;
    t->stream = before;
    return false;
}

struct writer session_tls_room(struct sessions *ss)
{
    return writer_of(ss->crypto->room, TLS_PLAIN_MAX);
}

void session_tls_close(struct sessions *ss, struct session *s)
{
    struct session_crypto *c = ss->crypto;
    struct session_tls *t = session_tls_of(s);
    size_t len;

    if (t->step != SESSION_TLS_OPEN)
        return;
    len = tls_stream_end(&t->stream, c->tls, c->sealed);
    if (sendq_copy(tcp_sendq(s->conn), ss->options.pool, span_of(c->sealed, len)))
        tcp_send(ss->options.tcp, s->conn);
}
