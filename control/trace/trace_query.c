/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/trace/trace_query.h"

#include <stdlib.h>

#include "control/record/record_json.h"

const char *trace_by_name(enum trace_by by)
{
    static const char *const names[] = {"id", "message_id", "address"};

    return names[by];
}

/* Takes the reference. */
static bool add(struct trace_query *q, json_t *text)
{
    char *escaped = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    size_t n = escaped ? strlen(escaped) : 0;

    if (n < 2 || q->count == TRACE_NEEDLES) {
        free(escaped);
        json_decref(text);
        return false;
    }
    /* Between the quotes. */
    memmove(escaped, escaped + 1, n - 2);
    escaped[n - 2] = 0;
    q->needles[q->count] = text;
    q->escaped[q->count++] = escaped;
    return true;
}

static bool add_hashes(struct trace_query *q, enum record_field field, struct span text,
                       const struct record_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (!add(q, record_privacy_hash(&keys->keys[i], field, text, false)) ||
            (field != RECORD_FIELD_message_id &&
             !add(q, record_privacy_hash(&keys->keys[i], field, text, true))))
            return false;
    return true;
}

static struct span inside_brackets(struct span text)
{
    if (text.len >= 2 && text.data[0] == '<' && text.data[text.len - 1] == '>')
        return span_of(text.data + 1, text.len - 2);
    return text;
}

bool trace_query_init(struct trace_query *q, struct span text, const struct record_keys *keys,
                      struct writer *why)
{
    bool bracketed = inside_brackets(text).len != text.len, ok;

    memset(q, 0, sizeof(*q));
    q->text = inside_brackets(text);
    q->by = bracketed                   ? TRACE_BY_MESSAGE_ID
            : id128_parse(text, &q->id) ? TRACE_BY_ID
            : span_find(text, '@') >= 0 ? TRACE_BY_ADDRESS
                                        : TRACE_BY_MESSAGE_ID;
    if (q->text.len == 0 || text.len > TRACE_QUERY_MAX) {
        writer_text(why, "expected an id, a Message-ID or an address");
        return false;
    }
    ok = add(q, record_json_text(q->text));
    if (q->by != TRACE_BY_ID)
        ok = ok && add_hashes(q, RECORD_FIELD_message_id, q->text, keys);
    if (q->by == TRACE_BY_ADDRESS)
        ok = ok && add_hashes(q, RECORD_FIELD_mail_from, q->text, keys);
    if (ok)
        return true;
    writer_text(why, "out of memory");
    trace_query_fini(q);
    return false;
}

void trace_query_fini(struct trace_query *q)
{
    for (uint32_t i = 0; i < q->count; i++) {
        json_decref(q->needles[i]);
        free(q->escaped[i]);
    }
    q->count = 0;
}

/* Letters of ASCII in any case. */
static bool contains_nocase(struct span line, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= line.len; i++) {
        size_t k = 0;

        while (k < n && ascii_lower(line.data[i + k]) == ascii_lower((uint8_t)text[k]))
            k++;
        if (k == n)
            return true;
    }
    return false;
}

bool trace_query_may(const struct trace_query *q, struct span line)
{
    if (contains_nocase(line, q->escaped[0]))
        return true;
    if (!memmem(line.data, line.len, "hash:", 5))
        return false;
    for (uint32_t i = 1; i < q->count; i++)
        if (memmem(line.data, line.len, q->escaped[i], strlen(q->escaped[i])))
            return true;
    return false;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

static bool says(const struct trace_query *q, const json_t *value, bool nocase)
{
    struct span text = text_of(value), first = text_of(q->needles[0]);

    if (!text.len)
        return false;
    if (nocase ? span_equal_nocase(text, first) : span_equal(text, first))
        return true;
    for (uint32_t i = 1; i < q->count; i++)
        if (span_equal(text, text_of(q->needles[i])))
            return true;
    return false;
}

/* A Message-ID as the header field has it: what stands in brackets, or all of it. */
static bool says_message_id(const struct trace_query *q, const json_t *value)
{
    struct span text = text_of(value);
    ptrdiff_t open = span_find(text, '<'), close;

    if (open >= 0) {
        text = span_skip(text, (size_t)open + 1);
        close = span_find(text, '>');
        if (close >= 0)
            text = span_head(text, (size_t)close);
        return span_equal(text, text_of(q->needles[0]));
    }
    return says(q, value, false);
}

static bool says_address(const struct trace_query *q, const json_t *record)
{
    const json_t *message = json_object_get(record, "message"),
                 *list = json_object_get(message, "rcpt_to");

    if (says(q, json_object_get(message, "mail_from"), true) ||
        says(q, json_object_get(json_object_get(record, "connection"), "user"), true) ||
        says(q, json_object_get(json_object_get(record, "audit"), "address"), true))
        return true;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (says(q, json_array_get(list, i), true))
            return true;
    return false;
}

bool trace_query_is(const struct trace_query *q, const json_t *record)
{
    const json_t *message = json_object_get(record, "message");

    if (q->by == TRACE_BY_ID)
        return says(q, json_object_get(record, "id"), true) ||
               says(q, json_object_get(json_object_get(record, "context"), "connection"), true);
    return says_message_id(q, json_object_get(message, "message_id")) ||
           (q->by == TRACE_BY_ADDRESS && says_address(q, record));
}
