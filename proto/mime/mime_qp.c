/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_qp.h"

#include "proto/base/ascii.h"

void mime_qp_init(struct mime_qp *q)
{
    q->count = 0;
    q->bad = false;
    q->stop = false;
    q->drop = false;
}

static void flush(struct mime_qp *q, struct writer *out)
{
    writer_span_put(out, span_of(q->held, q->count));
    q->count = 0;
}

static bool hold(struct mime_qp *q, uint8_t c, struct writer *out)
{
    if (q->count == MIME_QP_HELD)
        flush(q, out);
    q->held[q->count++] = c;
    return true;
}

/* The escape did not become one: it is text. The byte that broke it is looked at anew. */
static bool broken(struct mime_qp *q, struct writer *out)
{
    q->bad = true;
    if (q->drop)
        writer_span_put(out, span_of(q->held + 1, q->count - 1u));
    else
        writer_span_put(out, span_of(q->held, q->count));
    q->count = 0;
    return false;
}

/*
 * held begins with '=': "=" *blank [CR] or "=" hex. Returns true when `c` was used. Lower case is
 * not allowed, and written (RFC 2045 section 6.7 note (1) allows reading it).
 */
static bool in_escape(struct mime_qp *q, uint8_t c, struct writer *out)
{
    uint8_t last = q->held[q->count - 1];

    if (q->count == 2 && ascii_hex(last) >= 0) {
        if (ascii_hex(c) < 0)
            return broken(q, out);
        writer_byte(out, (uint8_t)(ascii_hex(last) << 4 | ascii_hex(c)));
        q->count = 0;
        return true;
    }
    if (c == '\n') { /* a soft line break */
        q->count = 0;
        return true;
    }
    if (last == '\r' || q->count == MIME_QP_HELD)
        return broken(q, out);
    if (ascii_blank(c) || c == '\r' || (q->count == 1 && ascii_hex(c) >= 0))
        return hold(q, c, out);
    if (q->count > 1)
        return broken(q, out);
    if (q->drop)
        return broken(q, out);
    /* "include the "=" character and the following character ... without any transformation"
     * (section 6.7, note 2): of "==3D" both stay, and what follows is no escape. */
    broken(q, out);
    writer_byte(out, c);
    return true;
}

/* held begins with '=': true when `c` makes it no escape. */
static bool breaks(const struct mime_qp *q, uint8_t c)
{
    uint8_t last = q->held[q->count - 1];

    if (q->count == 2 && ascii_hex(last) >= 0)
        return ascii_hex(c) < 0;
    if (c == '\n')
        return false;
    if (last == '\r' || q->count == MIME_QP_HELD)
        return true;
    return !ascii_blank(c) && c != '\r' && !(q->count == 1 && ascii_hex(c) >= 0);
}

/*
 * held is *blank [CR]: it vanishes before a line end, except for the CR. Returns true when `c` was
 * used.
 */
static bool in_blanks(struct mime_qp *q, uint8_t c, struct writer *out)
{
    bool cr = q->held[q->count - 1] == '\r';

    if (c == '\n') {
        writer_span_put(out, cr ? span_text("\r\n") : span_text("\n"));
        q->count = 0;
        return true;
    }
    if (!cr && (ascii_blank(c) || c == '\r'))
        return hold(q, c, out);
    flush(q, out);
    return false;
}

static void step(struct mime_qp *q, uint8_t c, struct writer *out)
{
    if (q->count && q->held[0] == '=' && in_escape(q, c, out))
        return;
    if (q->count && q->held[0] != '=' && in_blanks(q, c, out))
        return;
    if (ascii_blank(c) || c == '\r' || c == '=')
        hold(q, c, out);
    else
        writer_byte(out, c);
}

/*
 * Plain text as it stands, up to the next escape or to blanks before a line end; those are left to
 * step().
 */
static void plain(struct span *in, struct writer *out)
{
    size_t room = writer_room(out), at = 0;
    struct span s = span_head(*in, room - MIME_QP_HELD);
    ptrdiff_t escape = span_find(s, '=');

    if (escape >= 0)
        s.len = (size_t)escape;
    while (at < s.len) {
        ptrdiff_t nl = span_find(span_skip(s, at), '\n');
        size_t next = nl < 0 ? s.len : at + (size_t)nl + 1, text = next;

        if (nl >= 0)
            text -= text - at >= 2 && s.data[text - 2] == '\r' ? 2 : 1;
        if (nl < 0 && text > at && s.data[text - 1] == '\r')
            text--;
        if (text > at && ascii_blank(s.data[text - 1])) {
            while (text > at && ascii_blank(s.data[text - 1]))
                text--;
            s.len = text;
            break;
        }
        if (nl < 0) {
            s.len = text;
            break;
        }
        at = next;
    }
    writer_span_put(out, s);
    *in = span_skip(*in, s.len);
}

bool mime_qp_feed(struct mime_qp *q, struct span *in, struct writer *out)
{
    while (in->len && writer_room(out) > MIME_QP_HELD) {
        if (q->count == 0)
            plain(in, out);
        if (in->len == 0 || writer_room(out) <= MIME_QP_HELD)
            break;
        if (q->stop && q->count && q->held[0] == '=' && breaks(q, in->data[0]))
            return true;
        step(q, in->data[0], out);
        *in = span_skip(*in, 1);
    }
    return false;
}

void mime_qp_finish(struct mime_qp *q, struct writer *out)
{
    if (q->count == 0)
        return;
    if (q->held[0] == '=') {
        if (q->count == 2 && ascii_hex(q->held[1]) >= 0)
            broken(q, out);
    } else if (q->held[q->count - 1] == '\r') {
        flush(q, out);
    }
    q->count = 0;
}
