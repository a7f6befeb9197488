/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_PEER_TEXT_H
#define PROTO_BASE_PEER_TEXT_H

#include "proto/base/writer.h"

enum peer_text_set {
    PEER_TEXT_ASCII, /* printable ASCII; every other byte becomes '?' */
    PEER_TEXT_UTF8, /* well-formed UTF-8 without control characters (RFC 3629); the rest becomes '?'
                     */
};

/*
 * The one function through which bytes of a peer enter a header field, a reply, a log line or an
 * event: CR, LF, NUL and all other control bytes become '?', at most `limit` bytes are written, and
 * a text that was cut ends in "...". A UTF-8 sequence is never cut in the middle. The writer must
 * have `limit` bytes of room, or it becomes full as with any write.
 */
void peer_text(struct writer *w, struct span bytes, size_t limit, enum peer_text_set set);

#endif
