/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_HEADER_H
#define PROTO_MIME_MIME_HEADER_H

#include "proto/mime/mime_reader.h"

/* The part of struct mime_reader that reads headers; used by mime_reader.c alone. */

enum mime_header_status {
    MIME_HEADER_MORE,   /* the input is used up */
    MIME_HEADER_BUFFER, /* a field buffer is needed */
    MIME_HEADER_FIELD,  /* *event_out is a field */
    MIME_HEADER_AGAIN,  /* something was left out: call again */
    MIME_HEADER_DOUBT,  /* r->doubt is ahead: decide it and call again */
    MIME_HEADER_DONE,   /* the header has ended; what follows is the body */
};

/* A part begins at r->offset; its frame is pushed. */
void mime_header_begin(struct mime_reader *r);
enum mime_header_status mime_header_next(struct mime_reader *r, struct span *in,
                                         struct mime_event *event_out);

#endif
