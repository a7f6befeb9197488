/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_PART_H
#define CONTROL_MAIL_MAIL_PART_H

#include "control/mail/mail_decode.h"
#include "proto/imap/imap_extent.h"
#include "proto/imap/imap_fetch.h"

/*
 * Parts of a stored message, found by the part tree that was made when it came: nothing of it is
 * read again. Offsets are of prefix and body together.
 */
struct mail_part {
    bool found;
    uint64_t at, len; /* in the message */
    uint8_t *text;    /* or `len` octets made here: chosen header fields; NULL: they are the
                         message's */
    /* Of BINARY, and of what may have NUL in it. */
    struct mail_decode *decode; /* what is sent comes out of it; NULL: it is [at, at + len) */
    uint64_t total;             /* octets of it, decoded */
    uint64_t skip;              /* of them, still to be passed over */
    uint8_t phase;              /* mail_binary.c's */
    bool binary;                /* `total`, `nul` are of it */
    bool nul;                   /* there is one in what is sent */
    bool unknown;               /* its transfer encoding is not known */
    bool failed;                /* the store has, or there was no memory */
};

/* What an item of FETCH names. mail_part_free() behind it. */
void mail_part_find(const struct mail_source *source, const struct imap_fetch_item *item,
                    struct mail_part *part_out);
void mail_part_free(struct mail_part *part);
void mail_part_envelope(const struct mail_source *source, bool utf8, struct writer *w);
void mail_part_structure(const struct mail_source *source, bool extended, bool utf8,
                         struct writer *w);

#endif
