/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_preview.h"

#include <stdlib.h>
#include <unistr.h>

#include "control/mail/mail_decode.h"
#include "proto/charset/charset.h"
#include "proto/mime/mime_html.h"
#include "proto/mime/mime_text.h"
#include "proto/mime/mime_tree.h"

enum {
    LINE = MAIL_PREVIEW_MAX + 16, /* of what is seen, as many octets as it may take */
    PIECE = 4096,                 /* of HTML, at a time */
};

/* On the way from a part's octets to a line. */
struct preview {
    struct mail_decode decode;
    struct mime_text text;
    struct mime_html html;
    bool is_html;
    bool blank; /* one is due before what comes next */
    struct writer line;
    uint8_t line_bytes[LINE];
    uint8_t html_bytes[PIECE + MIME_HTML_PENDING];
};

/* ---- which part ---- */

enum likeness { LIKE_NOTHING, LIKE_TEXT, LIKE_HTML, LIKE_PLAIN };

static enum likeness likeness_of(const struct mime_tree_part *part, struct mime_tree_type *type)
{
    struct mime_tree_type disposition;

    if (part->kind != MIME_LEAF ||
        !mime_tree_type_read(part->attributes[MIME_TREE_TYPE], type) ||
        !span_equal_nocase(type->type, span_text("text")))
        return LIKE_NOTHING;
    if (mime_tree_type_read(part->attributes[MIME_TREE_DISPOSITION], &disposition) &&
        span_equal_nocase(disposition.type, span_text("attachment")))
        return LIKE_NOTHING;
    return span_equal_nocase(type->subtype, span_text("plain"))  ? LIKE_PLAIN
           : span_equal_nocase(type->subtype, span_text("html")) ? LIKE_HTML
                                                                 : LIKE_TEXT;
}

/* The first part that is most like plain text, but less than `below`. */
static enum likeness choose(struct span tree, enum likeness below, struct mime_tree_part *part_out)
{
    enum likeness best = LIKE_NOTHING;
    struct mime_tree_read read;
    struct mime_tree_part part;
    struct mime_tree_type type;

    if (!mime_tree_read_init(&read, tree))
        return LIKE_NOTHING;
    while (mime_tree_read_next(&read, &part) == MIME_TREE_NEXT) {
        enum likeness like = likeness_of(&part, &type);

        if (like <= best || like >= below)
            continue;
        best = like;
        *part_out = part;
    }
    return best;
}

static struct span charset_of(struct mime_tree_type *type)
{
    struct span name, value;

    while (mime_tree_type_next(type, &name, &value))
        if (span_equal_nocase(name, span_text("charset")))
            return value;
    return span_of(NULL, 0);
}

/* ---- what is seen of it ---- */

/* Runs of blanks, line ends and control characters are one blank, and none at the begin. */
static void see(struct preview *p, struct span text)
{
    for (size_t i = 0; i < text.len && writer_room(&p->line) > 1; i++) {
        uint8_t c = text.data[i];

        if (c <= ' ' || c == 0x7f) {
            p->blank = p->line.len > 0;
            continue;
        }
        if (p->blank)
            writer_byte(&p->line, ' ');
        p->blank = false;
        writer_byte(&p->line, c);
    }
}

static void see_html(struct preview *p, struct span text)
{
    while (text.len) {
        struct span piece = span_head(text, PIECE);

        see(p, span_of(p->html_bytes, mime_html_feed(&p->html, piece, p->html_bytes)));
        text = span_skip(text, piece.len);
    }
}

static void take_text(struct preview *p, struct span text)
{
    if (p->is_html)
        see_html(p, text);
    else
        see(p, text);
}

static void take(struct preview *p, struct span data, bool finished)
{
    uint8_t room[MIME_TEXT_ROOM];
    struct span text;

    if (p->text.kind == MIME_TEXT_NONE || p->text.kind == MIME_TEXT_UNKNOWN) {
        take_text(p, data);
        return;
    }
    for (;;) {
        struct writer w = writer_of(room, sizeof(room));

        text = span_of(NULL, 0);
        if (!mime_text_next(&p->text, &data, finished, &w, &text))
            return;
        take_text(p, text);
    }
}

static bool is_seen(const struct preview *p)
{
    return writer_room(&p->line) <= 1;
}

static bool read_part(struct preview *p, struct store *store, const struct store_reading *reading,
                      const struct mime_tree_part *part)
{
    uint64_t at = part->body_offset + reading->prefix.len;
    uint64_t len = part->body_len < MAIL_PREVIEW_READ ? part->body_len : MAIL_PREVIEW_READ;
    struct mime_part of = {.kind = part->kind, .encoding = part->encoding};
    struct mail_source source = mail_source_of(store, reading);
    enum mail_decode_kind kind;
    struct mime_tree_type type;
    struct span bytes;

    p->is_html = likeness_of(part, &type) == LIKE_HTML;
    p->html = (struct mime_html){0};
    p->line = writer_of(p->line_bytes, sizeof(p->line_bytes));
    p->blank = false;
    if (!mail_decode_knows(part->encoding, &kind))
        return true;
    of.type = type.type;
    of.subtype = type.subtype;
    of.charset = charset_of(&type);
    mime_text_begin(&p->text, &of, &charset_all);
    mail_decode_init(&p->decode, &source, at, at + len, kind);
    while (!is_seen(p) && (bytes = mail_decode_next(&p->decode)).len)
        take(p, bytes, false);
    take(p, span_of(NULL, 0), true);
    if (p->is_html)
        see(p, span_of(p->html_bytes, mime_html_finish(&p->html, p->html_bytes)));
    return !p->decode.failed;
}

/* ---- the line ---- */

/* As many characters as it may have; what is none is U+FFFD. */
static void put_characters(struct writer *out, struct span line)
{
    for (int i = 0; i < MAIL_PREVIEW_CHARACTERS && line.len; i++) {
        ucs4_t c;
        int n = u8_mbtouc(&c, line.data, line.len);

        if (c == 0xfffd || (c >= 0x80 && c < 0xa0))
            writer_text(out, "\xef\xbf\xbd");
        else
            writer_span_put(out, span_head(line, (size_t)n));
        line = span_skip(line, (size_t)n);
    }
}

bool mail_preview_make(struct store *store, const struct store_reading *reading,
                       struct writer *out)
{
    struct preview *p = malloc(sizeof(*p));
    enum likeness like = LIKE_PLAIN + 1;
    struct mime_tree_part part;
    size_t before = out->len;
    bool read = p != NULL;

    while (read && out->len == before &&
           (like = choose(reading->tree, like, &part)) != LIKE_NOTHING) {
        read = read_part(p, store, reading, &part);
        if (read)
            put_characters(out, writer_span(&p->line));
    }
    free(p);
    return read;
}
