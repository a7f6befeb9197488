/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_NAME_H
#define PROTO_IMAP_IMAP_NAME_H

#include "proto/base/writer.h"

/*
 * Mailbox names (RFC 9051 section 5.1): kept as UTF-8 with "/" between levels; on the wire UTF-8
 * where the client enabled it (IMAP4rev2, UTF8=ACCEPT), else modified UTF-7 (RFC 3501 section
 * 5.1.3).
 */
enum {
    IMAP_NAME_MAX = 1000,                   /* bytes of UTF-8 */
    IMAP_NAME_DEPTH = 32,                   /* levels */
    IMAP_NAME_PART = 255,                   /* bytes of one level */
    IMAP_NAME_UTF7_MAX = 4 * IMAP_NAME_MAX, /* bytes that a name has in modified UTF-7, at most */
};

enum imap_name_status {
    IMAP_NAME_OK,
    IMAP_NAME_BAD,     /* neither modified UTF-7 nor UTF-8 of the form wanted */
    IMAP_NAME_EMPTY,   /* no name, or an empty level */
    IMAP_NAME_CONTROL, /* control characters, U+2028, U+2029 (RFC 6855 section 3) */
    IMAP_NAME_WILD,    /* "*" or "%" */
    IMAP_NAME_LONG,    /* over one of the bounds above */
};

/*
 * Reads a name from the wire: decoded, checked, "INBOX" in any case (as first level, too) in
 * capitals, one "/" at the end left out (CREATE, RFC 9051 section 6.3.4; *trailing_out, which may
 * be NULL), composed (NFC, RFC 9051 section 5.1). Writes at most IMAP_NAME_MAX bytes; on error
 * nothing.
 */
enum imap_name_status imap_name_read(struct span wire, bool utf8, struct writer *out,
                                     bool *trailing_out);
/* The same for reference and pattern of LIST: wildcards, empty levels and nothing are allowed. */
enum imap_name_status imap_name_read_pattern(struct span wire, bool utf8, struct writer *out);
/* What NO says of it. */
const char *imap_name_text(enum imap_name_status status);

/* Modified UTF-7 to UTF-8: false when it is not the one right spelling of something. */
bool imap_name_from_utf7(struct span utf7, struct writer *out);
/* UTF-8 to modified UTF-7. What is not well formed becomes U+FFFD. At most IMAP_NAME_UTF7_MAX for
 * a name. */
void imap_name_to_utf7(struct span name, struct writer *out);
/* A name on the wire as astring: UTF-8 quoted when `utf8`, else modified UTF-7. */
void imap_name_put(struct writer *out, struct span name, bool utf8);

/* Is it "INBOX" in any case? */
bool imap_name_is_inbox(struct span name);
/* The name of the level above, empty when there is none. */
struct span imap_name_parent(struct span name);

#endif
