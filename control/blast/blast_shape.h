/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_SHAPE_H
#define CONTROL_BLAST_BLAST_SHAPE_H

#include "control/blast/blast_language.h"

/* Messages in the shapes of MIME (RFC 2045, RFC 2046), made from a seed; 7 bits on the wire. */
enum blast_shape {
    BLAST_SHAPE_plain,       /* text/plain */
    BLAST_SHAPE_alternative, /* and the same as HTML */
    BLAST_SHAPE_mixed,       /* a text and an attachment */
    BLAST_SHAPE_related,     /* HTML with an image in it */
    BLAST_SHAPE_nested,  /* mixed: an alternative, whose HTML has an image, and two attachments */
    BLAST_SHAPE_forward, /* mixed: a text and a message/rfc822 */
    BLAST_SHAPES,
};

/* By the shares that docs/blast.md states. */
enum blast_shape blast_shape_choose(struct chance *chance);
struct blast_shape_options {
    enum blast_shape shape;
    struct blast_writing writing;
    const char *from, *to;
};
/* A whole message of about `size` bytes, not more where `size` allows for the shape. `w` has room
 * for 8 KiB more than that. */
void blast_shape_put(struct writer *w, struct chance *chance, const struct blast_shape_options *o,
                     size_t size);

#endif
