/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_parts.h"

#include "proto/mime/mime_tree.h"

static const char *kind_name(uint8_t kind)
{
    return kind == MIME_MULTIPART ? "multipart" : kind == MIME_MESSAGE ? "message" : "leaf";
}

/* type "/" subtype in lower case, and the charset among the parameters. */
static bool put_type(json_t *part, struct span attribute)
{
    struct mime_tree_type type;
    struct span name, value, charset = {0};
    uint8_t text[2 * MIME_TOKEN_MAX + 1];
    struct writer w = writer_of(text, sizeof(text));

    if (!mime_tree_type_read(attribute, &type))
        return true;
    writer_span_put(&w, type.type);
    writer_byte(&w, '/');
    writer_span_put(&w, type.subtype);
    for (size_t i = 0; i < w.len; i++)
        text[i] = ascii_lower(text[i]);
    while (mime_tree_type_next(&type, &name, &value))
        if (span_equal_nocase(name, span_text("charset")) && !charset.len)
            charset = value;
    return json_object_set_new(part, "type", record_json_text(writer_span(&w))) == 0 &&
           (!charset.len || json_object_set_new(part, "charset", record_json_text(charset)) == 0);
}

static bool put_disposition(json_t *part, struct span attribute)
{
    struct mime_tree_type disposition;

    return !mime_tree_type_read(attribute, &disposition) || !disposition.type.len ||
           json_object_set_new(part, "disposition", record_json_text(disposition.type)) == 0;
}

static json_t *part_json(const struct mime_tree_part *p, const struct record_privacy *privacy)
{
    json_t *part = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I}", "part", (int)p->index, "kind",
                             kind_name(p->kind), "encoding",
                             mime_encoding_name((enum mime_encoding)p->encoding), "offset",
                             (json_int_t)p->body_offset, "length", (json_int_t)p->body_len,
                             "decoded", (json_int_t)p->decoded);
    struct span name = p->attributes[MIME_TREE_FILENAME];
    bool ok = part != NULL;

    if (ok && p->parent != MIME_PART_NONE)
        ok = json_object_set_new(part, "parent", json_integer(p->parent)) == 0;
    ok = ok && put_type(part, p->attributes[MIME_TREE_TYPE]) &&
         put_disposition(part, p->attributes[MIME_TREE_DISPOSITION]);
    if (ok && name.len)
        ok = json_object_set_new(part, "name",
                                 record_privacy_text(privacy, RECORD_FIELD_part_name, name)) == 0;
    return ok ? part : (json_decref(part), NULL);
}

json_t *record_parts(struct span tree, const struct record_privacy *privacy)
{
    json_t *list = json_array();
    struct mime_tree_read read;
    struct mime_tree_part part;

    if (!list || !mime_tree_read_init(&read, tree))
        return list;
    while (json_array_size(list) < RECORD_PARTS &&
           mime_tree_read_next(&read, &part) == MIME_TREE_NEXT)
        if (json_array_append_new(list, part_json(&part, privacy)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}
