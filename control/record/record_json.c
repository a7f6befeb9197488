/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_json.h"

#include <stdlib.h>
#include <time.h>

#include "control/record/record_parts.h"
#include "proto/mime/mime_reader.h"
#include "rules/rule.h"

/* A list that grows by new references; false: no memory. A NULL item is one that could not be made.
 */
static bool append(json_t *list, json_t *item)
{
    return json_array_append_new(list, item) == 0;
}

/* A record with what may be told of it. */
struct telling {
    const struct record *record;
    const struct record_privacy *privacy;
};

/* A text of our own. */
static json_t *text_of(const struct record *r, struct record_text text)
{
    return record_json_text(record_text_span(r, text));
}

static json_t *field_of(const struct telling *t, enum record_field field, struct record_text text)
{
    return record_privacy_text(t->privacy, field, record_text_span(t->record, text));
}

static json_t *id_json(const struct id128 *id)
{
    char text[ID128_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    id128_put(&w, id);
    return json_stringn(text, w.len);
}

json_t *record_json_time(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[64];
    struct writer w = writer_of(text, sizeof(text));
    struct tm day;

    if (!gmtime_r(&seconds, &day) || day.tm_year + 1900 > 9999)
        return json_null();
    writer_printf(&w, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", day.tm_year + 1900, day.tm_mon + 1,
                  day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec, (unsigned)(ms % 1000));
    return json_stringn(text, w.len);
}

static json_t *server_json(const struct record_peer *peer)
{
    char text[IP_ADDRESS_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, &peer->server);
    return json_pack("{s:s%, s:i}", "address", text, w.len, "port", (int)peer->server_port);
}

static json_t *client_json(const struct telling *t, const struct record_peer *peer)
{
    char text[IP_ADDRESS_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    ip_address_put(&w, &peer->client);
    return json_pack("{s:o, s:i}", "address",
                     record_privacy_text(t->privacy, RECORD_FIELD_client, writer_span(&w)), "port",
                     (int)peer->client_port);
}

static json_t *recipients_to(const struct telling *t)
{
    const struct record *r = t->record;
    json_t *list = json_array();
    bool ok = list != NULL;

    for (uint32_t i = 0; ok && i < r->message.recipient_count && i < MESSAGE_DELIVERIES; i++)
        ok = append(list, field_of(t, RECORD_FIELD_rcpt_to, r->message.recipients[i].address));
    return ok ? list : (json_decref(list), NULL);
}

static const char *action_text(uint8_t action)
{
    return action < RULE_ACTIONS ? rule_action_name((enum rule_action)action) : "unknown";
}

static json_t *recipient_json(const struct telling *t, const struct record_recipient *recipient)
{
    bool accepted = recipient->code >= 200 && recipient->code < 300;
    json_t *place = !accepted                                ? json_null()
                    : recipient->place == MESSAGE_QUARANTINE ? json_string("quarantine")
                                                             : json_string("inbox");

    return json_pack("{s:o, s:i, s:s, s:o, s:o}", "address",
                     field_of(t, RECORD_FIELD_recipient, recipient->address), "code",
                     (int)recipient->code, "verdict", action_text(recipient->verdict), "rule",
                     text_of(t->record, recipient->rule), "place", place);
}

static json_t *recipients_json(const struct telling *t)
{
    const struct record *r = t->record;
    json_t *list = json_array();
    bool ok = list != NULL;

    for (uint32_t i = 0; ok && i < r->message.recipient_count && i < MESSAGE_DELIVERIES; i++)
        ok = append(list, recipient_json(t, &r->message.recipients[i]));
    return ok ? list : (json_decref(list), NULL);
}

static json_t *rules_json(const struct record *r)
{
    json_t *list = json_array();
    bool ok = list != NULL;

    for (uint32_t i = 0; ok && i < r->message.rule_count && i < RECORD_RULES; i++)
        ok = append(list, text_of(r, r->message.rules[i]));
    return ok ? list : (json_decref(list), NULL);
}

static json_t *anomalies_json(uint64_t anomalies)
{
    json_t *list = json_array();
    bool ok = list != NULL;

    for (int i = 0; ok && i < MIME_ANOMALIES; i++)
        if (anomalies >> i & 1)
            ok = append(list, json_string(mime_anomaly_name((enum mime_anomaly)i)));
    return ok ? list : (json_decref(list), NULL);
}

static json_t *cycles_json(const struct record_message *m)
{
    json_t *stages = json_object();
    bool ok = stages != NULL;

    for (int i = 0; ok && i < STAGES; i++)
        ok = json_object_set_new(stages, stage_name((enum stage)i),
                                 json_integer((json_int_t)m->cycles[i])) == 0;
    if (!ok) {
        json_decref(stages);
        return NULL;
    }
    return json_pack("{s:I, s:b, s:o}", "total", (json_int_t)m->cycles_total, "apportioned",
                     (int)m->cycles_apportioned, "stages", stages);
}

/* A function of the bytes on the wire, and of the rules, alone. */
static json_t *message_facts(const struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    return json_pack("{s:o, s:b, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "helo",
                     field_of(t, RECORD_FIELD_message_helo, m->helo), "esmtp", (int)m->esmtp,
                     "mail_from", field_of(t, RECORD_FIELD_mail_from, m->sender), "rcpt_to",
                     recipients_to(t), "size", (json_int_t)m->size, "subject",
                     field_of(t, RECORD_FIELD_subject, m->subject), "from",
                     field_of(t, RECORD_FIELD_from, m->from), "message_id",
                     field_of(t, RECORD_FIELD_message_id, m->message_id), "parts",
                     record_parts(record_text_span(r, m->tree), t->privacy), "rules", rules_json(r),
                     "anomalies", anomalies_json(m->anomalies));
}

static json_t *message_context(const struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "role", "serve",
                     "worker", (int)r->worker, "connection", id_json(&m->connection), "client",
                     client_json(t, &m->peer), "server", server_json(&m->peer), "began",
                     record_json_time(m->began_ms), "ended", record_json_time(m->ended_ms),
                     "end_of_data_us", (json_int_t)m->end_of_data_us, "commit_us",
                     (json_int_t)m->commit_us, "cycles", cycles_json(m));
}

static json_t *message_result(const struct telling *t)
{
    const struct record *r = t->record;
    const struct record_message *m = &r->message;

    return json_pack("{s:i, s:o, s:s, s:o, s:I, s:f, s:o, s:b}", "code", (int)m->code, "reply",
                     text_of(r, m->reply), "verdict", action_text(m->verdict), "rule",
                     text_of(r, m->rule), "rule_count", (json_int_t)m->rule_count, "score",
                     m->score / 1000.0, "recipients", recipients_json(t), "cut", (int)r->cut);
}

static json_t *message_json(const struct telling *t)
{
    return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "kind", "message", "version",
                     RECORD_JSON_VERSION, "schema", RECORD_SCHEMA_message, "id",
                     id_json(&t->record->message.id), "message", message_facts(t), "context",
                     message_context(t), "result", message_result(t));
}

