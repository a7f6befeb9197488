/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_sink.h"

#include <stdlib.h>

#include "dataplane/blast/place_list.h"
#include "proto/smtp/smtp_server.h"

enum { SCRATCH = 4096 };

struct sink_session {
    struct tcp_conn *conn;
    struct chunk *line; /* lent to the machine while a line is split */
    uint64_t seen, size;
    struct place_link link; /* of those that are free, or by silence */
    uint32_t recipients;
    bool closing, eof;
    struct smtp_server smtp;
};

struct blast_sink {
    const struct blast_order *order;
    struct blast_shared *shared;
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct blast_tally *tally;
    struct sink_session *table;
    struct smtp_server_options smtp;
    uint64_t now;
    struct place_list free, silent; /* silent: the longest first */
    uint32_t count;
    struct writer scratch;
    uint8_t bytes[SCRATCH];
};

struct blast_sink *blast_sink_new(const struct blast_client_options *o)
{
    struct blast_sink *k = calloc(1, sizeof(*k));
    uint32_t share = blast_client_share(o->shared->order, o->index);

    if (!k)
        return NULL;
    *k = (struct blast_sink){.order = o->shared->order,
                             .shared = o->shared,
                             .tcp = o->tcp,
                             .pool = o->pool,
                             .tally = o->tally,
                             .smtp = {.hostname = o->shared->order->hostname,
                                      .command_line_max = SMTP_COMMAND_LINE_MAX,
                                      .messages_max = UINT32_MAX,
                                      .recipients_max = BLAST_RECIPIENTS,
                                      .errors_max = UINT16_MAX}};
    k->scratch = writer_of(k->bytes, SCRATCH);
    k->table = calloc(share ? share : 1, sizeof(*k->table));
    if (!k->table) {
        free(k);
        return NULL;
    }
    k->free = k->silent = place_list_of(&k->table->link, sizeof(*k->table));
    for (uint32_t i = 0; i < share; i++)
        place_list_append(&k->free, i);
    tcp_listen(k->tcp, k->order->port, 0);
    return k;
}

void blast_sink_free(struct blast_sink *k)
{
    if (!k)
        return;
    free(k->table);
    free(k);
}

/* ---- places ---- */

static uint32_t place_of(const struct blast_sink *k, const struct sink_session *s)
{
    return (uint32_t)(s - k->table);
}

static void let_go(struct blast_sink *k, struct sink_session *s)
{
    tcp_set_user(s->conn, NULL);
    tcp_forget(k->tcp, s->conn);
    if (s->line)
        chunk_give(k->pool, s->line);
    s->line = NULL;
    s->conn = NULL;
    place_list_remove(&k->silent, place_of(k, s));
    place_list_push(&k->free, place_of(k, s));
    k->count--;
}

static void fail(struct blast_sink *k, struct sink_session *s, uint64_t *count)
{
    ++*count;
    k->scratch.len = 0;
    k->scratch.full = false;
    tcp_abort(k->tcp, s->conn);
    let_go(k, s);
}

static bool flush(struct blast_sink *k, struct sink_session *s)
{
    struct span text = writer_span(&k->scratch);

    k->scratch.len = 0;
    k->scratch.full = false;
    if (!text.len)
        return true;
    if (!sendq_copy(tcp_sendq(s->conn), k->pool, text)) {
        fail(k, s, &k->tally->counts.memory_short);
        return false;
    }
    tcp_send(k->tcp, s->conn);
    return true;
}

/* ---- the conversation ---- */

static bool lend_line(struct blast_sink *k, struct sink_session *s)
{
    if (!s->line)
        s->line = chunk_take(k->pool, CHUNK_MEDIUM);
    if (!s->line) {
        fail(k, s, &k->tally->counts.memory_short);
        return false;
    }
    smtp_server_attach(&s->smtp, s->line->data);
    return true;
}

static void on_end(struct blast_sink *k, struct sink_session *s)
{
    struct blast_counts *counts = &k->tally->counts;

    counts->messages_accepted++;
    counts->bytes_accepted += s->size;
    counts->recipients_accepted += s->recipients;
    smtp_server_answer(&s->smtp, SMTP_REPLY_ACCEPTED, span_text("thrown away"));
}

static void on_close(struct blast_sink *k, struct sink_session *s)
{
    if (!flush(k, s))
        return;
    k->tally->counts.sessions_done++;
    s->closing = true;
    tcp_shutdown(k->tcp, s->conn);
    tcp_discard(k->tcp, s->conn);
}

