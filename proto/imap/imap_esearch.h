/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_ESEARCH_H
#define PROTO_IMAP_IMAP_ESEARCH_H

#include "proto/base/writer.h"

/* The answer to a SEARCH or SORT with RETURN (RFC 9051 section 7.3.4, RFC 4731, RFC 5267). */
struct imap_esearch {
    uint8_t wanted; /* enum imap_search_return, or-ed */
    bool uid;       /* UID SEARCH: numbers are UIDs */
    uint32_t count; /* messages found */
    uint32_t min;   /* when there are any: the smallest (of SORT: the first) */
    uint32_t max;
    uint64_t modseq; /* told when not 0 and some were found (RFC 7162 section 3.1.5) */
};

/*
 * Writes "* ESEARCH (TAG "a1") UID MIN 1 MAX 7 COUNT 3", and " ALL " when that is wanted and some
 * were found: then true, and the numbers follow, by struct imap_set_writer. At most
 * IMAP_ESEARCH_MAX bytes and twice the tag.
 */
enum { IMAP_ESEARCH_MAX = 128 };
bool imap_esearch_put(struct writer *w, struct span tag, const struct imap_esearch *answer);
/* What stands behind the numbers, with CRLF. */
void imap_esearch_end(struct writer *w, const struct imap_esearch *answer);

#endif
