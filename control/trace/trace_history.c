/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/trace/trace_history.h"

#include <stdarg.h>
#include <stdlib.h>

#include "control/record/record_json.h"

enum { DETAIL_MAX = 1024 };

/* The detail is made safe: it holds texts of records, which may come from anywhere. */
__attribute__((format(printf, 5, 6))) static void
add(json_t *rows, json_t *time, const char *source, const char *event, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    json_array_append_new(
        rows, json_pack("{s:o, s:s, s:s, s:o}", "time",
                        json_is_string(time) ? json_incref(time) : json_string("-"), "source",
                        source, "event", event, "detail", record_json_text(span_text(detail))));
}

static json_t *at(const json_t *object, const char *a, const char *b)
{
    return json_object_get(json_object_get(object, a), b);
}

static const char *text(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "-";
}

static long long number(const json_t *value)
{
    return json_is_integer(value) ? (long long)json_integer_value(value) : 0;
}

static void add_message(json_t *rows, const json_t *r)
{
    const json_t *recipients = at(r, "result", "recipients");
    const json_t *client = at(r, "context", "client");
    json_t *began = at(r, "context", "began");

    add(rows, began, "record", "MAIL", "from <%s> by %s, %s, connection %s",
        text(at(r, "message", "mail_from")), text(json_object_get(client, "address")),
        text(at(r, "message", "helo")), text(at(r, "context", "connection")));
    for (size_t i = 0; i < json_array_size(recipients); i++) {
        const json_t *one = json_array_get(recipients, i);

        add(rows, began, "record", "RCPT", "<%s> %lld, verdict %s, rule %s, place %s",
            text(json_object_get(one, "address")), number(json_object_get(one, "code")),
            text(json_object_get(one, "verdict")), text(json_object_get(one, "rule")),
            text(json_object_get(one, "place")));
    }
    add(rows, at(r, "context", "ended"), "record", "reply",
        "%s; verdict %s, rule %s; %lld octets, %lld us after the final dot, %lld us of them the "
        "store",
        text(at(r, "result", "reply")), text(at(r, "result", "verdict")),
        text(at(r, "result", "rule")), number(at(r, "message", "size")),
        number(at(r, "context", "end_of_data_us")), number(at(r, "context", "commit_us")));
}

static void add_connection(json_t *rows, const json_t *r)
{
    const json_t *client = at(r, "context", "client");

    add(rows, at(r, "context", "began"), "record", "connection", "%s from %s, connection %s",
        text(at(r, "connection", "protocol")), text(json_object_get(client, "address")),
        text(json_object_get(r, "id")));
    add(rows, at(r, "context", "ended"), "record", "end of connection",
        "%s; %lld messages, %lld refusals", text(at(r, "result", "reason")),
        number(at(r, "result", "messages")), number(at(r, "result", "refusals")));
}

void trace_history_record(json_t *rows, const json_t *r)
{
    const char *kind = text(json_object_get(r, "kind"));

    if (strcmp(kind, "message") == 0)
        add_message(rows, r);
    else if (strcmp(kind, "connection") == 0)
        add_connection(rows, r);
    /* The audit log itself is looked at. */
    else if (strcmp(kind, "audit") != 0)
        add(rows, json_object_get(r, "time"), "record", kind, "%s",
            text(json_object_get(r, "event")));
}

/* ---- the store ---- */

struct walk {
    json_t *rows;
    bool found;
};

static void add_at(json_t *rows, uint64_t ms, const char *source, const char *event,
                   const char *detail)
{
    json_t *time = record_json_time(ms);

    add(rows, time, source, event, "%s", detail);
    json_decref(time);
}

static bool note_place(void *context, const struct store_entry *e)
{
    struct walk *w = context;
    char detail[256];

    w->found = true;
    snprintf(detail, sizeof(detail), "%s of account %llu, UID %u, %llu octets, flags %u",
             e->place == MESSAGE_QUARANTINE ? "quarantine"
             : e->place == STORE_FOLDER     ? "folder"
                                            : "inbox",
             (unsigned long long)e->account, e->uid, (unsigned long long)e->size, e->flags);
    add_at(w->rows, e->saved_ms, "store", "place", detail);
    return true;
}

static bool note_message(void *context, const struct store_message *m)
{
    struct walk *w = context;
    char detail[256];

    w->found = true;
    snprintf(detail, sizeof(detail), "body of %llu octets, %u deliveries",
             (unsigned long long)m->size, m->deliveries);
    add_at(w->rows, m->received_ms, "store", "kept", detail);
    return false;
}

bool trace_history_store(json_t *rows, struct store *store, const struct id128 *id)
{
    struct walk w = {.rows = rows};

    store_message_show(store, id, note_message, &w);
    store_places(store, id, note_place, &w);
    return w.found;
}

void trace_history_audit(json_t *rows, const struct store_audit *row)
{
    char detail[DETAIL_MAX];

    snprintf(detail, sizeof(detail), "number %llu, account %llu, by %.*s: %.*s",
             (unsigned long long)row->sequence, (unsigned long long)row->account,
             (int)row->for_.who.len, (const char *)row->for_.who.data, (int)row->for_.why.len,
             (const char *)row->for_.why.data);
    add_at(rows, row->when_ms, "audit", store_audit_action_name(row->action), detail);
}

/* Rows of the same time stay as they were put: their places decide. */
struct sorting {
    const char *time;
    size_t place;
};

static int by_time(const void *a, const void *b)
{
    const struct sorting *x = a, *y = b;
    int order = strcmp(x->time, y->time);

    return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

json_t *trace_history_sorted(json_t *rows)
{
    size_t n = json_array_size(rows);
    struct sorting *order = calloc(n + 1, sizeof(*order));
    json_t *sorted = order ? json_array() : NULL;

    for (size_t i = 0; sorted && i < n; i++)
        order[i] = (struct sorting){.time = text(json_object_get(json_array_get(rows, i), "time")),
                                    .place = i};
    if (sorted)
        qsort(order, n, sizeof(*order), by_time);
    for (size_t i = 0; sorted && i < n; i++)
        json_array_append(sorted, json_array_get(rows, order[i].place));
    free(order);
    json_decref(rows);
    return sorted;
}
