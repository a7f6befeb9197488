/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_TEXT_H
#define CONTROL_MAIL_MAIL_INDEX_TEXT_H

#include "control/mail/mail_grep.h"

/*
 * What the index keeps of a message: the pieces of mail_walk(), one after the other. Looking
 * through it finds what mail_grep() finds in the message.
 *
 * text  = *(flags(1) head(4) name text) ; name and text are blobs: 32-bit length, octets
 * flags = bit 0: of the message's own header; bit 1: a header field, whose value begins at `head`
 */
struct mail_index_text {
    uint8_t *data; /* free() */
    size_t len, cap;
    size_t texts; /* octets of text in it */
    size_t last;  /* where the length of the last piece stands */
    bool partial; /* there was more than is kept */
};

/* Reads the message; of its text no more than `most` octets are kept. The memory in `text`, which
 * begins as {0}, is used again. */
enum store_status mail_index_text_read(struct mail_index_text *text, struct store *store,
                                       const struct store_reading *reading, size_t most);

/* False: it is damaged. */
bool mail_index_text_find(struct span text, const struct mail_grep *what, bool *found_out);

/* All of its text in one, for the table of trigrams: into `out`, which has room for `text.len`
 * octets, without zeros. False: it is damaged. */
bool mail_index_text_join(struct span text, struct writer *out);

/*
 * The trigrams (three characters of UTF-8) that a message must have for `what` to be found in it,
 * as an expression of FTS5: "abc" AND "bcd" ..., NUL at the end. Those of what is looked for, as
 * many as fit; where that is shorter, those of the field's name. False: there are none, and every
 * message has to be looked through.
 */
enum { MAIL_INDEX_QUERY = 1024 };
bool mail_index_text_query(const struct mail_grep *what, char query_out[MAIL_INDEX_QUERY]);

#endif
