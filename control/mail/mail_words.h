/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_WORDS_H
#define CONTROL_MAIL_MAIL_WORDS_H

#include "proto/base/cursor.h"

/*
 * Sets of keywords, each kept once: mailboxes have many messages and few different sets. A set is
 * the octets it has in the store; two orders of the same words are two sets. Nothing is removed.
 */
struct mail_words;

struct mail_words *mail_words_new(void);
void mail_words_free(struct mail_words *w);
/* 0 for none; UINT32_MAX: no memory, or more than 64 MiB of them. */
uint32_t mail_words_put(struct mail_words *w, struct span set);
/* Valid until the next mail_words_put(). */
struct span mail_words_get(const struct mail_words *w, uint32_t index);
uint32_t mail_words_count(const struct mail_words *w); /* indexes are below it */

/* The words of a set, one after the other; false: there are no more. */
static inline bool mail_words_next(struct cursor *set, struct span *word_out)
{
    return cursor_left(set) && (*word_out = cursor_blob(set)).len;
}
/* Whether a word is in a set, in any case. */
bool mail_words_has(struct span set, struct span word);

#endif
