/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_header.h"

#include "proto/base/ascii.h"

#include "proto/mime/mime_body.h"
#include "proto/mime/mime_describe.h"

#define LONG_TOLD (1ull << 63) /* in fields_seen, beside the fields */
#define LINES_TOLD (1ull << 62)
_Static_assert(MIME_FIELDS <= 62, "two bits are left");

enum { JUDGED_MAX = 512 }; /* bytes of a line by which it is certain what it is */
enum {
    NAME_MAX = 256
}; /* bytes of a field's name with the blanks behind it; RFC 5322 allows what fits a line */

static struct mime_frame *top(struct mime_reader *r)
{
    return &r->frames[r->depth - 1];
}

static void note(struct mime_reader *r, enum mime_anomaly anomaly)
{
    r->anomalies |= 1ull << anomaly;
}

void mime_header_begin(struct mime_reader *r)
{
    top(r)->header_offset = r->offset;
    r->field_held = 0;
    r->field_total = 0;
    r->field_offset = r->offset;
    r->fields_seen = 0;
    r->head_lines = 0;
    mime_describe_begin(r);
}

enum line_kind {
    LINE_MORE,
    LINE_EMPTY, /* the header ends with it */
    LINE_BODY,  /* no field, or a delimiter: the header ended before it */
    LINE_NONE,  /* likewise, and the line is to blame */
    LINE_FIELD,
    LINE_MBOX,     /* a field in all but content: left out */
    LINE_FOLD,     /* likewise */
    LINE_NAMELESS, /* likewise */
    LINE_JUNK,     /* likewise; LINE_NONE to most readers */
    LINE_DOUBT,    /* LINE_NONE or left out, and both are wanted */
};

static bool mbox_line(struct span s)
{
    return span_equal(span_head(s, 5), span_text("From ")) ||
           span_equal(span_head(s, 6), span_text(">From "));
}

/* A line that is no field: the header ended before it, or it is passed over. */
static enum line_kind none(const struct mime_reader *r)
{
    if (mime_reader_other(r, MIME_DOUBT_HEADER))
        return LINE_JUNK;
    return mime_reader_asks(r, MIME_DOUBT_HEADER) ? LINE_DOUBT : LINE_NONE;
}

/* A From line behind fields: left out, or it is no field and ends the header. */
static enum line_kind mbox_inside(const struct mime_reader *r)
{
    if (mime_reader_other(r, MIME_DOUBT_HEADER))
        return LINE_NONE;
    return mime_reader_asks(r, MIME_DOUBT_HEADER) ? LINE_DOUBT : LINE_MBOX;
}

/*
 * field = field-name *WSP ":" ...   (RFC 5322 sections 3.6.8 and 4.5): is the begin of this line
 * one?
 */
static enum line_kind judge_name(const struct mime_reader *r, struct span s)
{
    struct span line = span_head(s, NAME_MAX);
    size_t i = 0, name;

    while (i < line.len && line.data[i] > ' ' && line.data[i] < 0x7f && line.data[i] != ':')
        i++;
    name = i;
    while (i < line.len && ascii_blank(line.data[i]))
        i++;
    if (i < line.len && line.data[i] == ':')
        return name ? LINE_FIELD : LINE_NAMELESS;
    if (i == s.len && !r->finished)
        return LINE_MORE;
    if (!mbox_line(s))
        return none(r);
    if (r->field_offset == r->frames[r->depth - 1].header_offset)
        return LINE_MBOX;
    return s.data[0] == '>' ? none(r) : mbox_inside(r);
}

/* The begin of a line at the begin of `s`, which is not empty. */
static enum line_kind judge(struct mime_reader *r, struct span s)
{
    enum mime_delimiter delimiter;
    uint8_t depth;
    size_t len;

    if (s.data[0] == '\n')
        return LINE_EMPTY;
    if (s.data[0] == '\r' && s.len == 1)
        return r->finished ? LINE_NONE : LINE_MORE;
    if (s.data[0] == '\r')
        return s.data[1] == '\n' ? LINE_EMPTY : LINE_NONE;
    if (ascii_blank(s.data[0]))
        return LINE_FOLD;
    delimiter = mime_body_judge(r, s, &len, &depth);
    if (delimiter == MIME_DELIMITER_MORE)
        return LINE_MORE;
    /* A doubtful one is text in a header, and asked of when it is seen as body. */
    return delimiter == MIME_DELIMITER_NONE || delimiter == MIME_DELIMITER_DOUBT ? judge_name(r, s)
                                                                                 : LINE_BODY;
}

