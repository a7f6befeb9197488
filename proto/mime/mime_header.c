/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_header.h"

#include "proto/mime/mime_body.h"

#define LONG_TOLD (1ull << 63) /* in fields_seen, beside the fields */
_Static_assert(MIME_FIELDS <= 63, "one bit is left");

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
    r->text_len = 0;
    r->part_boundary = 0;
    r->part = (struct mime_part){
        .parent = top(r)->parent, .message = top(r)->message, .header_offset = r->offset};
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
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool mbox_line(struct span s)
{
    return span_equal(span_head(s, 5), span_text("From ")) ||
           span_equal(span_head(s, 6), span_text(">From "));
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
    while (i < line.len && is_blank(line.data[i]))
        i++;
    if (i < line.len && line.data[i] == ':')
        return name ? LINE_FIELD : LINE_NAMELESS;
    if (i == s.len && !r->finished)
        return LINE_MORE;
    return r->field_offset == r->frames[r->depth - 1].header_offset && mbox_line(s) ? LINE_MBOX
                                                                                    : LINE_NONE;
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
    if (is_blank(s.data[0]))
        return LINE_FOLD;
    delimiter = mime_body_judge(r, s, &len, &depth);
    if (delimiter == MIME_DELIMITER_MORE)
        return LINE_MORE;
    return delimiter == MIME_DELIMITER_NONE ? judge_name(r, s) : LINE_BODY;
}

/* Appends text to what r->part points to; cut, with an anomaly, at `limit` bytes. */
static struct span keep(struct mime_reader *r, struct span text, size_t limit)
{
    struct span kept = span_of(r->text + r->text_len, text.len < limit ? text.len : limit);

    if (kept.len < text.len)
        note(r, MIME_ANOMALY_FILENAME_LONG);
    if (kept.len)
        memcpy(r->text + r->text_len, text.data, kept.len);
    r->text_len = (uint16_t)(r->text_len + kept.len);
    return kept;
}

/* Keeps a parameter's decoded value. */
static struct span keep_parameter(struct mime_reader *r, const struct mime_content_type *t,
                                  const char *name, size_t limit)
{
    uint8_t text[MIME_FILENAME_MAX];
    struct writer w = writer_of(text, limit);
    uint8_t flags = 0;

    if (!mime_content_type_find(t, name, r->memory.charset, &w, &flags))
        return span_of(NULL, 0);
    if (flags & MIME_PARAMETER_CHARSET)
        note(r, MIME_ANOMALY_CHARSET_UNKNOWN);
    if (flags & MIME_PARAMETER_CUT)
        note(r, MIME_ANOMALY_FILENAME_LONG);
    return keep(r, writer_span(&w), limit);
}

static void note_flags(struct mime_reader *r, uint8_t flags)
{
    if (flags & MIME_PARAMETER_BAD)
        note(r, MIME_ANOMALY_PARAMETER_BAD);
    if (flags & MIME_PARAMETER_TWICE)
        note(r, MIME_ANOMALY_PARAMETER_TWICE);
    if (flags & MIME_PARAMETER_MANY)
        note(r, MIME_ANOMALY_PARAMETER_MANY);
}

/* The bytes of boundaries[] that open multiparts use. */
static size_t boundaries_used(const struct mime_reader *r)
{
    size_t used = 0;

    for (size_t i = 0; i + 1 < r->depth; i++)
        if (r->frames[i].kind == MIME_MULTIPART)
            used = (size_t)r->frames[i].boundary + r->frames[i].boundary_len;
    return used;
}

/*
 * Puts the boundary behind those in use; its frame takes it when the part turns out to be a
 * multipart.
 */
static void keep_boundary(struct mime_reader *r, const struct mime_content_type *t)
{
    size_t used = boundaries_used(r), room = sizeof(r->boundaries) - used;
    struct writer w =
        writer_of(r->boundaries + used, room < MIME_BOUNDARY_MAX ? room : MIME_BOUNDARY_MAX);

    if (!mime_content_type_raw(t, "boundary", &w) || w.full)
        return;
    /*
     * Padding behind a delimiter is not compared (RFC 2046 section 5.1.1), so it cannot be part of
     * it.
     */
    while (w.len && is_blank(w.data[w.len - 1]))
        w.len--;
    r->part_boundary = (uint8_t)w.len;
}

