/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_reader.h"

#include "proto/smtp/smtp_scan.h"

/* Place in message data. The dots and the CR named here have been taken from the input and not
 * handed out. */
enum place {
    PLACE_START,  /* at the start of a line */
    PLACE_MIDDLE, /* in a line */
    PLACE_CR,     /* a CR was the last byte of an input or a chunk */
    PLACE_DOT,    /* a dot at the start of a line */
    PLACE_DOT_CR, /* a dot and a CR */
};

static const uint8_t crlf[2] = {'\r', '\n'};

enum { UNCOUNTED = UINT32_MAX };

void smtp_reader_init(struct smtp_reader *r, uint16_t line_max, uint32_t text_line_max)
{
    *r = (struct smtp_reader){.text_line_max = text_line_max, .mode = SMTP_READER_COMMANDS};
    if (text_line_max && text_line_max < SMTP_SCAN_LINE_MIN)
        r->text_line_max = SMTP_SCAN_LINE_MIN;
    line_init(&r->line, line_max);
}

static void start_text_line(struct smtp_reader *r)
{
    r->at = PLACE_START;
    r->text_line = r->text_line_max ? 0 : (uint32_t)UNCOUNTED;
}

void smtp_reader_begin_data(struct smtp_reader *r)
{
    r->mode = SMTP_READER_DATA;
    start_text_line(r);
}

void smtp_reader_begin_chunk(struct smtp_reader *r, uint64_t size, bool first, bool last)
{
    r->mode = SMTP_READER_COUNTED;
    r->left = size;
    r->last = last;
    if (first)
        start_text_line(r);
}

void smtp_reader_discard_chunk(struct smtp_reader *r)
{
    if (r->mode == SMTP_READER_COUNTED)
        r->mode = SMTP_READER_DISCARD;
}

static enum smtp_reader_event refuse(struct smtp_reader *r, enum line_form form)
{
    r->mode = SMTP_READER_STOPPED;
    r->line.form = (uint8_t)form;
    return SMTP_READER_BAD;
}

/* The same in message data, where a lenient reader goes on: `bytes` are text. */
static enum smtp_reader_event refuse_text(struct smtp_reader *r, enum line_form form,
                                          struct span bytes, struct span *bytes_out)
{
    if (!r->lenient)
        return refuse(r, form);
    r->line.form = (uint8_t)form;
    r->at = PLACE_MIDDLE;
    *bytes_out = bytes;
    return SMTP_READER_ODD;
}

void smtp_reader_gap(struct smtp_reader *r)
{
    r->at = PLACE_MIDDLE;
}

enum line_form smtp_reader_form(const struct smtp_reader *r)
{
    return (enum line_form)r->line.form;
}

/* Throws away the rest of a command line. */
static enum smtp_reader_event next_skipped(struct smtp_reader *r, struct span *in)
{
    while (in->len) {
        uint8_t c = in->data[0];

        if (r->skipped_cr && c != '\n')
            return refuse(r, LINE_FORM_BARE_CR);
        if (c == 0 || (c == '\n' && !r->skipped_cr))
            return refuse(r, c ? LINE_FORM_BARE_LF : LINE_FORM_NUL);
        if (c == '\n' || c == '\r') {
            *in = span_skip(*in, 1);
            r->skipped_cr = true;
        }
        if (c == '\n') {
            r->mode = SMTP_READER_COMMANDS;
            return SMTP_READER_LONG;
        }
        if (c != '\r')
            *in = span_skip(*in, line_scan(*in));
    }
    return SMTP_READER_MORE;
}

/* Whether the line begins with "BDAT", partly held and partly in the input. */
static bool is_chunk_line(const struct line *l, struct span in)
{
    static const uint8_t verb[4] = {'b', 'd', 'a', 't'};

    for (size_t i = 0; i < sizeof(verb); i++) {
        size_t behind = i - l->held;

        if (i >= l->held && behind >= in.len)
            return false;
        if (ascii_lower(i < l->held ? l->buffer[i] : in.data[behind]) != verb[i])
            return false;
    }
    return true;
}

static enum smtp_reader_event next_command(struct smtp_reader *r, struct span *in,
                                           struct span *bytes_out)
{
    switch (line_feed(&r->line, in, bytes_out)) {
    case LINE_DONE:
        return SMTP_READER_LINE;
    case LINE_BUFFER:
        return SMTP_READER_BUFFER;
    case LINE_BAD:
        return refuse(r, (enum line_form)r->line.form);
    case LINE_LONG:
        r->long_chunk = is_chunk_line(&r->line, *in);
        r->line.held = 0;
        r->mode = SMTP_READER_SKIP;
        r->skipped_cr = false;
        return next_skipped(r, in);
    case LINE_MORE:
        break;
    }
    return SMTP_READER_MORE;
}

/*
 * Decides what was taken and not handed out, by the next byte. SMTP_READER_MORE: go on with the
 * text. RFC 5321 section 4.5.2: a dot at the start of a line ends the data when CRLF follows, else
 * it is dropped.
 */
static enum smtp_reader_event resolve(struct smtp_reader *r, struct span *in,
                                      struct span *bytes_out)
{
    uint8_t c = in->data[0];