static enum mime_anomaly left_out(enum line_kind kind)
{
    switch (kind) {
    case LINE_MBOX:
        return MIME_ANOMALY_MBOX_LINE;
    case LINE_FOLD:
        return MIME_ANOMALY_FOLD_FIRST;
    case LINE_JUNK:
        return MIME_ANOMALY_FIELD_NONE;
    default:
        return MIME_ANOMALY_FIELD_NAMELESS;
    }
}

/* The header goes over a limit with this field. Told once each. */
static bool over_limit(struct mime_reader *r)
{
    bool bytes = r->field_offset - top(r)->header_offset >= r->limits.header;
    bool lines = r->limits.lines && r->head_lines >= r->limits.lines;

    if (bytes && !(r->fields_seen & LONG_TOLD))
        note(r, MIME_ANOMALY_HEADER_LONG);
    if (lines && !(r->fields_seen & LINES_TOLD))
        note(r, MIME_ANOMALY_HEADER_LINES);
    r->fields_seen |= (bytes ? LONG_TOLD : 0) | (lines ? LINES_TOLD : 0);
    return bytes || lines;
}

static uint64_t line_ends(struct span s, bool *bare_out)
{
    uint64_t n = 0;

    for (size_t i = 0;;) {
        ptrdiff_t found = span_find(span_skip(s, i), '\n');

        if (found < 0)
            return n;
        i += (size_t)found;
        n++;
        *bare_out |= i == 0 || s.data[i - 1] != '\r';
        i++;
    }
}

static void note_bare(struct mime_reader *r)
{
    if (!r->bare_told)
        note(r, MIME_ANOMALY_BARE_LF);
    r->bare_told = true;
}

/*
 * Splits raw into name and value. The colon is there: judge_name() saw it. True when blanks stand
 * before it.
 */
static bool split(struct mime_reader *r, struct span raw, struct mime_event *event_out)
{
    size_t colon = (size_t)span_find(raw, ':');
    struct span name = span_head(raw, colon), value = span_skip(raw, colon + 1);
    bool blank = ascii_blank(name.data[name.len - 1]);

    if (blank)
        note(r, MIME_ANOMALY_FIELD_BLANK);
    while (ascii_blank(name.data[name.len - 1]))
        name.len--;
    while (value.len && ascii_blank(value.data[0]))
        value = span_skip(value, 1);
    event_out->field.id = mime_field_of(name);
    event_out->field.raw = raw;
    event_out->field.name = name;
    event_out->field.value = value;
    return blank;
}

/*
 * A field is whole: `text` is what is kept of its r->field_total bytes, its last line end in it
 * unless it was cut.
 */
static enum mime_header_status whole(struct mime_reader *r, enum line_kind kind, struct span text,
                                     struct mime_event *event_out)
{
    bool cut = text.len < r->field_total, bare = false, blank, over;

    line_ends(text, &bare);
    if (bare)
        note_bare(r);
    over = kind == LINE_FIELD && over_limit(r);
    r->lines += r->field_lines;
    r->head_lines += (uint32_t)r->field_lines;
    r->field_total = 0;
    r->field_held = 0;
    if (kind != LINE_FIELD)
        note(r, left_out(kind));
    if (kind != LINE_FIELD || over)
        return MIME_HEADER_AGAIN;
    if (!cut && text.len && text.data[text.len - 1] == '\n')
        text.len -= text.len >= 2 && text.data[text.len - 2] == '\r' ? 2 : 1;
    if (cut)
        note(r, MIME_ANOMALY_FIELD_LONG);
    event_out->kind = MIME_FIELD;
    event_out->part = top(r)->index;
    event_out->offset = r->field_offset;
    event_out->field.message = top(r)->message;
    event_out->field.cut = cut;
    blank = split(r, text, event_out);
    mime_describe_field(r, event_out->field.id, event_out->field.value, blank);
    return MIME_HEADER_FIELD;
}

static void take(struct mime_reader *r, struct span *in, size_t n)
{
    *in = span_skip(*in, n);
    r->offset += n;
}

/* Copies the first `n` bytes of the input behind what is gathered, as far as the buffer goes. */
static void gather(struct mime_reader *r, struct span *in, size_t n)
{
    struct span part = span_head(span_head(*in, n), r->limits.field - r->field_held);
    bool bare = false;

    /* May overlap: bytes that are read again lie in the same buffer. */
    memmove(r->memory.field + r->field_held, part.data, part.len);
    r->field_lines += line_ends(span_head(*in, n), &bare);
    r->field_held += (uint32_t)part.len;
    r->field_total += n;
    r->field_line_end = in->data[n - 1] == '\n';
    take(r, in, n);
}

static enum mime_header_status empty_line(struct mime_reader *r, bool bare)
{
    r->lines++;
    r->field_total = 0;
    r->field_held = 0;
    if (bare)
        note_bare(r);
    return MIME_HEADER_DONE;
}

