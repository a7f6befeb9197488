/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_ENVELOPE_H
#define PROTO_IMAP_IMAP_ENVELOPE_H

#include "proto/base/writer.h"
#include "proto/mime/mime_tree.h"

/* ENVELOPE (RFC 9051 section 7.5.2) out of a stored part tree. */

enum imap_envelope_field {
#define ATTRIBUTE(NAME) IMAP_ENVELOPE_##NAME,
    MIME_TREE_ENVELOPE(ATTRIBUTE)
#undef ATTRIBUTE
        IMAP_ENVELOPE_FIELDS
};

/* Values unfolded, otherwise as they stand; data is NULL when the field is not there. */
struct imap_envelope {
    struct span fields[IMAP_ENVELOPE_FIELDS];
};

/*
 * That of a message's part (mime_tree_part.message). Borrows the tree, the prefix (header fields
 * that stand before the message's own, of the root only, else empty) and the scratch: values of the
 * prefix are unfolded into it, and count before the tree's.
 */
void imap_envelope_read(const struct mime_tree_part *part, struct span prefix,
                        struct writer *scratch, struct imap_envelope *envelope_out);

/*
 * envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
 *            env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
 *
 * Written whole, or the writer gets full: IMAP_ENVELOPE_MAX bytes are always enough. 8 KiB of
 * stack.
 */
enum { IMAP_ENVELOPE_MAX = 64 * MIME_TREE_VALUE_MAX };
void imap_envelope_put(struct writer *w, const struct imap_envelope *envelope, bool utf8);

#endif
