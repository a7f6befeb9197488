/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_WALK_H
#define CONTROL_MAIL_MAIL_WALK_H

#include "control/store/store_mailbox.h"

/*
 * The text of a message as SEARCH looks at it (RFC 9051 section 6.4.4): transfer encoding, encoded
 * words and charsets undone, then folded: letters without case and compatibility forms alike
 * (RFC 5051's i;unicode-casemap, by libunistring). The pieces follow from the message's octets
 * alone, wherever reading cuts them; so what looks at them now (mail_grep.h) and what keeps them
 * for later (mail_index.h) sees the same.
 */
enum mail_piece_kind {
    MAIL_PIECE_FIELD,   /* "Name: value" of a header field, unfolded */
    MAIL_PIECE_ADDRESS, /* of such a field, "<a@b>": without comments, folds and blanks within */
    MAIL_PIECE_TEXT,    /* of a text part, 64 KiB before folding at most: the next one goes on */
};

struct mail_piece {
    uint8_t kind; /* enum mail_piece_kind */
    bool own;     /* FIELD, ADDRESS: of the message's own header, not of a part's */
    bool first;   /* TEXT: a part begins with it */
    size_t value; /* FIELD: where in `text` the value begins */
    struct span name; /* FIELD, ADDRESS: of the field, as it is written */
    struct span text; /* folded; valid during the call */
};

/* What is wanted of it. */
struct mail_walk {
    bool fields; /* the message's own */
    bool texts;  /* of parts, and the header fields of parts */
    bool named;  /* of the message's own fields those of `name` alone */
    struct span name;
    /* False ends the walk. */
    bool (*visit)(void *context, const struct mail_piece *piece);
    void *context;
};

/* STORE_OK also when `visit` ended it. Bound on memory: a few hundred KiB. */
enum store_status mail_walk(struct store *store, const struct store_reading *reading,
                            const struct mail_walk *walk);

/* Folded, NULL without memory; free(). */
uint8_t *mail_fold(struct span text, size_t *len_out);

#endif
