/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_surrogate.h"

#include <stdlib.h>

#include "control/mail/mail_surrogate_tree.h"
#include "proto/base/ascii.h"
#include "proto/base/utf8.h"
#include "proto/pop3/pop3_convert.h"
#include "proto/pop3/pop3_downgrade.h"

enum { TEXT_FIRST = 16 * 1024, PLACES_FIRST = 16 };

struct mail_surrogate {
    struct mail_places places;
    uint8_t *text; /* the prefix, then the headers one after the other */
    size_t text_len, text_cap;
    size_t prefix_len;
    uint8_t *tree;
};

bool mail_surrogate_needed(const struct mail_source *s)
{
    return mime_tree_utf8(s->tree) || utf8_needed(s->prefix);
}

void mail_surrogate_free(struct mail_surrogate *m)
{
    if (!m)
        return;
    free(m->places.list);
    free(m->text);
    free(m->tree);
    free(m);
}

/* ---- text ---- */

static enum store_status text_room(struct mail_surrogate *m, size_t room)
{
    size_t cap = m->text_cap ? m->text_cap : TEXT_FIRST;
    uint8_t *text;

    if (m->text_cap - m->text_len >= room)
        return STORE_OK;
    while (cap - m->text_len < room && cap < MAIL_SURROGATE_MAX)
        cap *= 2;
    if (cap - m->text_len < room)
        return STORE_LIMIT;
    text = realloc(m->text, cap);
    if (!text)
        return STORE_FAILED;
    m->text = text;
    m->text_cap = cap;
    return STORE_OK;
}

/* Octets of the field at the begin of what is left, with the lines that go on with it. */
static size_t field_len(struct span header)
{
    size_t at = 0;

    do {
        ptrdiff_t end = span_find(span_skip(header, at), '\n');

        at = end < 0 ? header.len : at + (size_t)end + 1;
    } while (at < header.len && ascii_blank(header.data[at]));
    return at;
}

/* What delivery has put in front of the message. A field grows threefold at most: encoded words. */
static enum store_status put_prefix(struct mail_surrogate *m, struct span prefix, uint8_t *memory)
{
    while (prefix.len) {
        size_t n = field_len(prefix);
        struct span field = span_head(prefix, n);
        struct writer out = writer_of(memory, POP3_CONVERT_FIELD);
        struct writer scratch = writer_of(memory + POP3_CONVERT_FIELD, POP3_CONVERT_FIELD);
        enum store_status status;

        prefix = span_skip(prefix, n);
        if (!utf8_needed(field))
            writer_span_put(&out, field);
        else if (!pop3_downgrade_field(field, &out, &scratch))
            continue;
        status = text_room(m, out.len);
        if (status != STORE_OK)
            return status;
        if (out.len)
            memcpy(m->text + m->text_len, out.data, out.len);
        m->text_len += out.len;
    }
    m->prefix_len = m->text_len;
    return STORE_OK;
}

/* ---- places ---- */

static enum store_status put_place(struct mail_places *p, const struct mail_place *place)
{
    uint32_t cap = p->cap ? 2 * p->cap : PLACES_FIRST;
    struct mail_place *list;

    if (p->count == p->cap) {
        list = realloc(p->list, cap * sizeof(*list));
        if (!list)
            return STORE_FAILED;
        p->list = list;
        p->cap = cap;
    }
    p->list[p->count] = *place;
    p->list[p->count++].at = p->size;
    p->size += place->len;
    return STORE_OK;
}

static uint64_t lines_in(struct span s)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < s.len; i++)
        lines += s.data[i] == '\n';
    return lines;
}

/* A header, up to `end` of the message as it was: read, and its surrogate written. */
static enum store_status put_header(struct mail_surrogate *m, const struct mail_source *s,
                                    struct pop3_convert *c, uint64_t end, bool *done_out)
{
    struct mail_place place = {.text = true, .from = m->text_len, .was_at = c->offset};
    enum pop3_convert_status what = POP3_CONVERT_ROOM;
    size_t prefix = s->reading->prefix.len;
    enum store_status status = STORE_OK;