static json_t *connection_facts(const struct telling *t)
{
    const struct record_connection *c = &t->record->connection;

    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "protocol",
                     text_of(t->record, c->protocol), "helo",
                     field_of(t, RECORD_FIELD_connection_helo, c->helo), "user",
                     field_of(t, RECORD_FIELD_user, c->user), "user_refused",
                     field_of(t, RECORD_FIELD_user_refused, c->user_refused), "commands",
                     (json_int_t)c->commands, "bytes_in", (json_int_t)c->bytes_in, "bytes_out",
                     (json_int_t)c->bytes_out);
}

static json_t *connection_json(const struct telling *t)
{
    const struct record *r = t->record;
    const struct record_connection *c = &r->connection;
    json_t *context =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "role", "serve", "worker", (int)r->worker,
                  "client", client_json(t, &c->peer), "server", server_json(&c->peer), "began",
                  record_json_time(c->began_ms), "ended", record_json_time(c->ended_ms));
    json_t *result =
        json_pack("{s:o, s:I, s:I, s:I, s:o, s:b, s:b}", "reason", text_of(r, c->reason),
                  "messages", (json_int_t)c->messages, "refusals", (json_int_t)c->refusals,
                  "logins_refused", (json_int_t)c->logins_refused, "last_refusal",
                  text_of(r, c->last_refusal), "early", (int)c->early, "cut", (int)r->cut);

    return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "kind", "connection", "version",
                     RECORD_JSON_VERSION, "schema", RECORD_SCHEMA_connection, "id", id_json(&c->id),
                     "connection", connection_facts(t), "context", context, "result", result);
}

json_t *record_json(const struct record *record, const struct record_privacy *privacy)
{
    struct telling t = {record, privacy};

    return record->kind == RECORD_MESSAGE ? message_json(&t) : connection_json(&t);
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

char *record_json_line(const struct record *record, const struct record_privacy *privacy,
                       size_t *len_out)
{
    return record_json_dump(record_json(record, privacy), len_out);
}
