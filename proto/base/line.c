/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/line.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* Non-zero when one of the eight bytes of `v` is zero; exact for the lowest such byte. */
static inline uint64_t zero_byte(uint64_t v)
{
    return (v - ONES) & ~v & HIGHS;
}

const char *line_form_name(enum line_form form)
{
    switch (form) {
    case LINE_FORM_BARE_CR:
        return "bare CR";
    case LINE_FORM_BARE_LF:
        return "bare LF";
    case LINE_FORM_NUL:
        return "NUL";
    case LINE_FORM_GOOD:
        break;
    }
    return "CRLF";
}

size_t line_scan(struct span s)
{
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        uint64_t v;

        memcpy(&v, s.data + i, 8);
        if (zero_byte(v) | zero_byte(v ^ (ONES * '\r')) | zero_byte(v ^ (ONES * '\n')))
            break;
    }
    for (; i < s.len; i++)
        if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == 0)
            break;
    return i;
}

void line_init(struct line *l, uint16_t limit)
{
    *l = (struct line){.limit = limit};
}

void line_attach(struct line *l, uint8_t *buffer)
{
    l->buffer = buffer;
}

bool line_idle(const struct line *l)
{
    return l->held == 0 || l->done;
}

uint8_t *line_detach(struct line *l)
{
    uint8_t *buffer = l->buffer;

    l->buffer = NULL;
    l->held = 0;
    l->done = false;
    return buffer;
}

uint8_t *line_take_back(struct line *l)
{
    return line_idle(l) ? line_detach(l) : NULL;
}

static enum line_status bad(struct line *l, enum line_form form)
{
    l->form = (uint8_t)form;
    return LINE_BAD;
}

/* Decides what stands at `at`, a CR, LF or NUL; `next` is the byte behind it, or -1 when not yet
 * known. */
static enum line_form judge(uint8_t at, int next)
{
    if (at == 0)
        return LINE_FORM_NUL;
    if (at == '\n')
        return LINE_FORM_BARE_LF;
    return next == '\n' || next == -1 ? LINE_FORM_GOOD : LINE_FORM_BARE_CR;
}

/* Keeps the unfinished line. The limit was checked by the caller. */
static enum line_status hold(struct line *l, struct span *in)
{
    if (in->len == 0)
        return LINE_MORE;
    if (!l->buffer)
        return LINE_BUFFER;
    memcpy(l->buffer + l->held, in->data, in->len);
    l->held = (uint16_t)(l->held + in->len);
    *in = span_skip(*in, in->len);
    return LINE_MORE;
}

/* The CR is the last byte held; the first byte of the input decides. */
static enum line_status after_held_cr(struct line *l, struct span *in, struct span *line_out)
{
    if (in->data[0] != '\n')
        return bad(l, LINE_FORM_BARE_CR);
    *in = span_skip(*in, 1);
    *line_out = span_of(l->buffer, l->held - 1u);
    l->done = true;
    return LINE_DONE;
}

static enum line_status whole(struct line *l, struct span *in, size_t at, struct span *line_out)
{
    struct span head = span_head(*in, at);

    *in = span_skip(*in, at + 2);
    if (l->held == 0) {
        *line_out = head;
        return LINE_DONE;
    }
    memcpy(l->buffer + l->held, head.data, head.len);
    l->held = (uint16_t)(l->held + head.len);
    *line_out = span_of(l->buffer, l->held);
    l->done = true;
    return LINE_DONE;
}

enum line_status line_feed(struct line *l, struct span *in, struct span *line_out)
{
    enum line_form form;
    size_t at;

    if (l->done) {
        l->held = 0;
        l->done = false;
    }
    if (in->len == 0)
        return LINE_MORE;
    if (l->held && l->buffer[l->held - 1] == '\r')
        return after_held_cr(l, in, line_out);

    at = line_scan(*in);
    /* Asked before anything else, so that a long line is long however much of it the input shows.
     */
    if (l->held + at + 2 > l->limit)
        return LINE_LONG;
    if (at == in->len)
        return hold(l, in);
    form = judge(in->data[at], at + 1 < in->len ? in->data[at + 1] : -1);
    if (form != LINE_FORM_GOOD)
        return bad(l, form);
    if (at + 1 == in->len)
        return hold(l, in);
    return whole(l, in, at, line_out);
}
