/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_leaf.h"

#include "proto/mime/mime_body.h"

static struct mime_frame *top(struct mime_reader *r)
{
    return &r->frames[r->depth - 1];
}

static void note(struct mime_reader *r, enum mime_anomaly anomaly)
{
    r->body_anomalies |= 1ull << anomaly;
}

void mime_leaf_begin(struct mime_reader *r)
{
    r->decoder_done = false;
    r->tail_len = 0;
    r->tail_due = false;
    /* Doubts of a leaf's decoding live as long as the leaf. */
    r->doubts_known &= (uint8_t)~MIME_DOUBTS_LEAF;
    r->doubts_other &= (uint8_t)~MIME_DOUBTS_LEAF;
    if (r->part.encoding == MIME_ENCODING_BASE64)
        mime_base64_init(&r->decoder.base64);
    else if (r->part.encoding == MIME_ENCODING_QP)
        mime_qp_init(&r->decoder.qp);
    else if (r->part.encoding == MIME_ENCODING_UU)
        mime_uu_init(&r->decoder.uu);
}

/* Keeps the begin of the line under way, for who reads the body as plain text from here on. */
static void keep_tail(struct mime_reader *r, struct span read)
{
    struct span last = read;
    const uint8_t *nl;
    size_t at;

    if (last.len > MIME_TAIL_MAX)
        last = span_skip(last, last.len - MIME_TAIL_MAX);
    nl = last.len ? memrchr(last.data, '\n', last.len) : NULL;
    at = nl ? (size_t)(nl + 1 - last.data) : 0;
    if (at > 0 || last.len == MIME_TAIL_MAX)
        r->tail_len = 0;
    last = span_skip(last, at);
    if (r->tail_len + last.len > MIME_TAIL_MAX) {
        size_t over = r->tail_len + last.len - MIME_TAIL_MAX;

        memmove(r->tail, r->tail + over, r->tail_len - over);
        r->tail_len = (uint8_t)(r->tail_len - over);
    }
    if (last.len)
        memcpy(r->tail + r->tail_len, last.data, last.len);
    r->tail_len = (uint8_t)(r->tail_len + last.len);
}

/* Sets r->doubt when one is ahead. */
static void give_base64(struct mime_reader *r, struct span *body, struct writer *w)
{
    struct mime_base64 *b = &r->decoder.base64;
    struct span all = *body;
    uint8_t doubt;

    b->stop = (mime_reader_asks(r, MIME_DOUBT_BASE64) ? MIME_BASE64_BEHIND | MIME_BASE64_URL : 0) |
              (mime_reader_asks(r, MIME_DOUBT_PLAIN) ? MIME_BASE64_BAD : 0);
    b->further = mime_reader_other(r, MIME_DOUBT_BASE64);
    /* Padding was whole before the doubt was met. */
    if (b->further)
        b->ended = false;
    doubt = mime_base64_feed(b, body, w);
    if (r->asks)
        keep_tail(r, span_head(all, all.len - body->len));
    if (doubt)
        r->doubt = doubt == MIME_BASE64_BAD ? MIME_DOUBT_PLAIN : MIME_DOUBT_BASE64;
}

static void give_qp(struct mime_reader *r, struct span *body, struct writer *w)
{
    struct mime_qp *q = &r->decoder.qp;

    q->stop = mime_reader_asks(r, MIME_DOUBT_QP);
    q->drop = mime_reader_other(r, MIME_DOUBT_QP);
    if (mime_qp_feed(q, body, w))
        r->doubt = MIME_DOUBT_QP;
}

/* One step. What lies around the encoded file is text beside it. */
static void give_uu(struct mime_reader *r, struct span *body, bool finished, struct writer *w,
                    struct mime_event *event_out)
{
    struct span found = span_of(NULL, 0);
    enum mime_uu_status status;

