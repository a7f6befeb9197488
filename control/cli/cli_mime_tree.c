/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_mime_tree.h"

#include "proto/charset/charset.h"
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_id.h"
#include "proto/mime/mime_word.h"

enum {
    PIECE = 8192,        /* bytes of a file that are read at a time */
    PARAMETER_MAX = 128, /* bytes of a parameter's name that is shown */
    TEXT_MAX = 65536, /* of a decoded value: three bytes for each of the longest field, and room */
};

/* A JSON string of bytes that somebody else wrote: what is no UTF-8 becomes U+FFFD. */
static json_t *text_of(struct span bytes)
{
    uint8_t text[TEXT_MAX];
    struct writer w = writer_of(text, sizeof(text));

    mime_charset_clean(bytes, &w);
    return json_stringn((const char *)text, w.len);
}

static json_t *lower_of(struct span bytes)
{
    char text[2 * MIME_TOKEN_MAX];
    size_t n = 0;

    for (; n < bytes.len && n < sizeof(text); n++)
        text[n] = (char)ascii_lower(bytes.data[n]);
    return text_of(span_of(text, n));
}

static void set_number(json_t *object, const char *key, uint64_t n)
{
    json_object_set_new(object, key, json_integer((json_int_t)n));
}

static void set_text(json_t *object, const char *key, struct span bytes)
{
    if (bytes.len)
        json_object_set_new(object, key, text_of(bytes));
}

bool cli_mime_tree_init(struct cli_mime_tree *t)
{
    memset(t, 0, sizeof(*t));
    t->parts = json_array();
    t->hash = EVP_MD_CTX_new();
    t->text = EVP_MD_CTX_new();
    t->file = EVP_MD_CTX_new();
    return t->parts && t->hash && t->text && t->file;
}

json_t *cli_mime_tree_finish(struct cli_mime_tree *t)
{
    EVP_MD_CTX_free(t->hash);
    EVP_MD_CTX_free(t->text);
    EVP_MD_CTX_free(t->file);
    return t->parts;
}

static size_t index_of(const json_t *parts, const json_t *part)
{
    size_t i = 0;

    while (i < json_array_size(parts) && json_array_get(parts, i) != part)
        i++;
    return i;
}

static void copy_hash(EVP_MD_CTX *to, const EVP_MD_CTX *from)
{
    if (EVP_MD_CTX_get0_md(from))
        EVP_MD_CTX_copy_ex(to, from);
}

bool cli_mime_tree_copy(struct cli_mime_tree *t, const struct cli_mime_tree *from)
{
    if (!cli_mime_tree_init(t))
        return false;
    json_decref(t->parts);
    t->parts = json_deep_copy(from->parts);
    t->depth = from->depth;
    for (size_t i = 0; i < t->depth; i++) {
        t->open[i] = from->open[i];
        t->open[i].part = json_array_get(t->parts, index_of(from->parts, from->open[i].part));
    }
    copy_hash(t->hash, from->hash);
    copy_hash(t->text, from->text);
    copy_hash(t->file, from->file);
    return t->parts != NULL;
}

static json_t *top(struct cli_mime_tree *t)
{
    return t->open[t->depth - 1].part;
}

/* A part's first event: gives it its path, that of the part around it and its own number. */
static void open_part(struct cli_mime_tree *t)
{
    json_t *part = json_object();

    if (t->depth == 0)
        json_object_set_new(part, "path", json_string("1"));
    else
        json_object_set_new(part, "path",
                            json_sprintf("%s.%u",
                                         json_string_value(json_object_get(top(t), "path")),
                                         ++t->open[t->depth - 1].children));
    json_object_set_new(part, "headers", json_array());
    json_object_set_new(part, "defects", json_array());
    json_array_append_new(t->parts, part);
    t->open[t->depth].part = part;
    t->open[t->depth++].children = 0;
}

/* Each parameter once, by its name without the marks of RFC 2231, the value decoded. */
static json_t *parameters_of(const struct mime_content_type *type)
{
    json_t *all = json_object();

    for (size_t i = 0; i < type->count; i++) {
        struct span written = type->parameters[i].name;
        ptrdiff_t mark = span_find(written, '*');
        char name[PARAMETER_MAX + 1];
        uint8_t text[TEXT_MAX], flags = 0;
        struct writer w = writer_of(text, sizeof(text));
        size_t len = mark > 0 ? (size_t)mark : written.len;

        if (len > PARAMETER_MAX)
            continue;
        for (size_t k = 0; k < len; k++)
            name[k] = (char)ascii_lower(written.data[k]);
        name[len] = 0;
        if (!json_object_get(all, name) &&
            mime_content_type_find(type, name, &charset_all, &w, &flags))
            json_object_set_new(all, name, json_stringn((const char *)text, w.len));
    }
    return all;
}