    while (status == STORE_OK && what != POP3_CONVERT_DONE &&
           (what == POP3_CONVERT_ROOM || c->offset < end)) {
        struct span bytes = {0};
        struct writer out;
        void *pin = NULL;
        uint64_t before = c->offset;

        status = text_room(m, POP3_CONVERT_ROOM_MIN);
        if (status == STORE_OK && c->offset < end)
            status = store_reading_read(s->store, s->reading, prefix + c->offset, &bytes, &pin);
        if (status != STORE_OK)
            return status;
        bytes = span_head(bytes, end - c->offset);
        if (c->offset < end && bytes.len == 0)
            return STORE_CORRUPT;
        out = writer_of(m->text + m->text_len, m->text_cap - m->text_len);
        what = pop3_convert_feed(c, &(struct span){bytes.data, bytes.len}, &out);
        place.lines += (int64_t)lines_in(writer_span(&out)) -
                       (int64_t)lines_in(span_head(bytes, c->offset - before));
        m->text_len += out.len;
        if (pin)
            store_unpin(s->store, &pin, 1);
    }
    *done_out = what == POP3_CONVERT_DONE;
    place.len = m->text_len - place.from;
    place.was = c->offset - place.was_at;
    return place.len || place.was ? put_place(&m->places, &place) : STORE_OK;
}

static enum store_status put_message(struct mail_surrogate *m, const struct mail_source *s,
                                     uint8_t *memory)
{
    uint64_t size = s->reading->size - s->reading->prefix.len;
    enum store_status status = STORE_OK;
    struct pop3_convert c;
    bool done = false;

    pop3_convert_init(&c, s->reading->tree, 0, size, POP3_FORM_UTF8, memory);
    while (status == STORE_OK && !done) {
        uint64_t before = c.offset, length = 0, wanted = 0;

        if (!pop3_convert_skip(&c, &length, &wanted))
            status = put_header(m, s, &c, c.offset + wanted, &done);
        else if (length)
            status = put_place(&m->places,
                               &(struct mail_place){
                                   .from = before, .len = length, .was_at = before, .was = length});
    }
    return status;
}

/* ---- the surrogate ---- */

static enum store_status put_tree(struct mail_surrogate *m, struct mail_source *s)
{
    /* Words grow when they are encoded: how much, only writing them tells. */
    for (size_t cap = 2 * s->tree.len + 4096; cap <= MAIL_SURROGATE_MAX; cap *= 2) {
        struct writer w;

        free(m->tree);
        m->tree = malloc(cap);
        if (!m->tree)
            return STORE_FAILED;
        w = writer_of(m->tree, cap);
        if (!mail_surrogate_tree(s->tree, &m->places, &w))
            continue;
        s->tree = writer_span(&w);
        return STORE_OK;
    }
    return STORE_LIMIT;
}

enum store_status mail_surrogate_make(struct mail_source *s, struct mail_surrogate **surrogate_out)
{
    struct mail_surrogate *m = calloc(1, sizeof(*m));
    uint8_t *memory = malloc(POP3_CONVERT_MEMORY);
    enum store_status status = m && memory ? STORE_OK : STORE_FAILED;

    *surrogate_out = NULL;
    if (status == STORE_OK)
        status = put_prefix(m, s->prefix, memory);
    if (status == STORE_OK)
        status = put_message(m, s, memory);
    if (status == STORE_OK)
        status = put_tree(m, s);
    free(memory);
    if (status != STORE_OK) {
        mail_surrogate_free(m);
        return status;
    }
    s->prefix = span_of(m->text, m->prefix_len);
    s->surrogate = m;
    *surrogate_out = m;
    return STORE_OK;
}

/* ---- reading ---- */

enum store_status mail_source_read(const struct mail_source *s, uint64_t at, struct span *bytes_out,
                                   void **pin_out)
{
    const struct mail_surrogate *m = s->surrogate;
    const struct mail_place *place;
    enum store_status status;

    *pin_out = NULL;
    if (!m)
        return store_reading_read(s->store, s->reading, at, bytes_out, pin_out);
    *bytes_out = span_of(NULL, 0);
    if (at < m->prefix_len) {
        *bytes_out = span_of(m->text + at, m->prefix_len - at);
        return STORE_OK;
    }
    at -= m->prefix_len;
    place = mail_places_find(&m->places, at);
    if (!place)
        return STORE_OK;
    at -= place->at;
    if (place->text) {
        *bytes_out = span_of(m->text + place->from + at, place->len - at);
        return STORE_OK;
    }
    status = store_reading_read(s->store, s->reading, s->reading->prefix.len + place->from + at,
                                bytes_out, pin_out);
    *bytes_out = span_head(*bytes_out, place->len - at);
    return status;
}
