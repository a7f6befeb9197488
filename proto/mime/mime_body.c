/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_body.h"

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

/* Innermost first; multiparts that are closed only count when no open one has that boundary. */
static enum mime_delimiter match(struct mime_reader *r, struct span text, uint8_t *depth_out)
{
    bool closed = false, trailed = false;

    for (unsigned depth = r->depth; depth > 0; depth--) {
        struct span boundary = boundary_of(r, &r->frames[depth - 1]), rest;

        if (boundary.len == 0 || !starts(text, boundary))
            continue;
        rest = span_skip(text, boundary.len);
        if (rest.len && !span_equal(rest, span_text("--"))) {
            trailed = true;
            continue;
        }
        if (r->frames[depth - 1].closed) {
            closed = true;
            continue;
        }
        *depth_out = (uint8_t)depth;
        return rest.len ? MIME_DELIMITER_CLOSE : MIME_DELIMITER_OPEN;
    }
    if (closed)
        note(r, MIME_ANOMALY_BOUNDARY_CLOSED);
    else if (trailed)
        note(r, MIME_ANOMALY_BOUNDARY_TRAILED);
    return MIME_DELIMITER_NONE;
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
    if (found != MIME_DELIMITER_NONE && nl >= 0 && line.data[nl - 1] != '\r')
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
    r->decoded = 0;
    r->decoder_done = false;
    if (r->part.encoding == MIME_ENCODING_BASE64)
        mime_base64_init(&r->decoder.base64);
    else if (r->part.encoding == MIME_ENCODING_QP)
        mime_qp_init(&r->decoder.qp);
}

/*
 * Gives the bytes at the begin of *body, which advances behind those that were used. False when
 * they gave no data: they belong to a preamble or epilogue, or the decoder keeps them.
 */
static bool give(struct mime_reader *r, struct span *body, struct mime_event *event_out)
{
    struct writer w = writer_of(r->memory.scratch, r->memory.scratch_size);
    size_t before = body->len;

    event_out->offset = r->offset;
    if (top(r)->kind != MIME_LEAF) {
        *body = span_skip(*body, body->len);
    } else if (r->part.encoding == MIME_ENCODING_BASE64) {
        mime_base64_feed(&r->decoder.base64, body, &w);
    } else if (r->part.encoding == MIME_ENCODING_QP) {
        mime_qp_feed(&r->decoder.qp, body, &w);
    } else {
        w = writer_of((void *)(uintptr_t)body->data, body->len);
        w.len = body->len;
        *body = span_skip(*body, body->len);
    }
    r->offset += before - body->len;
    r->decoded += w.len;
    event_out->kind = MIME_DATA;
    event_out->part = top(r)->index;
    event_out->data = writer_span(&w);
    return w.len > 0;
}

bool mime_body_flush(struct mime_reader *r, struct mime_event *event_out)
{
    struct writer w = writer_of(r->memory.scratch, r->memory.scratch_size);

    if (r->decoder_done || top(r)->kind != MIME_LEAF)
        return false;
    r->decoder_done = true;
    if (r->part.encoding == MIME_ENCODING_BASE64) {
        mime_base64_finish(&r->decoder.base64, &w);
        if (r->decoder.base64.flags & MIME_BASE64_BAD)
            note(r, MIME_ANOMALY_BASE64_BAD);
        if (r->decoder.base64.flags & MIME_BASE64_BEHIND)
            note(r, MIME_ANOMALY_BASE64_BEHIND);
        if (r->decoder.base64.flags & MIME_BASE64_CUT)
            note(r, MIME_ANOMALY_BASE64_CUT);
    } else if (r->part.encoding == MIME_ENCODING_QP) {
        mime_qp_finish(&r->decoder.qp, &w);
        if (r->decoder.qp.bad)
            note(r, MIME_ANOMALY_QP_BAD);
    }
    r->decoded += w.len;
    event_out->kind = MIME_DATA;
    event_out->part = top(r)->index;
    event_out->offset = r->body_end;
    event_out->data = writer_span(&w);
    return w.len > 0;
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

static bool held_give(struct mime_reader *r, size_t until, struct mime_event *event_out)
{
    struct span body = span_of(r->held + r->held_at, until - r->held_at);
    struct mime_scan scan = {0};

    mime_scan_all(&scan, body, false);
    r->lines += scan.lines;
    if (scan.bare)
        note(r, MIME_ANOMALY_BARE_LF);
    r->held_at = (uint16_t)until;
    r->line_begin = false;
    return give(r, &body, event_out);
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
            return HELD_DELIMITER;
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

    if (r->held_at) {
        memmove(r->held, r->held + r->held_at, (size_t)(r->held_len - r->held_at));
        r->held_len = (uint16_t)(r->held_len - r->held_at);
        r->held_at = 0;
        if (r->held_len == 0)
            return false;
    }
    switch (held_judge(r, in, &found)) {
    case HELD_MORE:
        *status_out = MIME_BODY_MORE;
        return true;
    case HELD_BODY:
        *status_out = MIME_BODY_DATA;
        return held_give(r, held_release(r, r->finished && in->len == 0), event_out);
    case HELD_WHOLE:
        *status_out = MIME_BODY_DATA;
        return held_give(r, r->held_len, event_out);
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
        r->line_begin = false;
        return candidate(r, in, 0, status_out);
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
            bool data = give(r, &body, event_out);
            size_t used = r->run - body.len;

            *in = span_skip(*in, used);
            r->run -= used;
            if (data)
                return MIME_BODY_DATA;
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
