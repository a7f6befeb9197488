/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_body.h"

#include "proto/mime/mime_leaf.h"
#include "proto/mime/mime_scan.h"

static struct mime_frame *top(struct mime_reader *r)
{
    return &r->frames[r->depth - 1];
}

static void note(struct mime_reader *r, enum mime_anomaly anomaly)
{
    r->body_anomalies |= 1ull << anomaly;
}

static struct span boundary_of(const struct mime_reader *r, const struct mime_frame *f)
{
    return span_of(r->boundaries + f->boundary, f->kind == MIME_MULTIPART ? f->boundary_len : 0);
}

static struct span delimiter_text(struct span line)
{
    while (line.len && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n' ||
                        line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
        line.len--;
    return line;
}

static bool starts(struct span s, struct span with)
{
    return span_equal(span_head(s, with.len), with);
}

/* What a line may be, by two ways of reading it. */
struct delimiters {
    enum mime_delimiter exact; /* the outermost open multipart whose boundary it is */
    enum mime_delimiter other; /* the innermost, or one that is closed, or with text behind */
    uint8_t exact_depth, other_depth;
    bool closed, trailed; /* it is a boundary of a closed multipart, or text follows one */
};

static enum mime_delimiter kind_of(struct span rest)
{
    return starts(rest, span_text("--")) ? MIME_DELIMITER_CLOSE : MIME_DELIMITER_OPEN;
}

/* One frame, from the innermost on. */
static void match_frame(struct mime_reader *r, unsigned depth, struct span text,
                        struct delimiters *d)
{
    const struct mime_frame *f = &r->frames[depth - 1];
    struct span boundary = boundary_of(r, f), rest;
    enum mime_delimiter kind;

    if (boundary.len == 0 || !starts(text, boundary))
        return;
    rest = span_skip(text, boundary.len);
    kind = kind_of(rest);
    if (rest.len && !span_equal(rest, span_text("--"))) {
        if (!d->trailed && d->other == MIME_DELIMITER_NONE && !f->closed) {
            d->other = kind;
            d->other_depth = (uint8_t)depth;
        }
        d->trailed = true;
        return;
    }
    d->closed |= f->closed;
    /* That a closed one is closed again makes no difference. */
    if (d->exact == MIME_DELIMITER_NONE && (!f->closed || kind == MIME_DELIMITER_OPEN)) {
        d->other = kind;
        d->other_depth = (uint8_t)depth;
    }
    /* RFC 2046 section 5.1.2: "recognize outer level boundary markers at ANY level of inner
     * nesting". */
    if (!f->closed) {
        d->exact = kind;
        d->exact_depth = (uint8_t)depth;
    }
}

/* Multiparts that are closed only count when no open one has that boundary. */
static enum mime_delimiter match(struct mime_reader *r, struct span text, uint8_t *depth_out)
{
    struct delimiters d = {.exact = MIME_DELIMITER_NONE, .other = MIME_DELIMITER_NONE};

