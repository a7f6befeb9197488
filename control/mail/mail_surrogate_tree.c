/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_surrogate_tree.h"

#include <stdlib.h>

#include "proto/base/utf8.h"
#include "proto/mime/mime_word.h"
#include "proto/pop3/pop3_convert.h"
#include "proto/pop3/pop3_downgrade.h"

/* ---- places ---- */

/* The first piece that ends behind `at`, by where it is or by where it was. */
static uint32_t first_behind(const struct mail_places *p, uint64_t at, bool was)
{
    uint32_t low = 0, high = p->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct mail_place *piece = &p->list[middle];

        if ((was ? piece->was_at + piece->was : piece->at + piece->len) > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct mail_place *mail_places_find(const struct mail_places *p, uint64_t at)
{
    uint32_t i = first_behind(p, at, false);

    return i < p->count ? &p->list[i] : NULL;
}

/* Where an octet of the message is now; one within a header, where that ends. */
static uint64_t place_of(const struct mail_places *p, uint64_t was)
{
    uint32_t i = first_behind(p, was, true);
    const struct mail_place *piece;

    if (i == p->count)
        return p->size;
    piece = &p->list[i];
    if (was <= piece->was_at)
        return piece->at;
    return piece->text ? piece->at + piece->len : piece->at + (was - piece->was_at);
}

/* How many lines more there are in [from, to) of the message. */
static int64_t lines_more(const struct mail_places *p, uint64_t from, uint64_t to)
{
    int64_t more = 0;

    for (uint32_t i = first_behind(p, from, true); i < p->count; i++) {
        const struct mail_place *piece = &p->list[i];

        if (piece->was_at + piece->was > to)
            break;
        more += piece->was_at >= from ? piece->lines : 0;
    }
    return more;
}

/* ---- attributes ---- */

static const char *const names[MIME_TREE_TAGS] = {
    [MIME_TREE_DATE] = "Date",
    [MIME_TREE_SUBJECT] = "Subject",
    [MIME_TREE_FROM] = "From",
    [MIME_TREE_SENDER] = "Sender",
    [MIME_TREE_REPLY_TO] = "Reply-To",
    [MIME_TREE_TO] = "To",
    [MIME_TREE_CC] = "Cc",
    [MIME_TREE_BCC] = "Bcc",
    [MIME_TREE_IN_REPLY_TO] = "In-Reply-To",
    [MIME_TREE_MESSAGE_ID] = "Message-ID",
    [MIME_TREE_REFERENCES] = "References",
    [MIME_TREE_CONTENT_TRANSFER_ENCODING] = "Content-Transfer-Encoding",
    [MIME_TREE_CONTENT_ID] = "Content-ID",
    [MIME_TREE_CONTENT_DESCRIPTION] = "Content-Description",
    [MIME_TREE_CONTENT_MD5] = "Content-MD5",
    [MIME_TREE_CONTENT_LANGUAGE] = "Content-Language",
    [MIME_TREE_CONTENT_LOCATION] = "Content-Location",
};

/* What one part is written with; attributes lie in it until then. */
struct room {
    uint8_t field[MIME_TREE_VALUE_MAX + 64];
    uint8_t out[POP3_CONVERT_FIELD], scratch[POP3_CONVERT_FIELD];
    uint8_t values[MIME_TREE_TAGS * MIME_TREE_VALUE_MAX];
};

static void leave_out(struct mime_tree_part *part, unsigned tag)
{
    part->present &= ~(1u << tag);
    part->attributes[tag] = span_of(NULL, 0);
}

/* As the field of that name and value becomes. */
static void change_text(struct mime_tree_part *part, unsigned tag, struct room *room,
                        struct writer *values)
{
    struct writer field = writer_of(room->field, sizeof(room->field));
    struct writer out = writer_of(room->out, sizeof(room->out));
    struct writer scratch = writer_of(room->scratch, sizeof(room->scratch));
    struct writer value = writer_of(values->data + values->len, MIME_TREE_VALUE_MAX);
    struct span name = span_text(names[tag]);

    writer_span_put(&field, name);
    writer_text(&field, ": ");
    writer_span_put(&field, part->attributes[tag]);
    writer_text(&field, "\r\n");
    if (field.full || !pop3_downgrade_field(writer_span(&field), &out, &scratch)) {
        leave_out(part, tag);
        return;
    }
    mime_word_unfold(span_skip(writer_span(&out), name.len + 1), &value);
    part->cut |= value.full ? 1u << tag : 0;
    part->attributes[tag] = writer_span(&value);
    values->len += value.len;
}

static void put_word(struct writer *w, struct span word, size_t length_size)
{
    writer_uint(w, word.len, length_size);
    writer_span_put(w, word);
}

/* Parameters with such bytes are left out; a Content-Type whose type has some is as if it were not
 * there (RFC 2045 section 5.2). */
static void change_type(struct mime_tree_part *part, unsigned tag, struct writer *values)
{
    struct writer value = writer_of(values->data + values->len, MIME_TREE_VALUE_MAX);
    struct mime_tree_type type;
    struct span name, word;
    bool known = mime_tree_type_read(part->attributes[tag], &type) && !utf8_needed(type.type) &&
                 !utf8_needed(type.subtype);

    if (!known && tag == MIME_TREE_DISPOSITION) {
        leave_out(part, tag);
        return;
    }
    put_word(&value, known ? type.type : span_text("text"), 1);
    put_word(&value, known ? type.subtype : span_text("plain"), 1);
    while (known && mime_tree_type_next(&type, &name, &word)) {
        if (utf8_needed(name) || utf8_needed(word))
            continue;
        put_word(&value, name, 1);
        put_word(&value, word, 2);
    }
    part->attributes[tag] = writer_span(&value);
    values->len += value.len;
}

/* A file's name is nobody's but ours: decoded, and no header. */
static void change_attributes(struct mime_tree_part *part, struct room *room)
{
    struct writer values = writer_of(room->values, sizeof(room->values));

    for (unsigned tag = 0; tag < MIME_TREE_TAGS; tag++) {
        if (tag == MIME_TREE_FILENAME || !utf8_needed(part->attributes[tag]))
            continue;
        if (names[tag])
            change_text(part, tag, room, &values);
        else
            change_type(part, tag, &values);
    }
}

static void change_part(struct mime_tree_part *part, const struct mail_places *places,
                        struct room *room)
{
    uint64_t end = part->body_offset + part->body_len;

    part->lines += (uint64_t)lines_more(places, part->body_offset, end);
    part->header_offset = place_of(places, part->header_offset);
    part->body_offset = place_of(places, part->body_offset);
    part->body_len = place_of(places, end) - part->body_offset;
    change_attributes(part, room);
}

bool mail_surrogate_tree(struct span tree, const struct mail_places *places, struct writer *out)
{
    struct mime_tree_part part;
    struct mime_tree_read read;
    struct room *room;
    uint16_t parts = 0;

    if (!mime_tree_read_init(&read, tree))
        return true;
    room = malloc(sizeof(*room));
    if (!room)
        return false;
    mime_tree_put_begin(out);
    while (!out->full && mime_tree_read_next(&read, &part) == MIME_TREE_NEXT) {
        change_part(&part, places, room);
        mime_tree_put_part(out, &part);
        parts++;
    }
    mime_tree_put_end(out, parts, false);
    free(room);
    return !out->full;
}
