/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_LITERAL_H
#define PROTO_IMAP_IMAP_LITERAL_H

#include "proto/base/span.h"

/*
 * What stands at the end of a line when octets of any kind follow it (RFC 9051 section 4.3, RFC
 * 7888, literal8 of RFC 3516):
 *
 *   literal = ["~"] "{" number64 ["+"] "}" CRLF *OCTET
 */
enum { IMAP_LITERAL_ANNOUNCED_MAX = 32 }; /* octets that say whether a line ends in one */
#define IMAP_LITERAL_SIZE_LIMIT (UINT64_MAX >> 1)

struct imap_literal {
    uint64_t size;     /* at most IMAP_LITERAL_SIZE_LIMIT, which stands for anything beyond, too */
    const uint8_t *at; /* where the announcement begins, in the line */
    bool sync;         /* the sender waits for "+ " */
    bool literal8;     /* NUL may be in it */
};

/* `line` without its CRLF, or the end of it. False: it announces nothing. */
bool imap_literal_announced(struct span line, struct imap_literal *out);

#endif