static void read_type(struct mime_reader *r, struct span value)
{
    struct mime_content_type t;

    mime_content_type_parse(value, &t);
    note_flags(r, t.flags);
    if (t.type.len == 0 || t.subtype.len == 0) {
        note(r, MIME_ANOMALY_TYPE_BAD);
        /* Content-Type was there, so a multipart/digest's default does not apply. */
        r->part.type = span_text("text");
        r->part.subtype = span_text("plain");
    } else {
        r->part.type = keep(r, t.type, MIME_TOKEN_MAX);
        r->part.subtype = keep(r, t.subtype, MIME_TOKEN_MAX);
    }
    r->part.charset = keep_parameter(r, &t, "charset", MIME_TOKEN_MAX);
    r->part.name = keep_parameter(r, &t, "name", MIME_FILENAME_MAX);
    keep_boundary(r, &t);
}

static void read_disposition(struct mime_reader *r, struct span value)
{
    struct mime_content_type t;

    mime_content_type_parse(value, &t);
    note_flags(r, t.flags);
    r->part.disposition = keep(r, t.type, MIME_TOKEN_MAX);
    r->part.filename = keep_parameter(r, &t, "filename", MIME_FILENAME_MAX);
}

static bool once(enum mime_field id)
{
    static const bool rows[MIME_FIELDS] = {
#define FIELD(NAME, name, once_) [MIME_FIELD_##NAME] = once_,
#include "proto/mime/mime_field.def"
#undef FIELD
    };

    return rows[id];
}

/* What the field says of the part; of a field that may stand once, the first counts. */
static void read_field(struct mime_reader *r, enum mime_field id, struct span value)
{
    if (once(id) && (r->fields_seen & 1ull << id)) {
        note(r, MIME_ANOMALY_FIELD_TWICE);
        return;
    }
    r->fields_seen |= 1ull << id;
    if (id == MIME_FIELD_CONTENT_TYPE)
        read_type(r, value);
    else if (id == MIME_FIELD_CONTENT_DISPOSITION)
        read_disposition(r, value);
    else if (id == MIME_FIELD_CONTENT_TRANSFER_ENCODING)
        r->part.encoding = (uint8_t)mime_encoding_of(value);
}

static uint64_t line_ends(struct span s, bool *bare_out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\n') {
            n++;
            *bare_out |= i == 0 || s.data[i - 1] != '\r';
        }
    return n;
}

static void note_bare(struct mime_reader *r)
{
    if (!r->bare_told)
        note(r, MIME_ANOMALY_BARE_LF);
    r->bare_told = true;
}

/* Splits raw into name and value. The colon is there: judge_name() saw it. */
static void split(struct mime_reader *r, struct span raw, struct mime_event *event_out)
{
    size_t colon = (size_t)span_find(raw, ':');
    struct span name = span_head(raw, colon), value = span_skip(raw, colon + 1);

    if (is_blank(name.data[name.len - 1]))
        note(r, MIME_ANOMALY_FIELD_BLANK);
    while (is_blank(name.data[name.len - 1]))
        name.len--;
    while (value.len && is_blank(value.data[0]))
        value = span_skip(value, 1);
    event_out->field.id = mime_field_of(name);
    event_out->field.raw = raw;
    event_out->field.name = name;
    event_out->field.value = value;
}

/*
 * A field is whole: `text` is what is kept of its r->field_total bytes, its last line end in it
 * unless it was cut.
 */
static enum mime_header_status whole(struct mime_reader *r, enum line_kind kind, struct span text,
                                     struct mime_event *event_out)
{
    bool cut = text.len < r->field_total, bare = false;
    uint64_t begin = r->field_offset - top(r)->header_offset;

