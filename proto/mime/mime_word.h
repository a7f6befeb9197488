/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_WORD_H
#define PROTO_MIME_MIME_WORD_H

#include "proto/mime/mime_charset.h"

/*
 * Writes a header field's value as UTF-8 text: unfolded (line ends vanish, RFC 5322 section 2.2.3),
 * blanks at its ends removed, encoded words decoded (RFC 2047), blanks between two of them removed,
 * characters split over adjacent words of one charset put together. An encoded word whose charset
 * or form is not known stays as it is; bytes that are no UTF-8 become U+FFFD. So the output is
 * well-formed UTF-8. `other` may be NULL. Returns false when an encoded word was left as it is.
 * Bounded by the writer; one pass, 2 KiB of stack.
 */
bool mime_word_decode(struct span value, const struct mime_charset *other, struct writer *out);

/*
 * The same of unstructured text, but for a word that stands right behind other text, as in
 * "[list]=?utf-8?q?news?=": a blank is put before it (RFC 2047 section 5 (1)). True when one was:
 * other receivers put none, and mime_word_decode() gives what they show.
 */
bool mime_word_decode_apart(struct span value, const struct mime_charset *other,
                            struct writer *out);

/* Writes the value unfolded, blanks at its ends removed, otherwise as it is. */
void mime_word_unfold(struct span value, struct writer *out);

#endif
