/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_convert.h"

#include "proto/base/base64.h"
#include "proto/base/utf8.h"
#include "proto/pop3/pop3_downgrade.h"

enum pop3_segment {
    SEGMENT_NONE,
    SEGMENT_PLAIN,
    SEGMENT_HEADER,
    SEGMENT_BASE64,
};

enum cut { CUT_NOT, CUT_ASCII, CUT_OUT };

enum { BASE64_LINE = 76 }; /* RFC 2045 section 6.8 */

/* ---- what comes next ---- */

static void next_part(struct pop3_convert *c)
{
    c->has_part = mime_tree_read_next(&c->tree, &c->part) == MIME_TREE_NEXT;
    if (!c->has_part)
        c->tree.next = c->tree.parts;
}

void pop3_convert_init(struct pop3_convert *c, struct span tree, uint64_t prefix, uint64_t size,
                       unsigned forms, uint8_t *memory)
{
    memset(c, 0, sizeof(*c));
    c->size = size;
    c->prefix = prefix;
    c->forms = (uint8_t)forms;
    c->field = memory;
    c->spare = memory + POP3_CONVERT_FIELD;
    c->scratch = memory + (size_t)2 * POP3_CONVERT_FIELD;
    if (mime_tree_read_init(&c->tree, tree))
        next_part(c);
    /* Without a tree there is one header at least, which ends at its blank line. */
    if (!c->has_part)
        c->part = (struct mime_tree_part){.body_offset = size};
    c->has_part = true;
}

static uint64_t at_most(uint64_t n, uint64_t limit)
{
    return n < limit ? n : limit;
}

static bool is_binary(const struct pop3_convert *c)
{
    return (c->forms & POP3_FORM_BINARY) && c->part.encoding == MIME_ENCODING_BINARY;
}

static void begin(struct pop3_convert *c, enum pop3_segment segment, uint64_t until)
{
    c->segment = (uint8_t)segment;
    c->until = at_most(until, c->size);
    c->line_begin = true;
    c->column = 0;
}

static void next_segment(struct pop3_convert *c)
{
    uint64_t header = c->part.index ? c->prefix + c->part.header_offset : 0;
    uint64_t body = c->prefix + c->part.body_offset;

    if (c->leaf && c->offset <= body) {
        /* The blank line came early, or the header is just behind us. */
        if (c->offset < body) {
            begin(c, SEGMENT_PLAIN, body);
            return;
        }
        c->leaf = false;
        begin(c, SEGMENT_BASE64, body + c->part.body_len);
        next_part(c);
        return;
    }
    c->leaf = false;
    while (c->has_part && (header < c->offset || body <= header)) {
        next_part(c);
        header = c->prefix + c->part.header_offset;
        body = c->prefix + c->part.body_offset;
    }
    if (!c->has_part) {
        begin(c, SEGMENT_PLAIN, c->size);
    } else if (header > c->offset) {
        begin(c, SEGMENT_PLAIN, header);
    } else {
        begin(c, SEGMENT_HEADER, body);
        c->recoded = false;
    }
}

/* The header is behind us: the part's body, or the next part. */
static void header_ended(struct pop3_convert *c)
{
    c->leaf = is_binary(c) && c->part.kind == MIME_LEAF && c->part.body_len > 0;
    if (!c->leaf)
        next_part(c);
    c->segment = SEGMENT_NONE;
}

/* ---- headers ---- */

static bool is_encoding_field(struct span field)
{
    static const char name[] = "Content-Transfer-Encoding";
    ptrdiff_t colon = span_find(field, ':');
    struct span word = span_head(field, colon < 0 ? 0 : (size_t)colon);

    while (word.len && (word.data[word.len - 1] == ' ' || word.data[word.len - 1] == '\t'))
        word.len--;
    return span_equal_nocase(word, span_text(name));
}

static void stage_encoding(struct pop3_convert *c)
{
    if (!c->recoded)
        c->staged = span_text(c->part.kind == MIME_LEAF ? "Content-Transfer-Encoding: base64\r\n"
                                                        : "Content-Transfer-Encoding: 8bit\r\n");
    c->recoded = true;
}

/* The field in the buffer is whole. */
static void end_field(struct pop3_convert *c)
{
    struct span field = span_of(c->field, c->field_len);
    struct writer out = writer_of(c->spare, POP3_CONVERT_FIELD);
    struct writer scratch = writer_of(c->scratch, POP3_CONVERT_FIELD);

    c->field_len = 0;
    if (c->cut != CUT_NOT)
        c->cut = CUT_NOT;
    else if (is_binary(c) && is_encoding_field(field))
        stage_encoding(c);
    else if (!(c->forms & POP3_FORM_UTF8) || !utf8_needed(field))
        c->staged = field;
    else if (pop3_downgrade_field(field, &out, &scratch))
        c->staged = writer_span(&out);
}

/* A field is longer than the buffer: what is held of it goes out, or all of it is left out. */
static void cut_field(struct pop3_convert *c)
{
    struct span held = span_of(c->field, c->field_len);

    if (c->cut == CUT_NOT)
        c->cut = (c->forms & POP3_FORM_UTF8) && utf8_needed(held) ? CUT_OUT : CUT_ASCII;
    for (size_t i = 0; (c->forms & POP3_FORM_UTF8) && i < held.len; i++)
        if (c->field[i] >= 0x80)
            c->field[i] = '?';
    if (c->cut == CUT_ASCII)
        c->staged = held;
    c->field_len = 0;
}

