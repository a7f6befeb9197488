/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_PATTERN_H
#define PROTO_IMAP_IMAP_PATTERN_H

#include "proto/imap/imap_name.h"

/*
 * A pattern of LIST and LSUB (RFC 9051 section 6.3.9): "*" is anything, "%" anything without "/".
 * Made once; then a name costs one pass over it, whatever the pattern: positions in the pattern are
 * kept as a set of bits, at most IMAP_PATTERN_WORDS words a byte of the name.
 */
enum { IMAP_PATTERN_WORDS = (IMAP_NAME_MAX + 64) / 64 };

/* About 33 KiB: keep it off small stacks. */
struct imap_pattern {
    uint16_t len; /* bytes that are no wildcards; position `len` is the end */
    uint16_t words;
    uint64_t star[IMAP_PATTERN_WORDS];       /* positions with a "*" before them */
    uint64_t percent[IMAP_PATTERN_WORDS];    /* ... with a "%" */
    uint64_t equal[256][IMAP_PATTERN_WORDS]; /* where this byte is wanted */
};

enum imap_pattern_match {
    IMAP_PATTERN_NO,
    IMAP_PATTERN_INSIDE, /* not the name, but something below it may match */
    IMAP_PATTERN_YES,    /* the name; something below it may match, too */
};

/*
 * Of reference and mailbox, both as imap_name_read_pattern() gives them: the reference is a plain
 * prefix. False when both are longer than IMAP_NAME_MAX: then no name matches.
 */
bool imap_pattern_init(struct imap_pattern *p, struct span reference, struct span pattern);
/* A canonical name. "INBOX" as its first level matches in any case. */
enum imap_pattern_match imap_pattern_match(const struct imap_pattern *p, struct span name);

#endif
