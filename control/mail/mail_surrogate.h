/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SURROGATE_H
#define CONTROL_MAIL_MAIL_SURROGATE_H

#include "control/mail/mail_source.h"

/*
 * What a client that has enabled neither IMAP4rev2 nor UTF8=ACCEPT is given for a message with
 * bytes above 127 in its headers (RFC 6855 section 7, RFC 6858): headers in ASCII, those of parts
 * and of messages within too, and a part tree of that. Bodies are the store's, and are not read.
 * Memory: the headers and the tree, MAIL_SURROGATE_MAX octets at most.
 */
enum { MAIL_SURROGATE_MAX = 8 << 20 };

/* Does such a client need one? */
bool mail_surrogate_needed(const struct mail_source *s);
/* Makes *s, of a reading, be of its surrogate. STORE_LIMIT: it would be too large. */
enum store_status mail_surrogate_make(struct mail_source *s, struct mail_surrogate **surrogate_out);
void mail_surrogate_free(struct mail_surrogate *surrogate);

#endif
