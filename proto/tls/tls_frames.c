/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_frames.h"

/* ContentType of what is spoken, and the major number of every version since SSL 3.0. */
static bool good_header(const struct tls_frames *f)
{
    return f->header[0] >= TLS_FRAME_CHANGE_CIPHER_SPEC && f->header[0] <= TLS_FRAME_DATA &&
           f->header[1] == 3 && f->left <= TLS_FRAME_MAX;
}

/* False: it is not whole yet. */
static bool take_header(struct tls_frames *f, struct span *in)
{
    size_t n = (size_t)TLS_FRAME_HEADER - f->header_len;

    n = n < in->len ? n : in->len;
    if (n)
        memcpy(f->header + f->header_len, in->data, n);
    f->header_len = (uint8_t)(f->header_len + n);
    *in = span_skip(*in, n);
    f->left = (uint16_t)(f->header[3] << 8 | f->header[4]);
    return f->header_len == TLS_FRAME_HEADER;
}

enum tls_frames_status tls_frames_next(struct tls_frames *f, struct span *in, struct tls_part *out)
{
    struct span begin = *in;
    bool whole = !f->inside && f->header_len == 0, first = !f->inside;
    size_t n;

    if (in->len == 0)
        return TLS_FRAMES_MORE;
    if (!f->inside) {
        if (!take_header(f, in))
            return TLS_FRAMES_MORE;
        if (!good_header(f))
            return TLS_FRAMES_BAD;
        f->inside = true;
    }
    n = f->left < in->len ? f->left : in->len;
    *out = (struct tls_part){.type = f->header[0],
                             .len = (uint16_t)(f->header[3] << 8 | f->header[4]),
                             .bytes = span_head(*in, n),
                             .first = first,
                             .last = n == f->left};
    memcpy(out->header, f->header, sizeof(out->header));
    if (whole && out->last)
        out->record = span_head(begin, TLS_FRAME_HEADER + n);
    *in = span_skip(*in, n);
    f->left = (uint16_t)(f->left - n);
    if (out->last)
        *f = (struct tls_frames){0};
    return TLS_FRAMES_PART;
}

bool tls_frames_gap(struct tls_frames *f, uint64_t len)
{
    if (!f->inside || len > f->left)
        return false;
    f->left = (uint16_t)(f->left - len);
    if (f->left == 0)
        *f = (struct tls_frames){0};
    return true;
}