    if (r->at == PLACE_DOT) {
        r->at = PLACE_MIDDLE;
        if (c == '\r') {
            *in = span_skip(*in, 1);
            r->at = PLACE_DOT_CR;
        }
        return SMTP_READER_MORE;
    }
    if (c != '\n')
        return refuse_text(r, LINE_FORM_BARE_CR, span_of(crlf, 1), bytes_out);
    *in = span_skip(*in, 1);
    if (r->at == PLACE_DOT_CR) {
        r->mode = SMTP_READER_COMMANDS;
        return SMTP_READER_END;
    }
    start_text_line(r);
    *bytes_out = span_of(crlf, sizeof(crlf));
    return SMTP_READER_TEXT;
}

/* What stands at the input's first byte is no text: it is held, or named. SMTP_READER_MORE: go on.
 */
static enum smtp_reader_event special(struct smtp_reader *r, struct span *in,
                                      struct span *bytes_out)
{
    struct span odd = span_head(*in, 1);

    /* Refused bytes are left where they are; nothing is read behind them. */
    if (r->lenient || in->data[0] == '.' || (in->data[0] == '\r' && in->len == 1))
        *in = span_skip(*in, 1);
    switch (odd.data[0]) {
    case 0:
        return refuse_text(r, LINE_FORM_NUL, odd, bytes_out);
    case '\n':
        return refuse_text(r, LINE_FORM_BARE_LF, odd, bytes_out);
    case '\r':
        if (in->len)
            return refuse_text(r, LINE_FORM_BARE_CR, odd, bytes_out);
        r->at = PLACE_CR;
        break;
    default:
        r->at = PLACE_DOT;
        break;
    }
    return SMTP_READER_MORE;
}

/* The longest run of text at the input's start; empty when something special stands there. */
static struct span take_text(struct smtp_reader *r, struct span *in)
{
    struct smtp_scan scan = {
        .line_start = r->text_line == UNCOUNTED ? SMTP_SCAN_UNLIMITED : -(int64_t)r->text_line,
        .line_max = r->text_line_max ? r->text_line_max : SMTP_SCAN_UNLIMITED,
        /* A chunk has no stuffed dots; the scan stops at one all the same, and here goes over it.
         */
        .at_start = r->at == PLACE_START && r->mode == SMTP_READER_DATA,
    };
    struct span text = span_head(*in, smtp_scan(&scan, *in));

    *in = span_skip(*in, text.len);
    if (text.len)
        r->at = text.data[text.len - 1] == '\n' ? PLACE_START : PLACE_MIDDLE;
    if (scan.line_start <= 0 && r->text_line_max)
        r->text_line = (uint32_t)-scan.line_start;
    return text;
}

static enum smtp_reader_event next_data(struct smtp_reader *r, struct span *in,
                                        struct span *bytes_out)
{
    while (in->len) {
        enum smtp_reader_event event;

        if (r->at > PLACE_MIDDLE) {
            event = resolve(r, in, bytes_out);
        } else {
            *bytes_out = take_text(r, in);
            if (bytes_out->len)
                return SMTP_READER_TEXT;
            if (r->text_line_max && r->text_line == r->text_line_max && in->data[0] != '\n') {
                r->text_line = UNCOUNTED;
                return SMTP_READER_LONG;
            }
            event = special(r, in, bytes_out);
        }
        if (event != SMTP_READER_MORE)
            return event;
    }
    return SMTP_READER_MORE;
}

/* The same within a chunk; SMTP_READER_MORE when all there is of it was taken. */
static enum smtp_reader_event next_counted(struct smtp_reader *r, struct span *in,
                                           struct span *bytes_out)
{
    struct span chunk = span_head(*in, r->left < in->len ? (size_t)r->left : in->len);
    struct span rest = chunk;
    enum smtp_reader_event event = SMTP_READER_MORE;

    if (r->mode == SMTP_READER_COUNTED && !r->binary) {
        event = next_data(r, &rest, bytes_out);
    } else {
        if (r->mode == SMTP_READER_COUNTED && chunk.len) {
            *bytes_out = chunk;
            event = SMTP_READER_TEXT;
        }
        rest = span_skip(chunk, chunk.len);
    }
    *in = span_skip(*in, chunk.len - rest.len);
    r->left -= chunk.len - rest.len;
    return event;
}

static enum smtp_reader_event next_chunk(struct smtp_reader *r, struct span *in,
                                         struct span *bytes_out)
{
    enum smtp_reader_event event = next_counted(r, in, bytes_out);

    if (event != SMTP_READER_MORE || r->left)
        return event;
    if (r->mode == SMTP_READER_COUNTED && r->last && r->at == PLACE_CR)
        return refuse_text(r, LINE_FORM_BARE_CR, span_of(crlf, 1), bytes_out);
    r->mode = SMTP_READER_COMMANDS;
    return SMTP_READER_CHUNK;
}

enum smtp_reader_event smtp_reader_next(struct smtp_reader *r, struct span *in,
                                        struct span *bytes_out)
{
    switch ((enum smtp_reader_mode)r->mode) {
    case SMTP_READER_COMMANDS:
        return next_command(r, in, bytes_out);
    case SMTP_READER_SKIP:
        return next_skipped(r, in);
    case SMTP_READER_DATA:
        return next_data(r, in, bytes_out);
    case SMTP_READER_COUNTED:
    case SMTP_READER_DISCARD:
        return next_chunk(r, in, bytes_out);
    case SMTP_READER_STOPPED:
        break;
    }
    return SMTP_READER_BAD;
}