    for (unsigned depth = r->depth; depth > 0; depth--)
        match_frame(r, depth, text, &d);
    if (d.exact != d.other || d.exact_depth != d.other_depth) {
        if (mime_reader_other(r, MIME_DOUBT_DELIMITER)) {
            *depth_out = d.other_depth;
            return d.other;
        }
        if (mime_reader_asks(r, MIME_DOUBT_DELIMITER))
            return MIME_DELIMITER_DOUBT;
    }
    if (d.exact != MIME_DELIMITER_NONE)
        *depth_out = d.exact_depth;
    else if (d.closed)
        note(r, MIME_ANOMALY_BOUNDARY_CLOSED);
    else if (d.trailed)
        note(r, MIME_ANOMALY_BOUNDARY_TRAILED);
    return d.exact;
}

enum mime_delimiter mime_body_judge(struct mime_reader *r, struct span s, size_t *len_out,
                                    uint8_t *depth_out)
{
    struct span line = span_head(s, MIME_DELIMITER_MAX), text;
    enum mime_delimiter found;
    ptrdiff_t nl;

    if (r->boundaries_open == 0 || (line.len > 0 && line.data[0] != '-') ||
        (line.len > 1 && line.data[1] != '-'))
        return MIME_DELIMITER_NONE;
    nl = span_find(line, '\n');
    if (nl < 0 && line.len == MIME_DELIMITER_MAX)
        return MIME_DELIMITER_NONE;
    if (nl < 0 && !r->finished)
        return MIME_DELIMITER_MORE;
    line.len = nl < 0 ? line.len : (size_t)nl + 1;
    text = delimiter_text(line);
    if (text.len < 2)
        return MIME_DELIMITER_NONE;
    found = match(r, span_skip(text, 2), depth_out);
    *len_out = line.len;
    if (found != MIME_DELIMITER_NONE && found != MIME_DELIMITER_DOUBT && nl >= 0 &&
        line.data[nl - 1] != '\r')
        note(r, MIME_ANOMALY_BARE_LF);
    return found;
}

void mime_body_begin(struct mime_reader *r)
{
    struct mime_frame *f = top(r);

    f->body_offset = r->offset;
    f->lines = r->lines;
    r->line_begin = true;
    r->last_cr = false;
    r->run = 0;
    r->held_at = 0;
    r->held_len = 0;
    r->held_known = 0;
    r->decoded = 0;
    mime_leaf_begin(r);
}

/* There was data before a doubt: it goes first, and the doubt is met again. */
static enum mime_body_status given(struct mime_reader *r)
{
    r->doubt = MIME_DOUBTS;
    return MIME_BODY_DATA;
}

/*
 * A delimiter was found, its line `line` bytes long, behind a line end of `end` bytes that belongs
 * to it.
 */
static enum mime_body_status delimiter(struct mime_reader *r, struct span line, size_t end,
                                       uint64_t at, enum mime_delimiter found)
{
    r->body_end = at;
    r->lines_end = r->lines;
    r->lines += (end > 0) + (line.data[line.len - 1] == '\n');
    if (end == 1)
        note(r, MIME_ANOMALY_BARE_LF);
    r->offset = at + end + line.len;
    r->closing_delimiter = found == MIME_DELIMITER_CLOSE;
    return MIME_BODY_DELIMITER;
}

/*
 * What is held is body after all, but for a line end at its end, which may belong to the next
 * line's delimiter.
 */
static size_t held_release(const struct mime_reader *r, bool with_end)
{
    size_t len = r->held_len;

    if (with_end)
        return len;
    if (len > r->held_at && r->held[len - 1] == '\n')
        len--;
    if (len > r->held_at && r->held[len - 1] == '\r')
        len--;
    return len;
}

/* Gives of held[held_at .. held_known), which is body and counted. */
static bool held_give(struct mime_reader *r, struct mime_event *event_out)
{
    struct span body = span_of(r->held + r->held_at, (size_t)(r->held_known - r->held_at));
    bool data = mime_leaf_give(r, &body, event_out);

    r->held_at = (uint16_t)(r->held_known - body.len);
    return data;
}

static void held_count(struct mime_reader *r, size_t until)
{
    struct span body = span_of(r->held + r->held_at, until - r->held_at);
    struct mime_scan scan = {0};

    mime_scan_all(&scan, body, false);
    r->lines += scan.lines;
    if (scan.bare)
        note(r, MIME_ANOMALY_BARE_LF);
    r->held_known = (uint16_t)until;
    r->line_begin = false;
}

/* Takes bytes behind those held until the line is whole or too long to be a delimiter. */
static void held_fill(struct mime_reader *r, struct span *in)
{
    size_t room = sizeof(r->held) - r->held_len;
    struct span more = span_head(*in, room);
    ptrdiff_t nl = span_find(more, '\n');

    if (nl >= 0)
        more.len = (size_t)nl + 1;
    memcpy(r->held + r->held_len, more.data, more.len);
    r->held_len = (uint16_t)(r->held_len + more.len);
    *in = span_skip(*in, more.len);
}

/*
 * The length of the line end at the begin of what is held: 0 to 2; a CR alone counts as one not yet
 * known.
 */
static size_t held_end(const struct mime_reader *r, bool *known_out)
{
    struct span s = span_of(r->held, r->held_len);

    *known_out = true;
    if (s.len && s.data[0] == '\n')
        return 1;
    if (s.len && s.data[0] == '\r') {
        *known_out = s.len > 1;
        return s.len > 1 && s.data[1] == '\n' ? 2 : 0;
    }
    return 0;
}

enum held {
    HELD_MORE,
    HELD_BODY,  /* release it but for a line end at its end */
    HELD_WHOLE, /* release all of it */
    HELD_DELIMITER,
    HELD_DOUBT,
};

/*
 * Decides over what is held: a line end or none, then the begin of a line. Takes no more of the
 * input than the decision needs.
 */
static enum held held_judge(struct mime_reader *r, struct span *in, enum mime_delimiter *found_out)
{
    size_t end, len = 0;
    struct span line;
    bool known;

