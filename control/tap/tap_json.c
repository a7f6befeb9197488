/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_json.h"

#include <stdio.h>

#include "control/record/record_parts.h"
#include "control/tap/tap_json_tls.h"
#include "proto/mime/mime_reader.h"
#include "proto/mime/mime_tree.h"

enum { NS_A_MS = 1000000 };

/* What every event begins with. */
static void put_head(struct json_line *l, const char *kind, const struct tap_event *e)
{
    char text[64];
    struct writer w = writer_of(text, sizeof(text));

    writer_printf(&w, "%s/1.%d", kind,
                  e->kind == TAP_EVENT_ANOMALY || e->kind == TAP_EVENT_TLS ||
                      e->kind == TAP_EVENT_SESSION);
    json_line_reset(l);
    json_line_open(l, NULL, '{');
    json_line_text(l, "kind", kind);
    json_line_number(l, "version", 1);
    json_line_peer(l, "schema", writer_span(&w));
    record_json_put_time(l, "time", e->time_ns / NS_A_MS);
    json_line_number(l, "flow", e->flow->id);
    record_json_put_id(l, "connection", &e->flow->connection);
    record_json_put_end(l, "client", &e->flow->client, e->flow->client_port);
    record_json_put_end(l, "server", &e->flow->server, e->flow->server_port);
    json_line_text(l, "protocol", e->flow->protocol);
}

static void put_direction(struct json_line *l, const struct tap_event *e)
{
    if (e->direction)
        json_line_text(l, "direction", e->direction);
    else
        json_line_null(l, "direction");
}

/* The line, what may be secret of it only where asked for. */
static void put_line(struct tap_json *j, const struct tap_event *e)
{
    struct span text = e->text;
    bool hidden = !j->secrets && e->secret < text.len;

    json_line_peer(&j->line, "text", hidden ? span_head(text, e->secret) : text);
    json_line_bool(&j->line, "hidden", hidden);
}

static void put_side(struct json_line *l, const char *key, const struct tap_side *s)
{
    json_line_open(l, key, '{');
    json_line_bool(l, "seen", s->seen);
    json_line_number(l, "packets", s->packets);
    json_line_number(l, "bytes", s->bytes);
    json_line_number(l, "gaps", s->gaps);
    json_line_number(l, "gap_bytes", s->gap_bytes);
    json_line_close(l, '}');
}

static void put_flow(struct json_line *l, const struct tap_event *e)
{
    record_json_put_time(l, "began", e->flow->begin_ns / NS_A_MS);
    json_line_bool(l, "guessed", e->flow->guessed);
    json_line_peer(l, "end", e->name);
    put_side(l, "to_server", &e->side[0]);
    put_side(l, "to_client", &e->side[1]);
}

static void put_session(struct json_line *l, const struct tap_session_facts *s)
{
    json_line_peer(l, "greeting", s->greeting);
    json_line_peer(l, "name", s->helo);
    json_line_bool(l, "esmtp", s->esmtp);
    json_line_bool(l, "starttls", s->starttls);
    json_line_bool(l, "one_sided", s->one_sided);
    json_line_bool(l, "opened", s->opened);
    json_line_number(l, "commands", s->commands);
    json_line_number(l, "messages", s->messages);
    json_line_number(l, "logins", s->logins);
}

static void put_anomaly(struct tap_json *j, const struct tap_event *e)
{
    struct json_line *l = &j->line;

    json_line_peer(l, "name", e->name);
    json_line_peer(l, "what", e->text);
    put_direction(l, e);
    if (!e->len)
        return;
    json_line_number(l, "offset", e->offset);
    json_line_number(l, "length", e->len);
    if (j->secrets && e->other.len)
        json_line_peer(l, "other", e->other);
}

static void close_line(struct json_line *l)
{
    json_line_close(l, '}');
    json_line_end(l);
}

static const char *const kinds[] = {
    [TAP_EVENT_COMMAND] = "command", [TAP_EVENT_REPLY] = "reply",
    [TAP_EVENT_LOGIN] = "login",     [TAP_EVENT_TLS] = "tls",
    [TAP_EVENT_ANOMALY] = "anomaly", [TAP_EVENT_MESSAGE] = "message",
    [TAP_EVENT_SESSION] = "session", [TAP_EVENT_FLOW] = "flow",
};

