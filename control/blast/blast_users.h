/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_USERS_H
#define CONTROL_BLAST_BLAST_USERS_H

#include "proto/base/span.h"

/*
 * Recipients from words, as struct blast_order has them: each word is an address, in which "{A-B}"
 * stands for the numbers A to B, a recipient each. The first `again` stand at the end once more.
 * NULL: a word that is no address, a million of them, or no memory.
 */
struct span *blast_users_make(const char *const *words, uint32_t count, uint32_t again,
                              uint32_t *count_out);
/* Of each of them whether its word began with "!": the server is to refuse it. NULL: none did. On
 * the heap; false: no memory. */
bool blast_users_rejected(const char *const *words, uint32_t count, uint32_t again,
                          bool **rejected_out);
void blast_users_free(struct span *users, uint32_t count);
/* Whether it may stand in a command: printable ASCII without blanks and angle brackets, 1 to `most`
 * bytes. */
bool blast_users_is_word(const char *text, size_t most);

#endif