static enum mime_header_status unended(struct mime_reader *r, enum line_kind kind)
{
    note(r, kind == LINE_NONE ? MIME_ANOMALY_FIELD_NONE : MIME_ANOMALY_HEADER_UNENDED);
    return MIME_HEADER_DONE;
}

/*
 * The length of the field at the begin of `s` with its folds and last line end; 0 when its end is
 * not seen.
 */
static size_t field_len(const struct mime_reader *r, struct span s)
{
    size_t i = 0;

    for (;;) {
        ptrdiff_t nl = span_find(span_skip(s, i), '\n');

        i += (size_t)nl + 1;
        if (nl < 0 || i == s.len)
            return r->finished ? s.len : 0;
        if (!ascii_blank(s.data[i]))
            return i;
    }
}

static enum mime_header_status doubt(struct mime_reader *r)
{
    r->doubt = MIME_DOUBT_HEADER;
    return MIME_HEADER_DOUBT;
}

/* Nothing is gathered: the field is read where it lies, if all of it does. */
static enum mime_header_status in_place(struct mime_reader *r, struct span *in,
                                        struct mime_event *event_out)
{
    enum line_kind kind;
    struct span text;
    bool bare = false;
    size_t len;

    r->field_offset = r->offset;
    kind = judge(r, *in);
    if (kind == LINE_EMPTY) {
        bare = in->data[0] == '\n';
        take(r, in, bare ? 1 : 2);
        return empty_line(r, bare);
    }
    if (kind == LINE_BODY || kind == LINE_NONE)
        return unended(r, kind);
    if (kind == LINE_DOUBT)
        return doubt(r);
    len = kind == LINE_MORE ? 0 : field_len(r, *in);
    if (len == 0) {
        if (!r->memory.field)
            return MIME_HEADER_BUFFER;
        r->field_lines = 0;
        r->field_judged = kind != LINE_MORE;
        gather(r, in, in->len);
        return MIME_HEADER_MORE;
    }
    text = span_head(*in, len);
    r->field_total = len;
    r->field_lines = line_ends(text, &bare);
    take(r, in, len);
    return whole(r, kind, span_head(text, r->limits.field), event_out);
}

static struct span gathered(const struct mime_reader *r)
{
    return span_of(r->memory.field, r->field_held);
}

/*
 * The gathered line is no field: it is read again as what follows the header. All of it is in the
 * buffer.
 */
static enum mime_header_status read_again(struct mime_reader *r, enum line_kind kind)
{
    r->replay = gathered(r);
    r->offset -= r->field_held;
    r->field_held = 0;
    r->field_total = 0;
    return unended(r, kind);
}

/*
 * Gathers until it is certain what the line is. Never more than its line end, so that it can be
 * read again.
 */
static enum line_kind judge_gathered(struct mime_reader *r, struct span *in)
{
    for (;;) {
        enum line_kind kind = judge(r, gathered(r));
        struct span part = span_head(*in, JUDGED_MAX);
        ptrdiff_t nl = span_find(part, '\n');

        if (kind != LINE_MORE || in->len == 0)
            return kind;
        gather(r, in, nl < 0 ? part.len : (size_t)nl + 1);
    }
}

/*
 * Gathers up to the field's end: a line end with no blank behind it. False when the input was too
 * short.
 */
static bool gather_rest(struct mime_reader *r, struct span *in)
{
    while (in->len) {
        ptrdiff_t nl = span_find(*in, '\n');

        if (r->field_line_end && !ascii_blank(in->data[0]))
            return true;
        gather(r, in, nl < 0 ? in->len : (size_t)nl + 1);
    }
    return r->finished;
}

enum mime_header_status mime_header_next(struct mime_reader *r, struct span *in,
                                         struct mime_event *event_out)
{
    enum line_kind kind;

    if (in->len == 0 && !r->finished)
        return MIME_HEADER_MORE;
    if (r->field_total == 0)
        return in->len ? in_place(r, in, event_out) : unended(r, LINE_BODY);
    if (!r->field_judged) {
        kind = judge_gathered(r, in);
        if (kind == LINE_MORE)
            return MIME_HEADER_MORE;
        if (kind == LINE_EMPTY)
            return empty_line(r, r->field_held == 1);
        if (kind == LINE_BODY || kind == LINE_NONE)
            return read_again(r, kind);
        if (kind == LINE_DOUBT)
            return doubt(r);
        r->field_judged = true;
    }
    if (!gather_rest(r, in))
        return MIME_HEADER_MORE;
    return whole(r, judge(r, gathered(r)), gathered(r), event_out);
}
