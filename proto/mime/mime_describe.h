/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_DESCRIBE_H
#define PROTO_MIME_MIME_DESCRIBE_H

#include "proto/mime/mime_reader.h"

/* The part of struct mime_reader that makes of header fields what they say of a part; used by
 * mime_header.c and mime_reader.c alone. */

/* A part begins: nothing is said of it yet. */
void mime_describe_begin(struct mime_reader *r);
/*
 * Takes a field; of one that may stand once the first counts. `blank`: blanks before its colon.
 * Sets r->doubt when another receiver would take it otherwise, and that is asked for.
 */
void mime_describe_field(struct mime_reader *r, enum mime_field id, struct span value, bool blank);
/* The copy of a reader that met a doubt with this field, which it took: takes it the other way. */
void mime_describe_again(struct mime_reader *r, enum mime_field id, struct span value, bool blank);
/* The header has ended. True when r->doubt is ahead: decide it and call again. */
bool mime_describe_asks(struct mime_reader *r);
/* The header has ended: settles r->part and the frame's kind. */
void mime_describe_settle(struct mime_reader *r);
/* The next of the other names; false when all were told. */
bool mime_describe_name(struct mime_reader *r, struct span *name_out);
/* A copy's spans point into itself. */
void mime_describe_rebase(struct mime_reader *copy, const struct mime_reader *from);

#endif