static bool is_blank_line(const struct pop3_convert *c)
{
    return (c->field_len == 2 && memcmp(c->field, "\r\n", 2) == 0) ||
           (c->field_len == 1 && c->field[0] == '\n');
}

static void take_header(struct pop3_convert *c, struct span *in)
{
    struct span now = span_head(*in, c->until - c->offset);
    bool fold = now.data[0] == ' ' || now.data[0] == '\t', held = c->field_len || c->cut;
    ptrdiff_t lf;

    if (c->line_begin && held && !fold) {
        if (c->cut != CUT_NOT)
            cut_field(c);
        end_field(c);
        return;
    }
    lf = span_find(now, '\n');
    now = span_head(now, lf < 0 ? now.len : (size_t)lf + 1);
    now = span_head(now, POP3_CONVERT_FIELD - c->field_len);
    memcpy(c->field + c->field_len, now.data, now.len);
    c->field_len += (uint32_t)now.len;
    c->offset += now.len;
    *in = span_skip(*in, now.len);
    c->line_begin = now.data[now.len - 1] == '\n';
    if (c->line_begin && c->cut == CUT_NOT && is_blank_line(c)) {
        c->staged = span_of(c->field, c->field_len);
        c->field_len = 0;
        header_ended(c);
    } else if (c->field_len == POP3_CONVERT_FIELD) {
        cut_field(c);
    }
}

/* The header's bytes are used up: its last field has no other end. */
static void close_header(struct pop3_convert *c)
{
    if (c->cut != CUT_NOT)
        cut_field(c);
    if (c->field_len || c->cut != CUT_NOT)
        end_field(c);
    else
        header_ended(c);
}

/* ---- bodies ---- */

static void take_plain(struct pop3_convert *c, struct span *in, struct writer *out)
{
    struct span now = span_head(*in, c->until - c->offset);

    now = span_head(now, writer_room(out));
    writer_span_put(out, now);
    c->offset += now.len;
    *in = span_skip(*in, now.len);
}

static void put_group(struct pop3_convert *c, struct writer *out)
{
    if (c->column == BASE64_LINE) {
        writer_text(out, "\r\n");
        c->column = 0;
    }
    base64_put(out, span_of(c->carry, c->carry_len));
    c->column += 4;
    c->carry_len = 0;
}

static void take_base64(struct pop3_convert *c, struct span *in, struct writer *out)
{
    struct span now = span_head(*in, c->until - c->offset);
    size_t at = 0;

    while (at < now.len && writer_room(out) >= 6) {
        c->carry[c->carry_len++] = now.data[at++];
        if (c->carry_len == 3)
            put_group(c, out);
    }
    c->offset += at;
    *in = span_skip(*in, at);
}

/* The line end before a delimiter belongs to that; only a message that ends here needs one more. */
static void close_base64(struct pop3_convert *c, struct writer *out)
{
    if (c->carry_len)
        put_group(c, out);
    if (c->until == c->size)
        writer_text(out, "\r\n");
    c->segment = SEGMENT_NONE;
}

static uint64_t encoded_size(uint64_t bytes, bool last)
{
    uint64_t n = base64_size(bytes);

    return n + (n ? (n - 1) / BASE64_LINE * 2 : 0) + (last ? 2 : 0);
}

/* ---- */

static void put_staged(struct pop3_convert *c, struct writer *out)
{
    struct span now = span_head(c->staged, writer_room(out));

    writer_span_put(out, now);
    c->staged = span_skip(c->staged, now.len);
}

/* One step at the end of a segment. */
static void close_segment(struct pop3_convert *c, struct writer *out)
{
    if (c->segment == SEGMENT_HEADER)
        close_header(c);
    else if (c->segment == SEGMENT_BASE64)
        close_base64(c, out);
    else
        c->segment = SEGMENT_NONE;
}

enum pop3_convert_status pop3_convert_feed(struct pop3_convert *c, struct span *in,
                                           struct writer *out)
{
    for (;;) {
        if (c->staged.len)
            put_staged(c, out);
        if (writer_room(out) < 16)
            return POP3_CONVERT_ROOM;
        if (c->segment == SEGMENT_NONE) {
            if (c->offset >= c->size)
                return POP3_CONVERT_DONE;
            next_segment(c);
        } else if (c->offset >= c->until) {
            close_segment(c, out);
        } else if (in->len == 0) {
            return POP3_CONVERT_MORE;
        } else if (c->segment == SEGMENT_HEADER) {
            take_header(c, in);
        } else if (c->segment == SEGMENT_BASE64) {
            take_base64(c, in, out);
        } else {
            take_plain(c, in, out);
        }
    }
}

bool pop3_convert_skip(struct pop3_convert *c, uint64_t *length, uint64_t *wanted_out)
{
    uint64_t n;

    if (c->segment == SEGMENT_NONE && c->offset < c->size)
        next_segment(c);
    n = c->until - c->offset;
    *wanted_out = n;
    if (c->staged.len || c->carry_len || c->column ||
        (c->segment != SEGMENT_PLAIN && c->segment != SEGMENT_BASE64))
        return false;
    *length += c->segment == SEGMENT_PLAIN ? n : encoded_size(n, c->until == c->size);
    c->offset = c->until;
    c->segment = SEGMENT_NONE;
    return true;
}
