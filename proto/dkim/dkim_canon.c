/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_canon.h"

#include "proto/base/ascii.h"

/* Behind the name the blanks before the value are left out. */
enum field_state { FIELD_NAME, FIELD_COLON, FIELD_VALUE };

static const struct span line_end = {(const uint8_t *)"\r\n", 2};
static const struct span blank = {(const uint8_t *)" ", 1};
static const struct span carriage_return = {(const uint8_t *)"\r", 1};

void dkim_canon_body_init(struct dkim_canon_body *b, enum dkim_canon canon)
{
    *b = (struct dkim_canon_body){.canon = (uint8_t)canon};
}

/* Something comes behind what is held: now it counts. */
static void release(struct dkim_canon_body *b, dkim_sink *sink, void *context)
{
    static const uint8_t many[] =
        "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
        "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    enum { ENDS = (sizeof(many) - 1) / 2 };

    while (b->ends) {
        uint64_t n = b->ends < ENDS ? b->ends : ENDS;

        sink(context, span_of(many, 2 * n));
        b->ends -= n;
    }
    if (b->blank)
        sink(context, blank);
    b->blank = false;
    b->content = true;
}

/* What may be held at the end of a run: CRLF pairs, and a CR behind them. Returns the bytes before
 * it, and holds nothing yet. */
static size_t before_ends(struct span in)
{
    size_t end = in.len;

    if (end && in.data[end - 1] == '\r')
        end--;
    while (end >= 2 && in.data[end - 1] == '\n' && in.data[end - 2] == '\r')
        end -= 2;
    return end;
}

/* A CR was held: is it half of a line end? */
static struct span settle_cr(struct dkim_canon_body *b, struct span in, dkim_sink *sink,
                             void *context)
{
    b->cr = false;
    if (in.data[0] == '\n') {
        b->blank = false;
        b->ends++;
        return span_skip(in, 1);
    }
    release(b, sink, context);
    sink(context, carriage_return);
    return in;
}

static void feed_simple(struct dkim_canon_body *b, struct span in, dkim_sink *sink, void *context)
{
    size_t end = before_ends(in);

    if (end) {
        release(b, sink, context);
        sink(context, span_head(in, end));
    }
    b->ends += (in.len - end) / 2;
    b->cr = (in.len - end) % 2;
}

/* Takes one piece: blanks, a CR, or a run without edits. */
static struct span feed_relaxed(struct dkim_canon_body *b, struct span in, dkim_sink *sink,
                                void *context)
{
    size_t n = 0;

    while (n < in.len && ascii_blank(in.data[n]))
        n++;
    if (n) {
        b->blank = true;
        return span_skip(in, n);
    }
    if (in.data[0] == '\r') {
        b->cr = true;
        return span_skip(in, 1);
    }
    n = dkim_canon_scan(in, false);
    n = before_ends(span_head(in, n));
    release(b, sink, context);
    sink(context, span_head(in, n));
    return span_skip(in, n);
}

void dkim_canon_body_feed(struct dkim_canon_body *b, struct span in, dkim_sink *sink, void *context)
{
    while (in.len) {
        if (b->cr) {
            in = settle_cr(b, in, sink, context);
        } else if (b->canon == DKIM_SIMPLE) {
            feed_simple(b, in, sink, context);
            return;
        } else {
            in = feed_relaxed(b, in, sink, context);
        }
    }
}

void dkim_canon_body_finish(struct dkim_canon_body *b, dkim_sink *sink, void *context)
{
    if (b->cr) {
        release(b, sink, context);
        sink(context, carriage_return);
    }
    if (b->canon == DKIM_SIMPLE || b->content)
        sink(context, line_end);
}

void dkim_canon_field_init(struct dkim_canon_field *f, enum dkim_canon canon)
{
    *f = (struct dkim_canon_field){.canon = (uint8_t)canon, .state = FIELD_NAME};
}

/* Letters of the name, in small ones. */
static struct span feed_name(struct dkim_canon_field *f, struct span in, dkim_sink *sink,
                             void *context)
{
    uint8_t small[64];
    size_t n = 0;

    while (n < in.len && n < sizeof(small) && in.data[n] != ':' && !ascii_folding(in.data[n])) {
        small[n] = ascii_lower(in.data[n]);
        n++;
    }
    if (n) {
        sink(context, span_of(small, n));
        return span_skip(in, n);
    }
    if (in.data[0] == ':') {
        sink(context, span_head(in, 1));
        f->state = FIELD_COLON;
    }
    return span_skip(in, 1); /* also blanks before the colon */
}

/* Takes one piece of the value: a blank, CR or LF, or a word. */
static struct span feed_value(struct dkim_canon_field *f, struct span in, dkim_sink *sink,
                              void *context)
{
    size_t n = 0;

    if (f->cr && in.data[0] == '\n') {
        f->cr = false;
        return span_skip(in, 1);
    }
    if (!f->cr && in.data[0] == '\r') {
        f->cr = true;
        return span_skip(in, 1);
    }
    if (!f->cr && ascii_blank(in.data[0])) {
        f->blank = f->state == FIELD_VALUE;
        return span_skip(in, 1);
    }
    if (f->blank)
        sink(context, blank);
    f->blank = false;
    f->state = FIELD_VALUE;
    if (f->cr) {
        f->cr = false;
        sink(context, carriage_return);
        return in;
    }
    while (n < in.len && !ascii_blank(in.data[n]) && in.data[n] != '\r')
        n++;
    sink(context, span_head(in, n));
    return span_skip(in, n);
}

void dkim_canon_field_feed(struct dkim_canon_field *f, struct span in, dkim_sink *sink,
                           void *context)
{
    if (f->canon == DKIM_SIMPLE) {
        if (in.len)
            sink(context, in);
        return;
    }
    while (in.len)
        in = f->state == FIELD_NAME ? feed_name(f, in, sink, context)
                                    : feed_value(f, in, sink, context);
}

void dkim_canon_field_finish(struct dkim_canon_field *f, dkim_sink *sink, void *context)
{
    if (!f->cr)
        return;
    if (f->blank)
        sink(context, blank);
    sink(context, carriage_return);
}
