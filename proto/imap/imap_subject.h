/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SUBJECT_H
#define PROTO_IMAP_IMAP_SUBJECT_H

#include "proto/mime/mime_charset.h"

/*
 * The base subject of RFC 5256 section 2.1, by which SORT and THREAD compare: step 1 writes the
 * decoded subject, steps 2 to 6 choose a part of it.
 */

/* Step 1: encoded words decoded, blanks collapsed into one. `charsets` may be NULL. Bounded by the
 * writer. */
void imap_subject_decode(struct span value, const struct mime_charset *charsets,
                         struct writer *out);
/*
 * The base of a decoded subject, a part of it. *reply_out (may be NULL): something said that it is
 * a reply or was forwarded. Bound: one pass for each prefix that is taken off.
 */
struct span imap_subject_base(struct span decoded, bool *reply_out);

#endif
