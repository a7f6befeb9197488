/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_parts.h"

#include "dataplane/handoff/part_digests.h"
#include "proto/mime/mime_tree.h"

static const char *kind_name(uint8_t kind)
{
    return kind == MIME_MULTIPART ? "multipart" : kind == MIME_MESSAGE ? "message" : "leaf";
}

/* type "/" subtype in lower case, and the charset among the parameters. */
static void put_type(struct json_line *j, struct span attribute)
{
    struct mime_tree_type type;
    struct span name, value, charset = {0};
    uint8_t text[2 * MIME_TOKEN_MAX + 1];
    struct writer w = writer_of(text, sizeof(text));

    if (!mime_tree_type_read(attribute, &type))
        return;
    writer_span_put(&w, type.type);
    writer_byte(&w, '/');
    writer_span_put(&w, type.subtype);
    for (size_t i = 0; i < w.len; i++)
        text[i] = ascii_lower(text[i]);
    while (mime_tree_type_next(&type, &name, &value))
        if (span_equal_nocase(name, span_text("charset")) && !charset.len)
            charset = value;
    json_line_peer(j, "type", writer_span(&w));
    if (charset.len)
        json_line_peer(j, "charset", charset);
}

static void put_disposition(struct json_line *j, struct span attribute)
{
    struct mime_tree_type disposition;

    if (mime_tree_type_read(attribute, &disposition) && disposition.type.len)
        json_line_peer(j, "disposition", disposition.type);
}

/* Hexadecimal, in the order of the bytes. */
static void put_digest(struct json_line *j, struct span sha256)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t text[2 * PART_SHA256];

    for (size_t i = 0; i < sha256.len; i++) {
        text[2 * i] = (uint8_t)digits[sha256.data[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[sha256.data[i] & 15];
    }
    json_line_peer(j, "sha256", span_of(text, 2 * sha256.len));
}

struct span record_parts_digest(struct span digests, uint32_t part)
{
    for (; digests.len >= 2 + PART_SHA256; digests = span_skip(digests, 2 + PART_SHA256))
        if ((uint32_t)(digests.data[0] << 8 | digests.data[1]) == part)
            return span_head(span_skip(digests, 2), PART_SHA256);
    return span_of(NULL, 0);
}

static void put_part(struct json_line *j, const struct mime_tree_part *p, struct span sha256,
                     const struct record_privacy *privacy)
{
    struct span name = p->attributes[MIME_TREE_FILENAME];

    json_line_open(j, NULL, '{');
    json_line_number(j, "part", p->index);
    json_line_text(j, "kind", kind_name(p->kind));
    json_line_text(j, "encoding", mime_encoding_name((enum mime_encoding)p->encoding));
    json_line_number(j, "offset", p->body_offset);
    json_line_number(j, "length", p->body_len);
    json_line_number(j, "decoded", p->decoded);
    if (p->parent != MIME_PART_NONE)
        json_line_number(j, "parent", p->parent);
    put_type(j, p->attributes[MIME_TREE_TYPE]);
    put_disposition(j, p->attributes[MIME_TREE_DISPOSITION]);
    if (name.len)
        record_privacy_put(j, "name", privacy, RECORD_FIELD_part_name, name);
    if (sha256.len)
        put_digest(j, sha256);
    json_line_close(j, '}');
}

void record_parts_put(struct json_line *j, const char *key, struct span tree, struct span digests,
                      const struct record_privacy *privacy)
{
    struct mime_tree_read read;
    struct mime_tree_part part;

    json_line_open(j, key, '[');
    if (mime_tree_read_init(&read, tree))
        for (uint32_t n = 0;
             n < RECORD_PARTS && mime_tree_read_next(&read, &part) == MIME_TREE_NEXT; n++)
            put_part(j, &part, record_parts_digest(digests, part.index), privacy);
    json_line_close(j, ']');
}

json_t *record_parts(struct span tree, const struct record_privacy *privacy)
{
    struct json_line line = {0};
    json_t *json;

    record_parts_put(&line, NULL, tree, span_of(NULL, 0), privacy);
    json = json_line_load(&line);
    json_line_fini(&line);
    return json;
}