/* False: the session is over, or has nothing more to do now. */
static bool act(struct blast_sink *k, struct sink_session *s, const struct smtp_action *a)
{
    switch (a->kind) {
    case SMTP_ACTION_MORE:
    case SMTP_ACTION_WAIT:
        return false;
    case SMTP_ACTION_BUFFER:
        return lend_line(k, s);
    case SMTP_ACTION_ROOM:
        return flush(k, s);
    case SMTP_ACTION_TEXT:
        s->size += a->bytes.len;
        return true;
    case SMTP_ACTION_MAIL:
        s->size = s->recipients = 0;
        return smtp_server_answer(&s->smtp, SMTP_REPLY_OK, span_of(NULL, 0));
    case SMTP_ACTION_RCPT:
        s->recipients++;
        return smtp_server_answer(&s->smtp, SMTP_REPLY_OK, span_of(NULL, 0));
    case SMTP_ACTION_END:
        on_end(k, s);
        return true;
    case SMTP_ACTION_CONNECT:
    case SMTP_ACTION_HELO:
    case SMTP_ACTION_DATA:
        return smtp_server_answer(&s->smtp, SMTP_REPLY_OK, span_of(NULL, 0));
    case SMTP_ACTION_CLOSE:
        on_close(k, s);
        return false;
    default:
        return true;
    }
}

static void run(struct blast_sink *k, struct sink_session *s)
{
    struct tcp_conn *conn = s->conn;

    do {
        struct span in = tcp_peek(conn);
        struct smtp_action a;
        size_t len = in.len;

        do
            smtp_server_next(&s->smtp, &in, &k->scratch, &a);
        while (act(k, s, &a));
        if (s->conn != conn || s->closing)
            return;
        if (len)
            tcp_consume(k->tcp, conn, (uint32_t)(len - in.len));
    } while (tcp_unread(conn));
    flush(k, s);
}

static struct sink_session *accept_connection(struct blast_sink *k, struct tcp_conn *conn)
{
    uint32_t at = place_list_take(&k->free);
    struct sink_session *s;

    if (at == PLACE_NONE) {
        k->tally->counts.starts_short++;
        tcp_abort(k->tcp, conn);
        tcp_forget(k->tcp, conn);
        return NULL;
    }
    s = &k->table[at];
    *s = (struct sink_session){.conn = conn, .seen = k->now};
    place_list_append(&k->silent, at);
    k->count++;
    k->tally->counts.sessions_started++;
    smtp_server_init(&s->smtp, &k->smtp);
    tcp_set_user(conn, s);
    return s;
}

static void take_events(struct blast_sink *k, struct tcp_conn *conn)
{
    struct sink_session *s = tcp_user(conn);
    uint32_t events = tcp_events(conn);

    if (!s && events & TCP_EVENT_ACCEPTED)
        s = accept_connection(k, conn);
    else if (!s && events & TCP_EVENT_CLOSED)
        tcp_forget(k->tcp, conn);
    if (!s)
        return;
    place_list_remove(&k->silent, place_of(k, s));
    place_list_append(&k->silent, place_of(k, s));
    s->seen = k->now;
    if (events & TCP_EVENT_CLOSED) {
        k->tally->counts.sessions_reset += !s->closing;
        let_go(k, s);
        return;
    }
    if (!s->closing)
        run(k, s);
    if (s->conn != conn || !(events & TCP_EVENT_EOF))
        return;
    k->tally->counts.sessions_closed += !s->closing;
    let_go(k, s);
}

uint32_t blast_sink_turn(void *sink, struct turn_time time)
{
    struct blast_sink *k = sink;
    struct tcp_conn *conn;
    uint32_t done = 0;

    k->now = time.now;
    while ((conn = tcp_ready(k->tcp)) != NULL) {
        take_events(k, conn);
        done++;
    }
    while (k->silent.first != PLACE_NONE &&
           k->now - k->table[k->silent.first].seen > k->order->timeout_us)
        fail(k, &k->table[k->silent.first], &k->tally->counts.sessions_silent);
    return done;
}

uint64_t blast_sink_next_timer(const void *sink)
{
    const struct blast_sink *k = sink;

    if (k->silent.first == PLACE_NONE)
        return UINT64_MAX;
    return k->table[k->silent.first].seen + k->order->timeout_us + 1;
}

uint32_t blast_sink_count(const void *sink)
{
    return ((const struct blast_sink *)sink)->count;
}
