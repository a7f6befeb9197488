/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/field_writer.h"

#include "proto/base/peer_text.h"

static void fold(struct field_writer *f)
{
    writer_text(f->out, "\r\n ");
    f->column = 1;
}

void field_writer_word(struct field_writer *f, struct span word)
{
    if (f->column && f->column + 1 + word.len > FIELD_WRITER_LINE) {
        fold(f);
    } else if (f->column) {
        writer_byte(f->out, ' ');
        f->column++;
    }
    writer_span_put(f->out, word);
    f->column += word.len;
}

void field_writer_words(struct field_writer *f, const char *text)
{
    struct span rest = span_text(text);

    while (rest.len) {
        ptrdiff_t blank = span_find(rest, ' ');
        size_t len = blank < 0 ? rest.len : (size_t)blank;

        field_writer_word(f, span_head(rest, len));
        rest = span_skip(rest, len + 1);
    }
}

void field_writer_joined(struct field_writer *f, struct span word)
{
    if (f->column + word.len > FIELD_WRITER_LINE)
        fold(f);
    writer_span_put(f->out, word);
    f->column += word.len;
}

void field_writer_cut(struct field_writer *f, struct span text)
{
    while (text.len) {
        size_t room = FIELD_WRITER_LINE - f->column;
        struct span piece;

        if (f->column >= FIELD_WRITER_LINE) {
            fold(f);
            continue;
        }
        piece = span_head(text, room);
        writer_span_put(f->out, piece);
        f->column += piece.len;
        text = span_skip(text, piece.len);
    }
}

bool field_writer_is_atom(struct span s)
{
    bool dot = true;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '.' ? dot : c <= ' ' || c > '~' || strchr("()<>[]:;@\\,\"/?=", c) != NULL)
            return false;
        dot = c == '.';
    }
    return !dot && s.len <= FIELD_WRITER_SHOWN;
}

void field_writer_escaped(struct writer *w, struct span bytes, const char *special)
{
    uint8_t text[FIELD_WRITER_SHOWN];
    struct writer clean = writer_of(text, sizeof(text));

    peer_text(&clean, bytes, sizeof(text), PEER_TEXT_ASCII);
    for (size_t i = 0; i < clean.len; i++) {
        if (strchr(special, text[i]))
            writer_byte(w, '\\');
        writer_byte(w, text[i]);
    }
}

void field_writer_value(struct writer *w, struct span value)
{
    if (field_writer_is_atom(value)) {
        writer_span_put(w, value);
        return;
    }
    writer_byte(w, '"');
    field_writer_escaped(w, value, "\"\\");
    writer_byte(w, '"');
}
