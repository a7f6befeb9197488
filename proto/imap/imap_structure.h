/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_STRUCTURE_H
#define PROTO_IMAP_IMAP_STRUCTURE_H

#include "proto/base/writer.h"

/*
 * BODY and BODYSTRUCTURE (RFC 9051 section 7.5.2) out of a stored part tree
 * (proto/mime/mime_tree.h). Written whole, or the writer gets full: try again with more room, up to
 * IMAP_STRUCTURE_MAX, which is more than any tree that was kept needs. False when the tree is none.
 * One pass over the tree, 20 KiB of stack.
 */
enum { IMAP_STRUCTURE_MAX = 4 << 20 };

bool imap_structure_put(struct writer *w, struct span tree, bool extended, bool utf8);

#endif
