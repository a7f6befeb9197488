/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_json.h"

#include <stdlib.h>
#include <time.h>

#include "control/record/record_parts.h"
#include "proto/base/peer_text.h"
#include "proto/mime/mime_reader.h"
#include "proto/spf/spf_check.h"
#include "rules/rule.h"

enum { TIME_TEXT = 64 };

/* A record with what may be told of it, and where. */
struct telling {
    struct json_line *line;
    const struct record *record;
    const struct record_privacy *privacy;
};

/* A text of our own. */
static void put_text(struct telling *t, const char *key, struct record_text text)
{
    json_line_peer(t->line, key, record_text_span(t->record, text));
}

static void put_field(struct telling *t, const char *key, enum record_field field,
                      struct record_text text)
{
    record_privacy_put(t->line, key, t->privacy, field, record_text_span(t->record, text));
}

void record_json_put_id(struct json_line *line, const char *key, const struct id128 *id)
{
    char text[ID128_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    id128_put(&w, id);
    json_line_peer(line, key, writer_span(&w));
}

/* RFC 3339, in UTC. False: it has no such time. */
static bool time_text(struct writer *w, uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm day;

    if (!gmtime_r(&seconds, &day) || day.tm_year + 1900 > 9999)
        return false;
    writer_digits(w, (uint64_t)day.tm_year + 1900, 4);
    writer_byte(w, '-');
    writer_digits(w, (uint64_t)day.tm_mon + 1, 2);
    writer_byte(w, '-');
    writer_digits(w, (uint64_t)day.tm_mday, 2);
    writer_byte(w, 'T');
    writer_digits(w, (uint64_t)day.tm_hour, 2);
    writer_byte(w, ':');
    writer_digits(w, (uint64_t)day.tm_min, 2);
    writer_byte(w, ':');
    writer_digits(w, (uint64_t)day.tm_sec, 2);
    writer_byte(w, '.');
    writer_digits(w, ms % 1000, 3);
    writer_byte(w, 'Z');
    return true;
}

void record_json_put_time(struct json_line *line, const char *key, uint64_t ms)
{
    char text[TIME_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    if (time_text(&w, ms))
        json_line_peer(line, key, writer_span(&w));
    else
        json_line_null(line, key);
}

void record_json_put_end(struct json_line *line, const char *key, const struct ip_address *address,
                         uint16_t port)
{
    char text[IP_ADDRESS_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, address);
    json_line_open(line, key, '{');
    json_line_peer(line, "address", writer_span(&w));
    json_line_number(line, "port", port);
    json_line_close(line, '}');
}

static void put_client(struct telling *t, const struct record_peer *peer)
{
    char text[IP_ADDRESS_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, &peer->client);
    json_line_open(t->line, "client", '{');
    record_privacy_put(t->line, "address", t->privacy, RECORD_FIELD_client, writer_span(&w));
    json_line_number(t->line, "port", peer->client_port);
    json_line_close(t->line, '}');
}

/* The two ends, and the proxy that stood between, or null. */
static void put_peer(struct telling *t, const struct record_peer *peer)
{
    put_client(t, peer);
    record_json_put_end(t->line, "server", &peer->server, peer->server_port);
    if (peer->relayed)
        record_json_put_end(t->line, "via", &peer->via, peer->via_port);
    else
        json_line_null(t->line, "via");
}

static uint32_t recipients_told(const struct record_message *m)
{
    return m->recipient_count < MESSAGE_DELIVERIES ? m->recipient_count : MESSAGE_DELIVERIES;
}

static void put_rcpt_to(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    json_line_open(t->line, "rcpt_to", '[');
    for (uint32_t i = 0; i < recipients_told(m); i++)
        if (m->recipients[i].code < 300)
            put_field(t, NULL, RECORD_FIELD_rcpt_to, m->recipients[i].address);
    json_line_close(t->line, ']');
}

static const char *action_text(uint8_t action)
{
    return action < RULE_ACTIONS ? rule_action_name((enum rule_action)action) : "unknown";
}

static void put_recipient(struct telling *t, const struct record_recipient *recipient)
{
    const struct record_message *m = &t->record->message;
    bool accepted = recipient->code >= 200 && recipient->code < 300 && recipient->data_code < 400;

    json_line_open(t->line, NULL, '{');
    put_field(t, "address", RECORD_FIELD_recipient, recipient->address);
    json_line_number(t->line, "code", recipient->code);
    if (recipient->data_code)
        json_line_number(t->line, "data_code", recipient->data_code);
    else
        json_line_null(t->line, "data_code");
    json_line_text(t->line, "verdict", action_text(recipient->verdict));
    put_text(t, "rule", recipient->rule);
    if (accepted && m->role == RECORD_SERVE)
        json_line_text(t->line, "place",
                       recipient->place == MESSAGE_QUARANTINE  ? "quarantine"
                       : recipient->place == RECORD_PLACE_JUNK ? "junk"
                                                               : "inbox");
    else
        json_line_null(t->line, "place");
    json_line_close(t->line, '}');
}

static void put_recipients(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    json_line_open(t->line, "recipients", '[');
    for (uint32_t i = 0; i < recipients_told(m); i++)
        put_recipient(t, &m->recipients[i]);
    json_line_close(t->line, ']');
}

static void put_rules(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    json_line_open(t->line, "rules", '[');
    for (uint32_t i = 0; i < m->rule_count && i < RECORD_RULES; i++)
        put_text(t, NULL, m->rules[i]);
    json_line_close(t->line, ']');
}

static void put_anomalies(struct telling *t, uint64_t anomalies)
{
    json_line_open(t->line, "anomalies", '[');
    for (int i = 0; i < MIME_ANOMALIES; i++)
        if (anomalies >> i & 1)
            json_line_text(t->line, NULL, mime_anomaly_name((enum mime_anomaly)i));
    json_line_close(t->line, ']');
}

static void put_cycles(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    json_line_open(t->line, "cycles", '{');
    json_line_number(t->line, "total", m->cycles_total);
    json_line_bool(t->line, "apportioned", m->cycles_apportioned);
    json_line_open(t->line, "stages", '{');
    for (int i = 0; i < STAGES; i++)
        json_line_number(t->line, stage_name((enum stage)i), m->cycles[i]);
    json_line_close(t->line, '}');
    json_line_close(t->line, '}');
}

static void put_header(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    put_field(t, "subject", RECORD_FIELD_subject, m->subject);
    put_field(t, "from", RECORD_FIELD_from, m->from);
    put_field(t, "message_id", RECORD_FIELD_message_id, m->message_id);
#define RECORD_HEAD(name, FIELD)                                                                   \
    put_field(t, #name, RECORD_FIELD_##name, m->heads[RECORD_HEAD_##name]);
#include "dataplane/handoff/record_head.def"
#undef RECORD_HEAD
    json_line_open(t->line, "received", '[');
    for (int i = 0; i < RECORD_RECEIVED && m->received[i].len; i++)
        put_field(t, NULL, RECORD_FIELD_received, m->received[i]);
    json_line_close(t->line, ']');
}

/* A function of the bytes on the wire, and of the rules, alone. */
static void put_message_facts(struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    json_line_open(t->line, "message", '{');
    put_field(t, "helo", RECORD_FIELD_message_helo, m->helo);
    json_line_bool(t->line, "esmtp", m->esmtp);
    json_line_bool(t->line, "smtputf8", m->smtputf8);
    put_field(t, "mail_from", RECORD_FIELD_mail_from, m->sender);
    put_rcpt_to(t);
    json_line_number(t->line, "size", m->size);
    put_header(t);
    record_parts_put(t->line, "parts", record_text_span(r, m->tree),
                     record_text_span(r, m->digests), t->privacy);
    put_rules(t);
    put_anomalies(t, m->anomalies);
    json_line_close(t->line, '}');
}

static void put_spf(struct telling *t)
{
    const struct record_message *m = &t->record->message;

    if (!m->spf) {
        json_line_null(t->line, "spf");
        return;
    }
    json_line_open(t->line, "spf", '{');
    json_line_text(t->line, "result", spf_result_word((enum spf_result)m->spf_result));
    json_line_text(t->line, "identity", m->spf_helo ? "helo" : "mailfrom");
    json_line_close(t->line, '}');
}

/* Of IMAP, in tap alone. */
static void put_imap(struct telling *t)
{
    const struct record_imap *i = &t->record->message.imap;

    if (i->direction == RECORD_NOT_IMAP)
        return;
    json_line_open(t->line, "imap", '{');
    json_line_text(t->line, "direction", i->direction == RECORD_APPENDED ? "appended" : "fetched");
    json_line_bool(t->line, "whole", i->whole);
    put_field(t, "user", RECORD_FIELD_imap_user, i->user);
    put_field(t, "mailbox", RECORD_FIELD_imap_mailbox, i->mailbox);
    json_line_number(t->line, "uidvalidity", i->uidvalidity);
    json_line_number(t->line, "uid", i->uid);
    json_line_number(t->line, "number", i->number);
    json_line_close(t->line, '}');
}

static void put_message_context(struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    json_line_open(t->line, "context", '{');
    json_line_text(t->line, "role", m->role == RECORD_TAP ? "tap" : "serve");
    json_line_number(t->line, "worker", r->worker);
    record_json_put_id(t->line, "connection", &m->connection);
    put_peer(t, &m->peer);
    put_field(t, "client_name", RECORD_FIELD_client_name, m->client_name);
    put_field(t, "login", RECORD_FIELD_login, m->login);
    put_spf(t);
    record_json_put_time(t->line, "began", m->began_ms);
    record_json_put_time(t->line, "ended", m->ended_ms);
    json_line_number(t->line, "end_of_data_us", m->end_of_data_us);
    json_line_number(t->line, "commit_us", m->commit_us);
    put_cycles(t);
    put_imap(t);
    json_line_close(t->line, '}');
}

static void put_message_result(struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    json_line_open(t->line, "result", '{');
    json_line_number(t->line, "code", m->code);
    put_text(t, "reply", m->reply);
    json_line_text(t->line, "verdict", action_text(m->verdict));
    put_text(t, "rule", m->rule);
    json_line_number(t->line, "rule_count", m->rule_count);
    json_line_thousandths(t->line, "score", m->score);
    put_recipients(t);
    json_line_bool(t->line, "cut", r->cut);
    json_line_close(t->line, '}');
}

/* What every record begins with. */
static void put_head(struct telling *t, const char *kind, unsigned version, const char *schema,
                     const struct id128 *id)
{
    json_line_text(t->line, "kind", kind);
    json_line_number(t->line, "version", version);
    json_line_text(t->line, "schema", schema);
    record_json_put_id(t->line, "id", id);
}

static void put_message(struct telling *t)
{
    put_head(t, "message", RECORD_MESSAGE_VERSION, RECORD_SCHEMA_message, &t->record->message.id);
    put_message_facts(t);
    put_message_context(t);
    put_message_result(t);
}

static void put_tls(struct telling *t)
{
    static const char *const clients[] = {"none", "unproven", "verified"};
    const struct record_connection *c = &t->record->connection;

    if (c->tls_suite.len == 0) {
        json_line_null(t->line, "tls");
        return;
    }
    json_line_open(t->line, "tls", '{');
    put_text(t, "version", c->tls_version);
    put_text(t, "suite", c->tls_suite);
    put_field(t, "name", RECORD_FIELD_tls_name, c->tls_name);
    json_line_bool(t->line, "resumed", c->tls_resumed);
    json_line_text(t->line, "client_certificate", clients[c->tls_client]);
    json_line_close(t->line, '}');
}

static void put_connection_facts(struct telling *t)
{
    const struct record_connection *c = &t->record->connection;

    json_line_open(t->line, "connection", '{');
    put_text(t, "protocol", c->protocol);
    put_field(t, "helo", RECORD_FIELD_connection_helo, c->helo);
    put_field(t, "user", RECORD_FIELD_user, c->user);
    put_field(t, "user_refused", RECORD_FIELD_user_refused, c->user_refused);
    json_line_number(t->line, "commands", c->commands);
    json_line_number(t->line, "bytes_in", c->bytes_in);
    json_line_number(t->line, "bytes_out", c->bytes_out);
    put_tls(t);
    json_line_close(t->line, '}');
}

static void put_connection(struct telling *t)
{
    const struct record *r = t->record;
    const struct record_connection *c = &r->connection;

    put_head(t, "connection", RECORD_JSON_VERSION, RECORD_SCHEMA_connection, &c->id);
    put_connection_facts(t);
    json_line_open(t->line, "context", '{');
    json_line_text(t->line, "role", "serve");
    json_line_number(t->line, "worker", r->worker);
    put_peer(t, &c->peer);
    record_json_put_time(t->line, "began", c->began_ms);
    record_json_put_time(t->line, "ended", c->ended_ms);
    json_line_close(t->line, '}');
    json_line_open(t->line, "result", '{');
    put_text(t, "reason", c->reason);
    json_line_number(t->line, "messages", c->messages);
    json_line_number(t->line, "refusals", c->refusals);
    json_line_number(t->line, "logins_refused", c->logins_refused);
    put_text(t, "last_refusal", c->last_refusal);
    json_line_bool(t->line, "early", c->early);
    json_line_bool(t->line, "cut", r->cut);
    json_line_close(t->line, '}');
}

void record_json_put(struct json_line *line, const struct record *record,
                     const struct record_privacy *privacy)
{
    struct telling t = {line, record, privacy};

    json_line_open(line, NULL, '{');
    if (record->kind == RECORD_MESSAGE)
        put_message(&t);
    else
        put_connection(&t);
    json_line_close(line, '}');
}

json_t *record_json(const struct record *record, const struct record_privacy *privacy)
{
    struct json_line line = {0};
    json_t *json;

    record_json_put(&line, record, privacy);
    json = json_line_load(&line);
    json_line_fini(&line);
    return json;
}

json_t *record_json_time(uint64_t ms)
{
    char text[TIME_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    return time_text(&w, ms) ? json_stringn(text, w.len) : json_null();
}

json_t *record_json_id(const struct id128 *id)
{
    char text[ID128_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    id128_put(&w, id);
    return json_stringn(text, w.len);
}

json_t *record_json_text(struct span bytes)
{
    /* No byte becomes more than one: the text is never longer than the bytes are. */
    size_t cap = bytes.len + 1;
    char *text = malloc(cap);
    struct writer w = writer_of(text, cap);
    json_t *json = NULL;

    if (text) {
        peer_text(&w, bytes, bytes.len, PEER_TEXT_UTF8);
        json = json_stringn(text, w.len);
    }
    free(text);
    return json;
}

char *record_json_dump(json_t *json, size_t *len_out)
{
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (!line)
        return NULL;
    /* In place of the NUL: a line is written, not printed. */
    *len_out = strlen(line) + 1;
    line[*len_out - 1] = '\n';
    return line;
}
