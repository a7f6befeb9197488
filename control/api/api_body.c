/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_body.h"

#include <stdlib.h>

enum { WORDS_MORE = 8192, SCORE_MAX = 1000000 };

enum api_type { SIZE, FLAG, TEXT, OPTIONAL, SCORE, TEXTS, MEMBERS, FORWARDS, TIME };

static const struct field {
    uint8_t kind; /* enum api_body_kind */
    uint8_t type; /* enum api_type */
    const char *name, *otherwise;
} fields[] = {
#define API_FIELD(KIND, name_, TYPE, otherwise_) {API_BODY_##KIND, TYPE, name_, otherwise_},
#include "control/api/api_field.def"
#undef API_FIELD
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

bool api_body_shallow(struct span bytes, uint32_t most)
{
    bool text = false;
    uint32_t depth = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];

        if (text && c == '\\')
            i++;
        else if (c == '"')
            text = !text;
        else if (!text && (c == '{' || c == '['))
            depth++;
        else if (!text && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > most)
            return false;
    }
    return true;
}

/* ---- words ---- */

static struct span value_text(const json_t *value)
{
    return span_of(json_string_value(value), json_string_length(value));
}

/* An argument that begins at `start` of the text. */
static bool add(struct api_body *b, size_t start)
{
    if (b->text.full || b->request.count == CTL_ARGUMENTS_MAX)
        return false;
    b->request.arguments[b->request.count++] = span_of(b->text.data + start, b->text.len - start);
    return true;
}

static bool add_word(struct api_body *b, const char *name, struct span value)
{
    size_t start = b->text.len;

    if (name) {
        writer_text(&b->text, name);
        writer_byte(&b->text, '=');
    }
    writer_span_put(&b->text, value);
    return add(b, start);
}

static bool put_size(struct api_body *b, const char *name, const json_t *value)
{
    char digits[24];

    if (json_is_null(value))
        return add_word(b, name, span_text("default"));
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value));
    return add_word(b, name, span_text(json_integer_value(value) ? digits : "none"));
}

static bool put_score(struct api_body *b, const char *name, const json_t *value)
{
    double score = json_number_value(value);
    char digits[32];

    if (json_is_null(value))
        return add_word(b, name, span_text("off"));
    if (!json_is_number(value) || score > SCORE_MAX || score < -SCORE_MAX)
        return false;
    snprintf(digits, sizeof(digits), "%.3f", score);
    return add_word(b, name, span_text(digits));
}

/* A list, each item a word; an empty one is a word without a value. */
static bool put_texts(struct api_body *b, const char *name, const json_t *value)
{
    const json_t *item;
    bool ok = json_is_array(value) && json_array_size(value) <= DIRECTORY_ROW_NAMES;
    size_t i;

    if (ok && name && !json_array_size(value))
        return add_word(b, name, span_of(NULL, 0));
    json_array_foreach(value, i, item) ok = ok && json_is_string(item) &&
                                            json_string_length(item) > 0 &&
                                            add_word(b, name, value_text(item));
    return ok;
}

static bool put_value(struct api_body *b, const struct field *field, const json_t *value)
{
    switch ((enum api_type)field->type) {
    case SIZE:
        return put_size(b, field->name, value);
    case FLAG:
        return json_is_boolean(value) &&
               add_word(b, field->name, span_text(json_is_true(value) ? "on" : "off"));
    case OPTIONAL:
        if (json_is_null(value))
            return add_word(b, field->name, span_of(NULL, 0));
        return json_is_string(value) && add_word(b, field->name, value_text(value));
    case TEXT:
        return json_is_string(value) && add_word(b, field->name, value_text(value));
    case SCORE:
        return put_score(b, field->name, value);
    case TEXTS:
        return put_texts(b, field->name, value);
    case MEMBERS:
        return put_texts(b, NULL, value);
    case FORWARDS:
        return json_is_array(value) &&
               (!json_array_size(value) || put_texts(b, field->name, value));
    case TIME:
        return json_is_string(value) && add_word(b, NULL, value_text(value));
    }
    return false;
}

/* ---- bodies ---- */

static bool is_known(enum api_body_kind kind, const char *name)
{
    for (int i = 0; i < FIELDS; i++)
        if (fields[i].kind == kind && strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static bool all_known(enum api_body_kind kind, json_t *json, struct writer *why)
{
    const char *name;
    json_t *value;

    json_object_foreach(json, name, value)
    {
        if (is_known(kind, name))
            continue;
        writer_text(why, "this has no such field: ");
        writer_span_put(why, span_head(span_text(name), 60));
        return false;
    }
    return true;
}

static bool put_fields(struct api_body *b, enum api_body_kind kind, bool whole, struct writer *why)
{
    struct writer given = writer_of(b->fields, sizeof(b->fields) - 1);

    for (int i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(b->json, fields[i].name);

        if (fields[i].kind != kind)
            continue;
        if (value)
            writer_printf(&given, "%s%s", given.len ? ", " : "", fields[i].name);
        if (!value && whole && fields[i].otherwise) {
            if (!add(b, (writer_text(&b->text, fields[i].otherwise),
                         b->text.len - strlen(fields[i].otherwise))))
                return false;
        } else if (value && !put_value(b, &fields[i], value)) {
            writer_printf(why, "%s has a value that it cannot have", fields[i].name);
            return false;
        }
    }
    b->fields[given.len] = 0;
    return true;
}

/* What belongs together, and what must be there. */
static bool complete(struct api_body *b, enum api_body_kind kind, struct writer *why)
{
    const json_t *hash = json_object_get(b->json, "hash");
    const json_t *password = json_object_get(b->json, "password");

    b->secret = password != NULL;
    if (hash && password)
        writer_text(why, "password and hash: one or the other");
    else if (json_object_get(b->json, "scram_sha_256") && !hash)
        writer_text(why, "scram_sha_256 goes with hash");
    else if (kind == API_BODY_PASSWORD && !password)
        writer_text(why, "password is missing");
    else if (kind == API_BODY_ALIAS && !json_array_size(json_object_get(b->json, "members")) &&
             !json_array_size(json_object_get(b->json, "forward")))
        writer_text(why, "expected members or forward");
    return !why->len;
}

enum api_problem api_body_read(struct api_body *b, enum api_body_kind kind, struct span bytes,
                               bool whole, struct writer *why)
{
    uint8_t *text;

    *b = (struct api_body){.request = {.count = 1}};
    if (api_body_shallow(bytes, API_BODY_DEPTH))
        b->json = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(b->json)) {
        api_body_fini(b);
        return API_PROBLEM_BAD_JSON;
    }
    text = malloc(bytes.len + WORDS_MORE);
    b->text = writer_of(text, text ? bytes.len + WORDS_MORE : 0);
    if (text && all_known(kind, b->json, why) && complete(b, kind, why) &&
        put_fields(b, kind, whole, why))
        return API_FINE;
    api_body_fini(b);
    return text ? API_PROBLEM_BAD_VALUE : API_PROBLEM_INTERNAL;
}

void api_body_fini(struct api_body *b)
{
    if (b->text.data)
        explicit_bzero(b->text.data, b->text.len);
    free(b->text.data);
    json_decref(b->json);
    b->json = NULL;
    b->text = writer_of(NULL, 0);
}
