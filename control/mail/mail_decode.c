/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_decode.h"

#include "proto/mime/mime_content_type.h"

bool mail_decode_knows(unsigned encoding, enum mail_decode_kind *kind_out)
{
    switch (encoding) {
    case MIME_ENCODING_7BIT:
    case MIME_ENCODING_8BIT:
    case MIME_ENCODING_BINARY:
        *kind_out = MAIL_DECODE_NONE;
        return true;
    case MIME_ENCODING_BASE64:
        *kind_out = MAIL_DECODE_BASE64;
        return true;
    case MIME_ENCODING_QP:
        *kind_out = MAIL_DECODE_QP;
        return true;
    default:
        return false;
    }
}

void mail_decode_init(struct mail_decode *d, const struct mail_source *source, uint64_t at,
                      uint64_t end, enum mail_decode_kind kind)
{
    d->source = *source;
    d->begin = d->at = at;
    d->end = end;
    d->given = 0;
    d->left = span_of(NULL, 0);
    d->kind = (uint8_t)kind;
    d->over = d->failed = false;
    if (kind == MAIL_DECODE_BASE64)
        mime_base64_init(&d->base64);
    else if (kind == MAIL_DECODE_QP)
        mime_qp_init(&d->qp);
}

static void copy(struct mail_decode *d, struct span *in, struct writer *out)
{
    struct span part = span_head(*in, writer_room(out));
    size_t from = out->len;

    writer_span_put(out, part);
    *in = span_skip(*in, part.len);
    if (d->kind != MAIL_DECODE_NO_NUL)
        return;
    for (uint8_t *nul = out->data + from, *end = out->data + out->len;
         (nul = memchr(nul, 0, (size_t)(end - nul))) != NULL;)
        *nul = 0x80;
}

static void decode(struct mail_decode *d, struct span *in, struct writer *out)
{
    if (d->kind == MAIL_DECODE_BASE64)
        mime_base64_feed(&d->base64, in, out);
    else if (d->kind == MAIL_DECODE_QP)
        mime_qp_feed(&d->qp, in, out);
    else
        copy(d, in, out);
}

static void finish(struct mail_decode *d, struct writer *out)
{
    if (d->kind == MAIL_DECODE_BASE64)
        mime_base64_finish(&d->base64, out);
    else if (d->kind == MAIL_DECODE_QP)
        mime_qp_finish(&d->qp, out);
    d->over = true;
}

/* One piece of the store's, as far as it fits. */
static void read_piece(struct mail_decode *d, struct writer *out)
{
    struct span bytes, in;
    void *pin = NULL;

    if (mail_source_read(&d->source, d->at, &bytes, &pin) != STORE_OK || bytes.len == 0) {
        d->over = d->failed = true;
        return;
    }
    bytes = span_head(bytes, d->end - d->at);
    in = bytes;
    decode(d, &in, out);
    d->at += bytes.len - in.len;
    if (pin)
        store_unpin(d->source.store, &pin, 1);
}

struct span mail_decode_next(struct mail_decode *d)
{
    struct span all = d->left;

    d->left = span_of(NULL, 0);
    while (all.len == 0 && !d->over) {
        struct writer out = writer_of(d->room, sizeof(d->room));

        if (d->at < d->end)
            read_piece(d, &out);
        else
            finish(d, &out);
        d->given += out.len;
        all = writer_span(&out);
    }
    return all;
}

struct span mail_decode_take(struct mail_decode *d, size_t most)
{
    struct span all = mail_decode_next(d), part = span_head(all, most);

    d->left = span_skip(all, part.len);
    return part;
}