    do
        status = mime_uu_next(&r->decoder.uu, body, finished, w, &found);
    while (status == MIME_UU_END);
    if (status == MIME_UU_BESIDE)
        event_out->kind = MIME_BESIDE;
    else if (status == MIME_UU_BEGIN)
        event_out->kind = MIME_NAME;
    else
        return;
    event_out->data = found;
    if (status == MIME_UU_BEGIN) {
        mime_charset_clean(found, w);
        event_out->data = writer_span(w);
    }
}

/* Text beside a multipart's parts, but for the blank lines that it begins with. */
static struct span give_beside(struct mime_reader *r, struct span *body)
{
    struct mime_frame *f = top(r);
    struct span text = *body;

    *body = span_skip(*body, body->len);
    while (!f->beside && text.len && (text.data[0] <= ' '))
        text = span_skip(text, 1);
    f->beside |= text.len > 0;
    return text;
}

bool mime_leaf_give(struct mime_reader *r, struct span *body, struct mime_event *event_out)
{
    struct writer w = writer_of(r->memory.scratch, r->memory.scratch_size);
    size_t before = body->len;

    event_out->offset = r->offset;
    event_out->kind = MIME_DATA;
    event_out->part = top(r)->index;
    event_out->data = span_of(NULL, 0);
    if (r->tail_due) {
        r->tail_due = false;
        event_out->data = span_of(r->tail, r->tail_len);
        r->decoded += r->tail_len;
        if (r->tail_len)
            return true;
    }
    if (top(r)->kind != MIME_LEAF) {
        event_out->kind = MIME_BESIDE;
        event_out->data = give_beside(r, body);
    } else if (r->part.encoding == MIME_ENCODING_BASE64) {
        give_base64(r, body, &w);
    } else if (r->part.encoding == MIME_ENCODING_QP) {
        give_qp(r, body, &w);
    } else if (r->part.encoding == MIME_ENCODING_UU) {
        give_uu(r, body, false, &w, event_out);
    } else {
        event_out->data = *body;
        *body = span_skip(*body, body->len);
        w.len = event_out->data.len;
    }
    r->offset += before - body->len;
    if (event_out->kind != MIME_DATA)
        return event_out->data.len > 0;
    r->decoded += w.len;
    if (event_out->data.len == 0)
        event_out->data = writer_span(&w);
    return w.len > 0;
}

static void note_base64(struct mime_reader *r)
{
    if (r->decoder.base64.flags & MIME_BASE64_BAD)
        note(r, MIME_ANOMALY_BASE64_BAD);
    if (r->decoder.base64.flags & MIME_BASE64_BEHIND)
        note(r, MIME_ANOMALY_BASE64_BEHIND);
    if (r->decoder.base64.flags & MIME_BASE64_CUT)
        note(r, MIME_ANOMALY_BASE64_CUT);
}

bool mime_leaf_flush(struct mime_reader *r, struct mime_event *event_out)
{
    struct writer w = writer_of(r->memory.scratch, r->memory.scratch_size);
    struct span nothing = span_of(NULL, 0);

    if (r->decoder_done || top(r)->kind != MIME_LEAF)
        return false;
    event_out->kind = MIME_DATA;
    event_out->part = top(r)->index;
    event_out->offset = r->body_end;
    event_out->data = span_of(NULL, 0);
    if (r->part.encoding == MIME_ENCODING_UU) {
        give_uu(r, &nothing, true, &w, event_out);
        if (event_out->kind != MIME_DATA)
            return true;
        if (r->decoder.uu.bad || !r->decoder.uu.seen)
            note(r, MIME_ANOMALY_UU_BAD);
        r->decoder_done = w.len == 0;
    } else {
        r->decoder_done = true;
    }
    if (r->part.encoding == MIME_ENCODING_BASE64) {
        mime_base64_finish(&r->decoder.base64, &w);
        note_base64(r);
    } else if (r->part.encoding == MIME_ENCODING_QP) {
        mime_qp_finish(&r->decoder.qp, &w);
        if (r->decoder.qp.bad)
            note(r, MIME_ANOMALY_QP_BAD);
    }
    r->decoded += w.len;
    event_out->data = writer_span(&w);
    return w.len > 0;
}
