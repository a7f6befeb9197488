/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_FLAG_H
#define PROTO_IMAP_IMAP_FLAG_H

#include "proto/imap/imap_cursor.h"

/* System flags (RFC 9051 section 2.3.2) as bits. \Recent is RFC 3501's and nobody can set it. */
enum imap_flag {
    IMAP_FLAG_ANSWERED = 1,
    IMAP_FLAG_FLAGGED = 2,
    IMAP_FLAG_DELETED = 4,
    IMAP_FLAG_SEEN = 8,
    IMAP_FLAG_DRAFT = 16,
    IMAP_FLAG_SYSTEM = 31,
    IMAP_FLAG_RECENT = 32,
};

enum { IMAP_KEYWORD_MAX = 64 };  /* octets of one keyword */
enum { IMAP_KEYWORDS_MAX = 64 }; /* in one command */

/* Flags as a command names them. Keywords are spans into it, each once (compared without case). */
struct imap_flags {
    uint8_t system; /* enum imap_flag, or-ed */
    uint8_t keyword_count;
    bool too_many; /* more keywords, or longer ones: answer NO [LIMIT] */
    bool unknown;  /* a flag with "\" that there is not, or \Recent: answer BAD or NO */
    struct span keywords[IMAP_KEYWORDS_MAX];
};

/* The bit of "\Seen" and the like in any case; 0: none. */
unsigned imap_flag_of(struct span name);
const char *imap_flag_name(enum imap_flag flag); /* "\\Seen" */
/* flag-list = "(" [flag *(SP flag)] ")" */
bool imap_flags_parse_list(struct imap_cursor *c, struct imap_flags *flags_out);
/* store-att-flags' tail: flag-list / (flag *(SP flag)) */
bool imap_flags_parse(struct imap_cursor *c, struct imap_flags *flags_out);

#endif
