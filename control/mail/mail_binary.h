/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_BINARY_H
#define CONTROL_MAIL_MAIL_BINARY_H

#include "control/mail/mail_part.h"

/*
 * BINARY (RFC 3516): a part behind its transfer encoding. It is gone over before it is sent, since
 * its length comes first, and whether there is a NUL decides the kind of literal; what is sent of
 * it is then decoded once more. Of a multipart, a message in a message and the whole message only
 * the own encoding counts, which is none: what lies within stays encoded.
 */

/* The part that was found is wanted decoded. False: no memory. Sets part->unknown where its
 * encoding is not known. */
bool mail_binary_begin(struct mail_part *part, const struct mail_source *source,
                       const struct imap_fetch_item *item, const struct imap_extent *extent);
/* Goes over the next MAIL_BINARY_STEP octets. True: it is ready to be sent, or `failed`. */
bool mail_binary_step(struct mail_part *part, const struct imap_fetch_item *item);

enum { MAIL_BINARY_STEP = 1 << 20 };

/* Some part of the message says of itself that it is binary: there may be NUL in it. */
bool mail_binary_in(struct span tree);

#endif
