/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_PARAMETER_H
#define PROTO_IMAP_IMAP_PARAMETER_H

#include "proto/mime/mime_tree.h"

/*
 * A parameter of `all` as BODYSTRUCTURE tells it: of a value in pieces ("name*0", "name*1", RFC
 * 2231 section 3) the first one becomes "name" with all of them put together in order, as far as
 * none is missing; false for the others, which are not told. With a charset ("name*0*") it is
 * "name*", the octets still escaped: differs from RFC 9051 section 7.5.2, which would have them in
 * UTF-8, because clients look for the charset in a value of that name. Written to `out`, where
 * *name and *value lie then; what does not fit is cut. Bound: the parameters, for each piece.
 */
bool imap_parameter_join(const struct mime_tree_type *all, struct span *name, struct span *value,
                         struct writer *out);

#endif
