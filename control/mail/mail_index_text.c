/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index_text.h"

#include <stdlib.h>

#include "control/mail/mail_walk.h"
#include "proto/base/cursor.h"

enum { OWN = 1, IS_FIELD = 2, HEAD = 1 + 4 + 4 + 4, TRIGRAM = 3, CHARACTER_MAX = 4 };

/* ---- making it ---- */

struct reading {
    struct mail_index_text *text;
    size_t most;
    bool failed; /* no memory */
};

static bool reserve(struct mail_index_text *t, size_t more)
{
    size_t cap = t->cap ? t->cap : 16384;
    uint8_t *data;

    if (t->cap - t->len >= more)
        return true;
    while (cap - t->len < more)
        cap *= 2;
    data = realloc(t->data, cap);
    if (!data)
        return false;
    t->data = data;
    t->cap = cap;
    return true;
}

/* The next window of a part goes on behind the last one. */
static void extend(struct mail_index_text *t, struct span text)
{
    struct cursor c = cursor_of(span_of(t->data + t->last, 4));
    struct writer w = writer_of(t->data + t->last, 4);

    writer_uint(&w, cursor_uint(&c, 4) + text.len, 4);
    memcpy(t->data + t->len, text.data, text.len);
    t->len += text.len;
}

static void append(struct mail_index_text *t, const struct mail_piece *piece, struct span text)
{
    struct writer w = writer_of(t->data + t->len, t->cap - t->len);

    writer_byte(&w, (uint8_t)((piece->own ? OWN : 0) |
                              (piece->kind == MAIL_PIECE_FIELD ? IS_FIELD : 0)));
    writer_uint(&w, piece->value, 4);
    writer_blob(&w, piece->own ? piece->name : span_of(NULL, 0));
    t->last = t->len + w.len;
    writer_blob(&w, text);
    t->len += w.len;
}

static struct span whole_characters(struct span text, size_t most)
{
    size_t len = most;

    if (text.len <= most)
        return text;
    while (len > 0 && (text.data[len] & 0xc0) == 0x80)
        len--;
    return span_head(text, len);
}

static bool keep(void *context, const struct mail_piece *piece)
{
    struct reading *r = context;
    struct mail_index_text *t = r->text;
    struct span text = whole_characters(piece->text, r->most - t->texts);

    if (piece->kind == MAIL_PIECE_FIELD && text.len < piece->value) {
        t->partial = true;
        return false;
    }
    if (!reserve(t, HEAD + piece->name.len + text.len)) {
        r->failed = true;
        return false;
    }
    if (piece->kind == MAIL_PIECE_TEXT && !piece->first)
        extend(t, text);
    else
        append(t, piece, text);
    t->texts += text.len;
    t->partial = text.len < piece->text.len;
    return !t->partial;
}

enum store_status mail_index_text_read(struct mail_index_text *text, struct store *store,
                                       const struct store_reading *reading, size_t most)
{
    struct reading r = {.text = text, .most = most};
    struct mail_walk walk = {.fields = true, .texts = true, .visit = keep, .context = &r};
    enum store_status status;

    text->len = text->texts = text->last = 0;
    text->partial = false;
    status = mail_walk(store, reading, &walk);
    return r.failed ? STORE_FAILED : status;
}

/* ---- reading it ---- */

struct kept {
    uint8_t flags;
    uint32_t head;
    struct span name, text;
};

/* False: the end, or it is damaged, which the cursor says. */
static bool next(struct cursor *c, struct kept *k)
{
    if (c->bad || cursor_left(c) == 0)
        return false;
    k->flags = cursor_u8(c);
    k->head = (uint32_t)cursor_uint(c, 4);
    k->name = cursor_blob(c);
    k->text = cursor_blob(c);
    c->bad |= k->head > k->text.len;
    return !c->bad;
}

static bool find_in(const struct kept *k, const struct mail_grep *what)
{
    struct span text = k->text;

    if (what->where == MAIL_GREP_BODY && k->flags & OWN)
        return false;
    if (what->where == MAIL_GREP_FIELD) {
        if (!(k->flags & OWN) || !span_equal_nocase(k->name, what->name))
            return false;
        text = span_skip(text, k->head);
    }
    return what->needle->len == 0 ||
           memmem(text.data, text.len, what->needle->text, what->needle->len);
}

bool mail_index_text_find(struct span text, const struct mail_grep *what, bool *found_out)
{
    struct cursor c = cursor_of(text);
    struct kept k;

    *found_out = false;
    while (!*found_out && next(&c, &k))
        *found_out = find_in(&k, what);
    return !c.bad;
}

bool mail_index_text_join(struct span text, struct writer *out)
{
    struct cursor c = cursor_of(text);
    struct kept k;

    while (next(&c, &k)) {
        size_t begin = out->len;

        writer_span_put(out, k.text);
        writer_byte(out, '\n');
        /* SQLite takes a zero for the end of a text; no text that is looked for has one. */
        for (size_t i = begin; i < out->len; i++)
            if (out->data[i] == 0)
                out->data[i] = ' ';
    }
    return !c.bad && !out->full;
}

/* ---- what to look for ---- */

/* Octets of the first character; 0: there is none that can be looked for. */
static size_t character_of(struct span text)
{
    size_t len = 1;

    if (text.len == 0 || text.data[0] == 0)
        return 0;
    while (len < text.len && (text.data[len] & 0xc0) == 0x80)
        len++;
    return len;
}

/* Octets of the first three characters; 0: there are not so many. */
static size_t trigram_of(struct span text)
{
    size_t all = 0;

    for (int i = 0; i < TRIGRAM; i++) {
        size_t len = character_of(span_skip(text, all));

        if (len == 0)
            return 0;
        all += len;
    }
    return all;
}

static void put_trigrams(struct span text, struct writer *w)
{
    size_t len;

    /* With each quote twice, and what stands around it. */
    while ((len = trigram_of(text)) > 0 && writer_room(w) >= 2 * TRIGRAM * CHARACTER_MAX + 8) {
        writer_text(w, w->len ? " AND \"" : "\"");
        for (size_t i = 0; i < len; i++) {
            if (text.data[i] == '"')
                writer_byte(w, '"');
            writer_byte(w, text.data[i]);
        }
        writer_byte(w, '"');
        text = span_skip(text, character_of(text));
    }
}

/* The name as it is folded, which is not known of octets above ASCII. */
static void put_name(struct span name, struct writer *w)
{
    uint8_t text[64];
    struct writer folded = writer_of(text, sizeof(text));

    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] >= 0x80)
            return;
        writer_byte(&folded, ascii_lower(name.data[i]));
    }
    writer_text(&folded, ": ");
    if (!folded.full)
        put_trigrams(writer_span(&folded), w);
}

bool mail_index_text_query(const struct mail_grep *what, char query_out[MAIL_INDEX_QUERY])
{
    struct writer w = writer_of(query_out, MAIL_INDEX_QUERY - 1);

    put_trigrams(span_of(what->needle->text, what->needle->len), &w);
    if (w.len == 0 && what->where == MAIL_GREP_FIELD)
        put_name(what->name, &w);
    query_out[w.len] = 0;
    return w.len > 0;
}