bool tap_json_event(struct tap_json *j, const struct tap_event *e)
{
    struct json_line *l = &j->line;

    if (!j->commands && (e->kind == TAP_EVENT_COMMAND || e->kind == TAP_EVENT_REPLY))
        return false;
    put_head(l, kinds[e->kind], e);
    switch (e->kind) {
    case TAP_EVENT_REPLY:
        json_line_number(l, "code", e->code);
        __attribute__((fallthrough));
    case TAP_EVENT_COMMAND:
        json_line_peer(l, "name", e->name);
        put_line(j, e);
        break;
    case TAP_EVENT_LOGIN:
        json_line_peer(l, "mechanism", e->name);
        json_line_peer(l, "user", e->text);
        json_line_bool(l, "good", e->good);
        break;
    case TAP_EVENT_TLS:
        tap_json_tls_put(l, e);
        break;
    case TAP_EVENT_ANOMALY:
        put_anomaly(j, e);
        break;
    case TAP_EVENT_SESSION:
        put_session(l, &e->session);
        break;
    case TAP_EVENT_FLOW:
        put_flow(l, e);
        break;
    case TAP_EVENT_MESSAGE:
        return false;
    }
    close_line(l);
    return true;
}

void tap_json_message(struct tap_json *j, const struct record *record)
{
    json_line_reset(&j->line);
    record_json_put(&j->line, record, &record_privacy_default);
    json_line_end(&j->line);
}

static void put_type(struct json_line *l, struct span attribute)
{
    struct mime_tree_type type;
    uint8_t text[2 * MIME_TOKEN_MAX + 1];
    struct writer w = writer_of(text, sizeof(text));

    if (mime_tree_type_read(attribute, &type)) {
        writer_span_put(&w, type.type);
        writer_byte(&w, '/');
        writer_span_put(&w, type.subtype);
        for (size_t i = 0; i < w.len; i++)
            text[i] = ascii_lower(text[i]);
    }
    json_line_peer(l, "type", writer_span(&w));
}

static void put_part(struct json_line *l, const struct mime_tree_part *p, struct span sha256)
{
    char text[2 * PART_SHA256 + 1];

    for (size_t i = 0; i < sha256.len; i++)
        snprintf(text + 2 * i, 3, "%02x", sha256.data[i]);
    json_line_number(l, "part", p->index);
    json_line_peer(l, "name", p->attributes[MIME_TREE_FILENAME]);
    put_type(l, p->attributes[MIME_TREE_TYPE]);
    json_line_number(l, "size", p->decoded);
    if (sha256.len)
        json_line_peer(l, "sha256", span_of(text, 2 * sha256.len));
    else
        json_line_null(l, "sha256");
}

void tap_json_parts(struct tap_json *j, const struct tap_event *event, const struct record *record,
                    void (*put)(void *context, const struct json_line *line), void *context)
{
    const struct record_message *m = &record->message;
    struct span digests = record_text_span(record, m->digests);
    struct mime_tree_read read;
    struct mime_tree_part part;

    if (mime_tree_read_init(&read, record_text_span(record, m->tree)))
        while (mime_tree_read_next(&read, &part) == MIME_TREE_NEXT) {
            if (part.kind != MIME_LEAF)
                continue;
            put_head(&j->line, "part", event);
            record_json_put_id(&j->line, "message", &m->id);
            put_part(&j->line, &part, record_parts_digest(digests, part.index));
            close_line(&j->line);
            put(context, &j->line);
        }
    for (uint32_t i = 0; i < m->rule_count && i < RECORD_RULES; i++) {
        put_head(&j->line, "rule", event);
        record_json_put_id(&j->line, "message", &m->id);
        json_line_peer(&j->line, "rule", record_text_span(record, m->rules[i]));
        close_line(&j->line);
        put(context, &j->line);
    }
}

void tap_json_statistics(struct tap_json *j, const struct tap_json_when *when,
                         const struct tap_statistic *s, size_t count)
{
    struct json_line *l = &j->line;

    json_line_reset(l);
    json_line_open(l, NULL, '{');
    json_line_text(l, "kind", "statistics");
    json_line_number(l, "version", 1);
    json_line_text(l, "schema", "statistics/1.3");
    if (when) {
        record_json_put_time(l, "time", when->time_ms);
        json_line_bool(l, "last", when->last);
    }
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || strcmp(s[i - 1].group, s[i].group) != 0;

        if (first && i)
            json_line_close(l, '}');
        if (first)
            json_line_open(l, s[i].group, '{');
        json_line_number(l, s[i].name, s[i].value);
    }
    if (count)
        json_line_close(l, '}');
    close_line(l);
}