static void take_parameters(json_t *part, const char *key, struct span value)
{
    struct mime_content_type type;

    if (json_object_get(part, key))
        return;
    mime_content_type_parse(value, &type);
    json_object_set_new(part, key, parameters_of(&type));
}

/* The date of a Date field, or the one that ends a Received field (RFC 5322 section 3.6.7). */
static void take_date(json_t *field, struct span value, bool received)
{
    uint8_t text[MIME_DATE_TEXT];
    struct writer w = writer_of(text, sizeof(text));
    struct mime_date date;

    if (received) {
        size_t at = value.len;

        while (at > 0 && value.data[at - 1] != ';')
            at--;
        value = span_skip(value, at);
    }
    if (!mime_date_parse(value, &date))
        return;
    mime_date_put(&w, &date);
    json_object_set_new(field, "date", json_stringn((const char *)text, w.len));
}

static void take_ids(json_t *field, struct span value)
{
    json_t *ids = json_array();
    struct span id;

    while (mime_id_next(&value, json_array_size(ids) == 0, &id)) {
        uint8_t text[TEXT_MAX];
        struct writer w = writer_of(text, sizeof(text));

        mime_word_unfold(id, &w);
        json_array_append_new(ids, text_of(writer_span(&w)));
    }
    json_object_set_new(field, "ids", ids);
}

/* What a field says beyond its text. */
static void take_meaning(json_t *part, json_t *field, enum mime_field id, struct span value)
{
    switch (id) {
    case MIME_FIELD_CONTENT_TYPE:
        take_parameters(part, "parameters", value);
        break;
    case MIME_FIELD_CONTENT_DISPOSITION:
        take_parameters(part, "disposition_parameters", value);
        break;
    case MIME_FIELD_DATE:
    case MIME_FIELD_RECEIVED:
        take_date(field, value, id == MIME_FIELD_RECEIVED);
        break;
    case MIME_FIELD_MESSAGE_ID:
    case MIME_FIELD_IN_REPLY_TO:
    case MIME_FIELD_REFERENCES:
    case MIME_FIELD_CONTENT_ID:
        take_ids(field, value);
        break;
    default:
        break;
    }
}

static void take_field(json_t *part, const struct mime_event *e)
{
    json_t *field = json_object();
    uint8_t text[TEXT_MAX];
    struct writer w = writer_of(text, sizeof(text));

    mime_word_decode_apart(e->field.value, &charset_all, &w);
    json_object_set_new(field, "name", text_of(e->field.name));
    json_object_set_new(field, "value", json_stringn((const char *)text, w.len));
    json_object_set_new(field, "raw", text_of(e->field.value));
    set_number(field, "raw_size", e->field.value.len);
    set_number(field, "offset", e->offset);
    json_array_append_new(json_object_get(part, "headers"), field);
    take_meaning(part, field, e->field.id, e->field.value);
}

static void take_begin(struct cli_mime_tree *t, json_t *part, const struct mime_part *p)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};

    json_object_set_new(part, "kind", json_string(kinds[p->kind]));
    json_object_set_new(part, "message", json_boolean(p->message));
    json_object_set_new(part, "type", lower_of(p->type));
    json_object_set_new(part, "subtype", lower_of(p->subtype));
    set_text(part, "charset", p->charset);
    set_text(part, "disposition", p->disposition);
    set_text(part, "filename", p->filename);
    set_text(part, "name", p->name);
    json_object_set_new(part, "encoding",
                        json_string(mime_encoding_name((enum mime_encoding)p->encoding)));
    if (p->kind == MIME_LEAF)
        EVP_DigestInit_ex(t->hash, EVP_sha256(), NULL);
    EVP_MD_CTX_reset(t->text);
}

static void take_digest(EVP_MD_CTX *hash, json_t *part)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned len = 0;

    EVP_DigestFinal_ex(hash, digest, &len);
    for (unsigned i = 0; i < len; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    json_object_set_new(part, "sha256", json_string(hex));
}

static void take_end(struct cli_mime_tree *t, json_t *part, const struct mime_event *e)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));

    set_number(part, "header_offset", e->end.header_offset);
    set_number(part, "body_offset", e->end.body_offset);
    set_number(part, "body_size", e->end.body_len);
    set_number(part, "lines", e->end.lines);
    if (kind && strcmp(kind, "leaf") == 0) {
        set_number(part, "size", e->end.decoded);
        take_digest(t->hash, part);
    }
    if (EVP_MD_CTX_get0_md(t->text))
        take_digest(t->text, json_object_get(part, "text"));
    EVP_MD_CTX_reset(t->text);
    t->depth--;
}

static void add_size(json_t *object, size_t n)
{
    set_number(object, "size", (uint64_t)json_integer_value(json_object_get(object, "size")) + n);
}

