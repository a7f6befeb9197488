/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_tls.h"

void session_log(struct sessions *ss, enum log_message message, const struct ip_address *client)
{
    worker_log_put(handoff_log(ss->options.port), message, ss->time.now, client);
}

static const char *const protocols[] = {[LISTENER_SMTP] = "smtp",
                                        [LISTENER_POP3] = "pop3",
                                        [LISTENER_SUBMISSION] = "submission",
                                        [LISTENER_IMAP] = "imap"};

static void put_tls(struct record *r, const struct session *s)
{
    const struct session_tls *t = session_tls_of(s);
    struct record_connection *c = &r->connection;

    c->tls_version = record_put(r, session_tls_version(s), 8);
    c->tls_suite = record_put(r, session_tls_suite(s), 64);
    if (!t)
        return;
    c->tls_name = record_put(r, span_of(t->name, t->name_len), TLS_NAME_MAX);
    c->tls_resumed = t->resumed;
    c->tls_client = t->client;
    if (t->why)
        c->reason = record_put(r, span_text(t->why), 64);
}

void session_record(struct sessions *ss, struct session *s, const char *reason)
{
    struct record *r = record_take(ss->options.port);
    struct record_connection *c;

    if (!r) {
        ss->counters->records_dropped++;
        return;
    }
    record_reset(r, RECORD_CONNECTION);
    c = &r->connection;
    c->id = s->id;
    c->began_ms = s->began_ms;
    c->ended_ms = ss->time.wall_ms;
    session_peer(s, &c->peer);
    *(session_is_smtp(s) ? &c->helo
      : s->known         ? &c->user
                         : &c->user_refused) = record_put(r, session_name(s), SESSION_NAME_MAX);
    c->reason = record_put(r, span_text(reason), 64);
    c->protocol = record_put(r, span_text(protocols[s->protocol]), 16);
    c->bytes_in = s->bytes_in;
    c->bytes_out = s->bytes_out;
    c->commands = s->commands;
    c->messages = s->messages;
    c->refusals = s->refusals;
    c->logins_refused = s->protocol == LISTENER_POP3   ? s->pop3_server.logins
                        : s->protocol == LISTENER_IMAP ? s->imap.logins
                                                       : 0;
    c->last_refusal = record_put(r, span_text(session_protocol(s)->refusal(s)), 64);
    c->early = s->early;
    put_tls(r, s);
    record_give(ss->options.port, r, true);
}