    line_ends(text, &bare);
    if (bare)
        note_bare(r);
    r->lines += r->field_lines;
    r->field_total = 0;
    r->field_held = 0;
    if (kind != LINE_FIELD) {
        note(r, kind == LINE_MBOX   ? MIME_ANOMALY_MBOX_LINE
                : kind == LINE_FOLD ? MIME_ANOMALY_FOLD_FIRST
                                    : MIME_ANOMALY_FIELD_NAMELESS);
        return MIME_HEADER_AGAIN;
    }
    if (begin >= r->limits.header) {
        if (!(r->fields_seen & LONG_TOLD))
            note(r, MIME_ANOMALY_HEADER_LONG);
        r->fields_seen |= LONG_TOLD;
        return MIME_HEADER_AGAIN;
    }
    if (!cut && text.len && text.data[text.len - 1] == '\n')
        text.len -= text.len >= 2 && text.data[text.len - 2] == '\r' ? 2 : 1;
    if (cut)
        note(r, MIME_ANOMALY_FIELD_LONG);
    event_out->kind = MIME_FIELD;
    event_out->part = top(r)->index;
    event_out->offset = r->field_offset;
    event_out->field.message = top(r)->message;
    event_out->field.cut = cut;
    split(r, text, event_out);
    read_field(r, event_out->field.id, event_out->field.value);
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
        if (!is_blank(s.data[i]))
            return i;
    }
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

        if (r->field_line_end && !is_blank(in->data[0]))
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
        r->field_judged = true;
    }
    if (!gather_rest(r, in))
        return MIME_HEADER_MORE;
    return whole(r, judge(r, gathered(r)), gathered(r), event_out);
}

static bool is(struct span token, const char *word)
{
    return span_equal_nocase(token, span_text(word));
}

static bool encoded(const struct mime_part *p)
{
    return p->encoding == MIME_ENCODING_QP || p->encoding == MIME_ENCODING_BASE64;
}

static enum mime_part_kind multipart(struct mime_reader *r)
{
    struct mime_frame *f = top(r);
    struct span boundary;

    if (r->part_boundary == 0) {
        note(r, MIME_ANOMALY_BOUNDARY_NONE);
        return MIME_LEAF;
    }
    f->boundary = (uint16_t)boundaries_used(r);
    f->boundary_len = r->part_boundary;
    boundary = span_of(r->boundaries + f->boundary, f->boundary_len);
    if (boundary.len > 70)
        note(r, MIME_ANOMALY_BOUNDARY_LONG);
    for (size_t i = 0; i + 1 < r->depth; i++) {
        const struct mime_frame *outer = &r->frames[i];

        if (outer->kind == MIME_MULTIPART &&
            span_equal(boundary, span_of(r->boundaries + outer->boundary, outer->boundary_len)))
            note(r, MIME_ANOMALY_BOUNDARY_SAME);
    }
    if (encoded(&r->part)) {
        note(r, MIME_ANOMALY_ENCODING_COMPOSITE);
        r->part.encoding = MIME_ENCODING_BINARY;
    }
    f->digest = is(r->part.subtype, "digest");
    r->boundaries_open++;
    return MIME_MULTIPART;
}

/*
 * An encoded message is not descended into (RFC 2045 section 6.4 forbids the encoding): it is given
 * decoded, so that its text is seen, and some readers would show it so.
 */
static enum mime_part_kind message(struct mime_reader *r)
{
    if (!encoded(&r->part))
        return MIME_MESSAGE;
    note(r, MIME_ANOMALY_ENCODING_COMPOSITE);
    return MIME_LEAF;
}

static enum mime_part_kind kind_of(struct mime_reader *r)
{
    bool is_multipart = is(r->part.type, "multipart");
    bool is_message = is(r->part.type, "message") &&
                      (is(r->part.subtype, "rfc822") || is(r->part.subtype, "global"));

    if (!is_multipart && !is_message)
        return MIME_LEAF;
    if (r->depth >= r->limits.depth) {
        note(r, MIME_ANOMALY_DEPTH);
        return MIME_LEAF;
    }
    return is_multipart ? multipart(r) : message(r);
}

void mime_header_settle(struct mime_reader *r)
{
    bool digest = r->depth > 1 && r->frames[r->depth - 2].digest;
    struct mime_part *p = &r->part;

    if (p->type.len == 0) {
        p->type = span_text(digest ? "message" : "text");
        p->subtype = span_text(digest ? "rfc822" : "plain");
    }
    if (p->encoding == MIME_ENCODING_UNKNOWN)
        note(r, MIME_ANOMALY_ENCODING_UNKNOWN);
    if (p->filename.len && p->name.len && !span_equal(p->filename, p->name))
        note(r, MIME_ANOMALY_FILENAME_TWO);
    if (p->filename.len == 0)
        p->filename = p->name;
    p->kind = top(r)->kind = (uint8_t)kind_of(r);
    p->body_offset = r->offset;
}