    end = held_end(r, &known);
    if (!known) {
        if (in->len == 0)
            return r->finished ? HELD_WHOLE : HELD_MORE;
        if (in->data[0] != '\n')
            return HELD_WHOLE;
        r->held[r->held_len++] = '\n';
        *in = span_skip(*in, 1);
        end = 2;
    }
    if (r->held_len == end) {
        if (in->len == 0)
            return r->finished ? HELD_WHOLE : HELD_MORE;
        if (in->data[0] != '-')
            return HELD_WHOLE;
    }
    for (;;) {
        line = span_of(r->held + end, r->held_len - end);
        *found_out = mime_body_judge(r, line, &len, &r->close_depth);
        if (*found_out == MIME_DELIMITER_NONE)
            return HELD_BODY;
        if (*found_out != MIME_DELIMITER_MORE)
            return *found_out == MIME_DELIMITER_DOUBT ? HELD_DOUBT : HELD_DELIMITER;
        if (in->len == 0)
            return HELD_MORE;
        held_fill(r, in);
    }
}

/*
 * The held bytes lie before the input, and r->offset is that of the first of them. Returns true
 * when *status_out is to be returned, false to go on.
 */
static bool held_next(struct mime_reader *r, struct span *in, struct mime_event *event_out,
                      enum mime_body_status *status_out)
{
    enum mime_delimiter found = MIME_DELIMITER_NONE;
    bool known;
    size_t end;

    if (r->held_at < r->held_known) {
        *status_out = held_give(r, event_out) ? given(r) : MIME_BODY_DOUBT;
        return *status_out == MIME_BODY_DATA || r->doubt != MIME_DOUBTS;
    }
    if (r->held_at) {
        memmove(r->held, r->held + r->held_at, (size_t)(r->held_len - r->held_at));
        r->held_len = (uint16_t)(r->held_len - r->held_at);
        r->held_at = 0;
        r->held_known = 0;
        if (r->held_len == 0)
            return false;
    }
    switch (held_judge(r, in, &found)) {
    case HELD_MORE:
        *status_out = MIME_BODY_MORE;
        return true;
    case HELD_BODY:
        held_count(r, held_release(r, r->finished && in->len == 0));
        return false;
    case HELD_WHOLE:
        held_count(r, r->held_len);
        return false;
    case HELD_DOUBT:
        r->doubt = MIME_DOUBT_DELIMITER;
        *status_out = MIME_BODY_DOUBT;
        return true;
    case HELD_DELIMITER:
        break;
    }
    end = held_end(r, &known);
    *status_out = delimiter(r, span_of(r->held + end, r->held_len - end), end, r->offset, found);
    r->held_len = 0;
    return true;
}

static void hold(struct mime_reader *r, struct span *in)
{
    memcpy(r->held, in->data, in->len);
    r->held_at = 0;
    r->held_len = (uint16_t)in->len;
    *in = span_skip(*in, in->len);
}

/*
 * At the begin of the input stands a line end of `end` bytes (or none, where a body begins), then
 * perhaps a delimiter. Returns true when *status_out is to be returned; false when it is body.
 */
static bool candidate(struct mime_reader *r, struct span *in, size_t end,
                      enum mime_body_status *status_out)
{
    struct span line = span_skip(*in, end);
    size_t len = 0;
    enum mime_delimiter found = mime_body_judge(r, line, &len, &r->close_depth);

