/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/mbox_reader.h"

void mbox_reader_init(struct mbox_reader *r, enum mbox_format format,
                      const struct mbox_events *events)
{
    memset(r, 0, offsetof(struct mbox_reader, line));
    r->events = *events;
    r->format = format;
}

/* ---- what comes out ---- */

static void put(struct mbox_reader *r, struct span bytes)
{
    if (bytes.len && !r->refused) {
        r->refused = !r->events.bytes(r->events.context, bytes);
        r->last_cr = bytes.data[bytes.len - 1] == '\r';
    }
}

/* With CRLF for each LF. */
static void put_text(struct mbox_reader *r, struct span bytes)
{
    while (bytes.len) {
        ptrdiff_t lf = span_find(bytes, '\n');
        size_t n = lf < 0 ? bytes.len : (size_t)lf;

        put(r, span_head(bytes, n));
        if (lf < 0)
            return;
        put(r, r->last_cr ? span_text("\n") : span_text("\r\n"));
        bytes = span_skip(bytes, n + 1);
    }
}

static void put_quotes(struct mbox_reader *r)
{
    static const char many[] = ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>";

    for (uint64_t n; r->quotes > 0; r->quotes -= n) {
        n = r->quotes < sizeof(many) - 1 ? r->quotes : sizeof(many) - 1;
        put(r, span_of(many, (size_t)n));
    }
}

static void put_blank(struct mbox_reader *r)
{
    if (r->blank) {
        r->last_cr = false;
        put_text(r, span_text("\n"));
    }
    r->blank = false;
}

/* ---- fields that are flags ---- */

static bool is_field(struct span line, const char *name, struct span *value_out)
{
    size_t len = strlen(name);

    if (line.len <= len || line.data[len] != ':')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((line.data[i] | 0x20) != (name[i] | 0x20))
            return false;
    *value_out = span_skip(line, len + 1);
    return true;
}

static uint32_t letters(struct span value, const char *table, const uint32_t *flags)
{
    uint32_t found = 0;

    for (size_t i = 0; i < value.len; i++)
        for (int k = 0; table[k]; k++)
            found |= value.data[i] == (uint8_t)table[k] ? flags[k] : 0;
    return found;
}

/* keywords = *( keyword 1*WSP ) */
static uint32_t keywords(struct span value)
{
    uint32_t found = 0;

    for (size_t i = 0, end; i < value.len; i = end + 1) {
        for (end = i; end < value.len && value.data[end] != ' ' && value.data[end] != '\t';)
            end++;
        if (end > i)
            found |= span_equal(span_of(value.data + i, end - i), span_text("$Forwarded"))
                         ? MBOX_FORWARDED
                         : MBOX_OTHERS;
    }
    return found;
}

static bool flag_field(struct span line, enum mbox_field *field_out, uint32_t *flags_out)
{
    static const uint32_t status[] = {MBOX_SEEN},
                          x_status[] = {MBOX_ANSWERED, MBOX_FLAGGED, MBOX_DELETED, MBOX_DRAFT};
    struct span value;

    if (is_field(line, "Status", &value)) {
        *field_out = MBOX_STATUS;
        *flags_out = letters(value, "R", status);
    } else if (is_field(line, "X-Status", &value)) {
        *field_out = MBOX_X_STATUS;
        *flags_out = letters(value, "AFDT", x_status);
    } else if (is_field(line, "X-Keywords", &value)) {
        *field_out = MBOX_X_KEYWORDS;
        *flags_out = keywords(value);
    } else {
        return false;
    }
    return true;
}

/* What was held is the message's own. */
static void let_go(struct mbox_reader *r)
{
    for (int i = 0; i < MBOX_FIELDS; i++)
        if (r->has_held & 1u << i)
            r->own[i] = r->held[i];
    r->has_own |= r->has_held;
    r->has_held = 0;
    put_text(r, span_of(r->holding, r->held_len));
    r->held_len = 0;
}

/* A writer of the format puts the three in this order: one that breaks it begins anew. */
static void hold(struct mbox_reader *r, enum mbox_field field, uint32_t flags, struct span line)
{
    if (r->has_held >> field)
        let_go(r);
    r->has_held |= (uint8_t)(1u << field);
    r->held[field] = flags;
    memcpy(r->holding + r->held_len, line.data, line.len);
    r->held_len += (uint32_t)line.len;
}

static uint32_t flags_of(const struct mbox_reader *r)
{
    uint32_t flags = 0;

    for (int i = 0; i < MBOX_FIELDS; i++) {
        if (r->has_held & 1u << i)
            flags |= r->held[i];
        else if (r->has_own & 1u << i)
            flags |= r->own[i];
    }
    return flags;
}

