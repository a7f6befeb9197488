/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_TEXT_H
#define CONTROL_BLAST_BLAST_TEXT_H

#include "control/blast/blast_messages.h"

/* Lists of prepared messages. */

/* An empty one, with room for so many. NULL: no memory. */
struct blast_messages *blast_text_list(uint32_t room);
/*
 * Adds a message, which ends in CRLF and has no other line ends: as it is, and as it travels.
 * False: no memory, or more than BLAST_MESSAGES_MEMORY.
 */
bool blast_text_add(struct blast_messages *messages, struct span raw);

#endif
