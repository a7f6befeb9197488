/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_CHARSET_H
#define PROTO_MIME_MIME_CHARSET_H

#include "proto/base/writer.h"

/*
 * Text to UTF-8. Built in: us-ascii, utf-8, iso-8859-1, windows-1252. Every other charset is asked
 * of `to_utf8`, which writes well-formed UTF-8 and returns true, or returns false and writes
 * nothing.
 */
struct mime_charset {
    bool (*to_utf8)(void *context, struct span charset, struct span text, struct writer *out);
    void *context;
};

/*
 * Writes `text` as well-formed UTF-8; what cannot be read becomes U+FFFD (one for each byte).
 * `other` may be NULL. False, and nothing written, when the charset is not known.
 */
bool mime_charset_to_utf8(const struct mime_charset *other, struct span charset, struct span text,
                          struct writer *out);
/* Writes text that claims to be UTF-8 as well-formed UTF-8, likewise. */
void mime_charset_clean(struct span text, struct writer *out);

#endif