    if (found == MIME_DELIMITER_NONE)
        return false;
    if (found == MIME_DELIMITER_DOUBT) {
        r->doubt = MIME_DOUBT_DELIMITER;
        *status_out = MIME_BODY_DOUBT;
        return true;
    }
    if (found == MIME_DELIMITER_MORE) {
        hold(r, in);
        *status_out = MIME_BODY_MORE;
        return true;
    }
    *status_out = delimiter(r, span_head(line, len), end, r->offset, found);
    *in = span_skip(*in, end + len);
    return true;
}

/*
 * Looks ahead for the first line that is a delimiter or cannot be judged yet: its line end begins
 * at the offset returned, and is *end_out bytes long.
 */
static size_t look_ahead(struct mime_reader *r, struct span in, size_t *end_out)
{
    struct mime_scan scan = {0};
    size_t at = 0, len;
    uint8_t depth;

    for (;;) {
        at += mime_scan_delimiter(&scan, span_skip(in, at), false);
        *end_out = at < in.len ? 1 : 0;
        if (at == in.len ||
            mime_body_judge(r, span_skip(in, at + 1), &len, &depth) != MIME_DELIMITER_NONE)
            break;
        scan.lines++;
        scan.bare |= at == 0 || in.data[at - 1] != '\r';
        at++;
    }
    if (at > 0 && in.data[at - 1] == '\r') {
        at--;
        ++*end_out;
    }
    r->lines += scan.lines;
    if (scan.bare)
        note(r, MIME_ANOMALY_BARE_LF);
    return at;
}

/* Sets r->run to what is body for certain. Returns true when *status_out is to be returned. */
static bool look(struct mime_reader *r, struct span *in, enum mime_body_status *status_out)
{
    struct mime_scan scan = {0};
    size_t end;

    if (r->boundaries_open == 0) {
        mime_scan_all(&scan, *in, r->last_cr);
        r->lines += scan.lines;
        if (scan.bare)
            note(r, MIME_ANOMALY_BARE_LF);
        r->last_cr = in->data[in->len - 1] == '\r';
        r->run = in->len;
        return false;
    }
    if (r->line_begin) {
        bool decided = candidate(r, in, 0, status_out);

        r->line_begin = decided && *status_out == MIME_BODY_DOUBT;
        return decided;
    }
    r->run = look_ahead(r, *in, &end);
    if (r->run > 0)
        return false;
    if (end < in->len)
        return candidate(r, in, end, status_out);
    hold(r, in);
    *status_out = MIME_BODY_MORE;
    return true;
}

enum mime_body_status mime_body_next(struct mime_reader *r, struct span *in,
                                     struct mime_event *event_out)
{
    enum mime_body_status status = MIME_BODY_MORE;

    for (;;) {
        if (r->run) {
            struct span body = span_head(*in, r->run);
            bool data = mime_leaf_give(r, &body, event_out);
            size_t used = r->run - body.len;

            *in = span_skip(*in, used);
            r->run -= used;
            if (data)
                return given(r);
            if (r->doubt != MIME_DOUBTS)
                return MIME_BODY_DOUBT;
            continue;
        }
        if (r->held_len) {
            if (held_next(r, in, event_out, &status))
                return status;
            continue;
        }
        if (in->len == 0)
            return MIME_BODY_MORE;
        if (!look(r, in, &status))
            continue;
        /* What is held at the message's end is decided without waiting for more. */
        if (status != MIME_BODY_MORE || !r->finished)
            return status;
    }
}