/* Content-Length = 1*DIGIT */
static void read_length(struct mbox_reader *r, struct span line)
{
    struct span value;
    uint64_t n = 0;

    if (r->format != MBOX_CL2 || !is_field(line, "Content-Length", &value))
        return;
    while (value.len && value.data[0] == ' ')
        value = span_skip(value, 1);
    r->has_content = value.len > 0 && value.len <= 15;
    for (size_t i = 0; i < value.len && r->has_content; i++) {
        r->has_content = (uint8_t)(value.data[i] - '0') <= 9;
        n = n * 10 + (uint64_t)(value.data[i] - '0');
    }
    r->content = n;
}

/* ---- messages ---- */

static void end_message(struct mbox_reader *r)
{
    if (r->begun && !r->refused)
        r->refused = !r->events.end(r->events.context, flags_of(r));
    r->begun = false;
}

static void begin_message(struct mbox_reader *r, const struct mbox_from *from)
{
    end_message(r);
    r->begun = true;
    r->header = true;
    r->blank = false;
    r->last_cr = false;
    r->has_own = r->has_held = 0;
    r->held_len = 0;
    r->has_content = false;
    if (!r->refused)
        r->refused = !r->events.begin(r->events.context, from);
}

static void end_header(struct mbox_reader *r)
{
    r->header = false;
    r->held_len = 0;
    if (r->has_content && r->events.boundary && r->content <= UINT64_MAX - r->offset &&
        r->events.boundary(r->events.context, r->offset + r->content)) {
        put_blank(r);
        r->verbatim = r->content;
    }
}

static void header_line(struct mbox_reader *r, struct span text, struct span line)
{
    enum mbox_field field;
    uint32_t flags;

    if (r->quotes == 0 && flag_field(text, &field, &flags)) {
        hold(r, field, flags, line);
        return;
    }
    if (r->held_len)
        let_go(r);
    if (r->quotes == 0)
        read_length(r, text);
    put_quotes(r);
    put_text(r, line);
}

/* ---- lines ---- */

/* The line without its end; *whole_out: it has one. */
static struct span without_end(struct span line, bool *whole_out)
{
    *whole_out = line.len && line.data[line.len - 1] == '\n';
    if (*whole_out)
        line.len--;
    if (*whole_out && line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* A line, or as much of one as fits; `last`: the file ends with it. */
static void take_line(struct mbox_reader *r, struct span line, bool last)
{
    struct mbox_from from;
    bool whole;
    struct span text = without_end(line, &whole);

    whole |= last;
    if (r->quotes == 0 && text.len == 0 && !last) {
        /* The first one ends the header, and is part of the message unless that ends here too. */
        put_blank(r);
        r->blank = r->begun;
        if (r->begun && r->header)
            end_header(r);
        return;
    }
    if (r->quotes == 0 && whole && mbox_from_parse(text, &from)) {
        begin_message(r, &from);
        return;
    }
    if (!r->begun) {
        r->bad = true;
        return;
    }
    put_blank(r);
    if (r->quotes > 0 && r->format == MBOX_RD && span_equal(span_head(text, 5), span_text("From ")))
        r->quotes--;
    if (r->header && whole) {
        header_line(r, text, line);
    } else {
        if (r->held_len)
            let_go(r);
        put_quotes(r);
        put_text(r, line);
    }
    r->quotes = 0;
}

/* Takes a run of bytes up to a line end or to what fits; returns how many. */
static size_t take_run(struct mbox_reader *r, struct span in)
{
    size_t n = 0, room = MBOX_LINE - r->len;
    ptrdiff_t lf = span_find(in, '\n');

    if (r->verbatim) {
        n = in.len < r->verbatim ? in.len : (size_t)r->verbatim;
        put_text(r, span_head(in, n));
        r->verbatim -= n;
        return n;
    }
    if (r->middle) {
        n = lf < 0 ? in.len : (size_t)lf + 1;
        put_text(r, span_head(in, n));
        r->middle = lf < 0;
        return n;
    }
    if (!r->marked && in.data[0] == '>') {
        r->quotes++;
        return 1;
    }
    r->marked = true;
    n = lf < 0 ? in.len : (size_t)lf + 1;
    n = n < room ? n : room;
    memcpy(r->line + r->len, in.data, n);
    r->len += (uint32_t)n;
    return n;
}

bool mbox_reader_feed(struct mbox_reader *r, struct span in)
{
    while (in.len && !r->refused && !r->bad) {
        size_t n = take_run(r, in);
        bool ended;

        in = span_skip(in, n);
        r->offset += n;
        ended = r->len > 0 && r->line[r->len - 1] == '\n';
        if (!ended && r->len < MBOX_LINE)
            continue;
        take_line(r, span_of(r->line, r->len), false);
        r->middle = !ended;
        r->len = 0;
        r->marked = false;
        r->quotes = 0;
    }
    return !r->refused && !r->bad;
}

bool mbox_reader_finish(struct mbox_reader *r)
{
    if ((r->len > 0 || r->quotes > 0) && !r->refused && !r->bad)
        take_line(r, span_of(r->line, r->len), true);
    end_message(r);
    return !r->refused && !r->bad;
}
