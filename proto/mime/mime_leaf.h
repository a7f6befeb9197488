/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_LEAF_H
#define PROTO_MIME_MIME_LEAF_H

#include "proto/mime/mime_reader.h"

/* The part of struct mime_reader that decodes bodies; used by mime_body.c and mime_reader.c alone.
 */

/* The body of the current part begins. */
void mime_leaf_begin(struct mime_reader *r);
/*
 * Gives the bytes at the begin of *body, which advances behind those that were used: as DATA of a
 * leaf, or BESIDE. False when they gave no data: the decoder keeps them, or a doubt is ahead
 * (r->doubt).
 */
bool mime_leaf_give(struct mime_reader *r, struct span *body, struct mime_event *event_out);
/* The current part's body has ended: gives what its decoder still holds. False when nothing. */
bool mime_leaf_flush(struct mime_reader *r, struct mime_event *event_out);

#endif
