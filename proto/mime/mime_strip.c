/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_strip.h"

enum state {
    STATE_LINE, /* a line of the header begins, or its name is being read */
    STATE_REST, /* of such a line */
    STATE_BODY,
};

void mime_strip_init(struct mime_strip *s, const char *const *names)
{
    *s = (struct mime_strip){.names = names, .state = STATE_LINE};
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* What is held is one of the names, with or without blanks behind it (RFC 5322 section 4.5.8). */
static bool is_named(const struct mime_strip *s)
{
    struct span name = span_of(s->held, s->held_len);

    while (name.len && is_blank(name.data[name.len - 1]))
        name.len--;
    for (const char *const *n = s->names; *n; n++)
        if (span_equal_nocase(name, span_text(*n)))
            return true;
    return false;
}

/* What is held may still become one of the names. */
static bool may_be_named(const struct mime_strip *s)
{
    struct span held = span_of(s->held, s->held_len);

    if (is_named(s))
        return true;
    for (const char *const *n = s->names; *n; n++)
        if (span_equal_nocase(held, span_head(span_text(*n), held.len)))
            return true;
    return false;
}

static struct span release(struct mime_strip *s)
{
    struct span held = span_of(s->held, s->held_len);

    s->held_len = 0;
    return held;
}

static struct span begin_rest(struct mime_strip *s, bool drop)
{
    s->state = STATE_REST;
    s->dropping = drop;
    return drop ? span_of(NULL, 0) : release(s);
}

/* The next byte of a line whose name is not known yet. */
static struct span take_name(struct mime_strip *s, struct span *in)
{
    uint8_t c = in->data[0];

    if (s->held_len == 0 && is_blank(c)) { /* the field before goes on */
        s->state = STATE_REST;
        return span_of(NULL, 0);
    }
    if (s->held_len == 0 && (c == '\r' || c == '\n')) {
        s->state = STATE_BODY;
        return span_of(NULL, 0);
    }
    if (c == ':') {
        bool named = is_named(s);

        if (named)
            s->held_len = 0;
        return begin_rest(s, named);
    }
    if (s->held_len == MIME_STRIP_HELD)
        return begin_rest(s, false);
    s->held[s->held_len++] = c;
    *in = span_skip(*in, 1);
    return may_be_named(s) ? span_of(NULL, 0) : begin_rest(s, false);
}

/* The rest of a line, its LF included. */
static struct span take_rest(struct mime_strip *s, struct span *in)
{
    ptrdiff_t end = span_find(*in, '\n');
    struct span rest = end < 0 ? *in : span_head(*in, (size_t)end + 1);

    *in = span_skip(*in, rest.len);
    if (end >= 0)
        s->state = STATE_LINE;
    return s->dropping ? span_of(NULL, 0) : rest;
}

struct span mime_strip_take(struct mime_strip *s, struct span *in)
{
    struct span out = {0};

    while (in->len && out.len == 0) {
        switch ((enum state)s->state) {
        case STATE_LINE:
            out = take_name(s, in);
            break;
        case STATE_REST:
            out = take_rest(s, in);
            break;
        case STATE_BODY:
            out = *in;
            *in = span_skip(*in, in->len);
            break;
        }
    }
    return out;
}

struct span mime_strip_finish(struct mime_strip *s)
{
    return release(s);
}
