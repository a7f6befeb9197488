/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SURROGATE_TREE_H
#define CONTROL_MAIL_MAIL_SURROGATE_TREE_H

#include "proto/mime/mime_tree.h"

/* Where in a message's surrogate its octets are (mail_surrogate.h), and the part tree that follows
 * from that. Without the prefix. */

struct mail_place {
    uint64_t at, len;     /* in the surrogate */
    uint64_t was_at, was; /* the octets of the message that it stands for, and how many */
    uint64_t from;        /* where it lies: in the text, else in the message */
    int64_t lines;        /* more of them than there were */
    bool text;            /* a header that was written anew */
};

/* In the order of the message, which they are all of. */
struct mail_places {
    struct mail_place *list;
    uint32_t count, cap;
    uint64_t size; /* of the surrogate */
};

/* The piece that has this octet of the surrogate; NULL: it ends before. */
const struct mail_place *mail_places_find(const struct mail_places *p, uint64_t at);

/*
 * The tree of the surrogate of a message with this tree: offsets and lines as they are there, and
 * attributes without bytes above 127, downgraded as the headers are (proto/pop3/pop3_downgrade.h).
 * Of what is no tree nothing is written, of a broken one the parts up to there. False: `out` is too
 * small, or there is no memory.
 */
bool mail_surrogate_tree(struct span tree, const struct mail_places *places, struct writer *out);

#endif
