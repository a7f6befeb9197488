/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_BODY_H
#define PROTO_MIME_MIME_BODY_H

#include "proto/mime/mime_reader.h"

/* The part of struct mime_reader that reads bodies; used by mime_reader.c and mime_header.c alone.
 */

/* Doubts about how a leaf is decoded: decided for that leaf alone. */
enum { MIME_DOUBTS_LEAF = 1 << MIME_DOUBT_BASE64 | 1 << MIME_DOUBT_PLAIN | 1 << MIME_DOUBT_QP };

/* This reader is the one that decides the doubt the other way. */
static inline bool mime_reader_other(const struct mime_reader *r, enum mime_doubt doubt)
{
    return r->doubts_other >> doubt & 1;
}

/* The doubt is to be told before it is decided. */
static inline bool mime_reader_asks(const struct mime_reader *r, enum mime_doubt doubt)
{
    return r->asks && !(r->doubts_known >> doubt & 1);
}

enum mime_body_status {
    MIME_BODY_MORE,      /* the input is used up */
    MIME_BODY_DATA,      /* *event_out is data */
    MIME_BODY_DELIMITER, /* a delimiter was read: close_depth, body_end, closing_delimiter are set
                          */
    MIME_BODY_DOUBT,     /* r->doubt is ahead: decide it and call again */
};

enum mime_delimiter {
    MIME_DELIMITER_NONE,
    MIME_DELIMITER_MORE, /* too few bytes to decide */
    MIME_DELIMITER_OPEN,
    MIME_DELIMITER_CLOSE,
    MIME_DELIMITER_DOUBT, /* two receivers differ, and who reads wants both */
};

/*
 * Judges the line at the begin of `s`. *len_out its bytes with its line end, *depth_out how many
 * parts stay open.
 *
 *   delimiter = "--" boundary *LWSP CRLF     close-delimiter = "--" boundary "--" *LWSP CRLF  (RFC
 * 2046 section 5.1.1)
 *
 * Differs from that section, by the reading that the engine goes by, where it lets any text follow
 * the boundary: only blanks may, since multiparts around each other often have boundaries of which
 * one begins with the other.
 */
enum mime_delimiter mime_body_judge(struct mime_reader *r, struct span s, size_t *len_out,
                                    uint8_t *depth_out);

/* The body of the current part begins at r->offset. */
void mime_body_begin(struct mime_reader *r);
enum mime_body_status mime_body_next(struct mime_reader *r, struct span *in,
                                     struct mime_event *event_out);

#endif