/* The object under a key of a part; made when it is not there. */
static json_t *within(json_t *part, const char *key)
{
    if (!json_object_get(part, key))
        json_object_set_new(part, key, json_object());
    return json_object_get(part, key);
}

static json_t *list(json_t *part, const char *key)
{
    if (!json_object_get(part, key))
        json_object_set_new(part, key, json_array());
    return json_object_get(part, key);
}

static void take_text(struct cli_mime_tree *t, json_t *part, struct span data)
{
    if (!EVP_MD_CTX_get0_md(t->text))
        EVP_DigestInit_ex(t->text, EVP_sha256(), NULL);
    EVP_DigestUpdate(t->text, data.data, data.len);
    add_size(within(part, "text"), data.len);
}

/* A file within a leaf's bytes: uuencoded, or of a TNEF stream. */
static void take_file(struct cli_mime_tree *t, json_t *part, const struct mime_event *e)
{
    json_t *files = list(part, "files");
    json_t *file = json_array_get(files, json_array_size(files) - 1);

    if (e->kind == MIME_FILE_BEGIN) {
        json_array_append_new(files, json_pack("{s:o, s:i}", "name", text_of(e->data), "size", 0));
        EVP_DigestInit_ex(t->file, EVP_sha256(), NULL);
    } else if (e->kind == MIME_FILE_DATA) {
        EVP_DigestUpdate(t->file, e->data.data, e->data.len);
        add_size(file, e->data.len);
    } else {
        take_digest(t->file, file);
    }
}

/* What a part holds beside itself. */
static void take_beside(struct cli_mime_tree *t, json_t *part, const struct mime_event *e)
{
    switch (e->kind) {
    case MIME_NAME:
        json_array_append_new(list(part, "names"), text_of(e->data));
        break;
    case MIME_BESIDE:
        add_size(within(part, "beside"), e->data.len);
        break;
    case MIME_TEXT:
        take_text(t, part, e->data);
        break;
    case MIME_FILE_BEGIN:
    case MIME_FILE_DATA:
    case MIME_FILE_END:
        take_file(t, part, e);
        break;
    default:
        break;
    }
}

static void take_anomaly(json_t *part, const struct mime_event *e)
{
    json_t *defect = json_object();

    json_object_set_new(defect, "name", json_string(mime_anomaly_name(e->anomaly)));
    set_number(defect, "offset", e->offset);
    json_object_set_new(defect, "what", json_string(mime_anomaly_what(e->anomaly)));
    json_array_append_new(json_object_get(part, "defects"), defect);
}

static bool has_defect(const json_t *part, enum mime_anomaly anomaly)
{
    const json_t *defect;
    size_t i;

    json_array_foreach(json_object_get(part, "defects"), i, defect)
    {
        const char *name = json_string_value(json_object_get(defect, "name"));

        if (name && strcmp(name, mime_anomaly_name(anomaly)) == 0)
            return true;
    }
    return false;
}

/* False: the file could not be read there. */
static bool hash_file(EVP_MD_CTX *hash, FILE *in, json_int_t at, json_int_t size)
{
    uint8_t piece[PIECE];
    bool ok = fseeko(in, at, SEEK_SET) == 0;

    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    while (ok && size > 0) {
        size_t n = fread(piece, 1, size < PIECE ? (size_t)size : PIECE, in);

        EVP_DigestUpdate(hash, piece, n);
        size -= (json_int_t)n;
        ok = n > 0;
    }
    return ok;
}

bool cli_mime_tree_undivided(json_t *parts, FILE *in)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash != NULL;
    json_t *part;
    size_t i;

    json_array_foreach(parts, i, part)
    {
        json_t *size = json_object_get(part, "body_size");

        if (!ok || !size || !has_defect(part, MIME_ANOMALY_PARTS_NONE))
            continue;
        ok = hash_file(hash, in, json_integer_value(json_object_get(part, "body_offset")),
                       json_integer_value(size));
        json_object_set_new(part, "kind", json_string("leaf"));
        json_object_set(part, "size", size);
        json_object_del(part, "beside");
        take_digest(hash, part);
    }
    EVP_MD_CTX_free(hash);
    return ok;
}

void cli_mime_tree_feed(struct cli_mime_tree *t, const struct mime_event *event)
{
    json_t *part;

    if (event->kind == MIME_END)
        return;
    if (event->part == json_array_size(t->parts))
        open_part(t);
    part = json_array_get(t->parts, event->part);
    switch (event->kind) {
    case MIME_FIELD:
        take_field(part, event);
        break;
    case MIME_PART_BEGIN:
        take_begin(t, part, event->begin);
        break;
    case MIME_DATA:
        EVP_DigestUpdate(t->hash, event->data.data, event->data.len);
        break;
    case MIME_PART_END:
        take_end(t, part, event);
        break;
    case MIME_ANOMALY:
        take_anomaly(part, event);
        break;
    default:
        take_beside(t, part, event);
        break;
    }
}
