/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_FIELD_WRITER_H
#define PROTO_BASE_FIELD_WRITER_H

#include "proto/base/writer.h"

/* Writes header fields, folded (RFC 5322 section 2.2.3). */

enum {
    FIELD_WRITER_LINE = 78,   /* characters of a line, where its words allow it (section 2.1.1) */
    FIELD_WRITER_SHOWN = 400, /* bytes of a peer's text that are shown: also with a backslash
                                 before each it fits a line (section 2.1.1, at most 998) */
};

struct field_writer {
    struct writer *out;
    size_t column; /* characters of the line so far */
};

/* A word that is not cut; a blank or a fold before it, unless it is the first. */
void field_writer_word(struct field_writer *f, struct span word);
/* Words between blanks. */
void field_writer_words(struct field_writer *f, const char *text);
/* What follows at once, without a blank: a fold stands before it only when the line is full. */
void field_writer_joined(struct field_writer *f, struct span word);
/* The same, cut where lines end: for base64, in which a fold means nothing. */
void field_writer_cut(struct field_writer *f, struct span text);

/* dot-atom-text of RFC 5322 section 3.2.3, which is a token of RFC 2045 section 5.1 too, and not
 * too long to be shown. */
bool field_writer_is_atom(struct span s);
/* Bytes of a peer, printable and at most FIELD_WRITER_SHOWN of them, with a backslash before each
 * of `special`. */
void field_writer_escaped(struct writer *w, struct span bytes, const char *special);
/* As it stands, or as a quoted-string. */
void field_writer_value(struct writer *w, struct span value);

#endif
