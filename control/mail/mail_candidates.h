/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_CANDIDATES_H
#define CONTROL_MAIL_MAIL_CANDIDATES_H

#include "control/mail/mail_grep.h"
#include "control/mail/mail_session.h"
#include "proto/imap/imap_search.h"

/* What the index says of the texts that a search program looks for. */
struct mail_candidates {
    struct mail_index_query *query; /* NULL: the index was not asked */
    struct mail_grep *texts;        /* those of the program, in their order */
};

/* The text that a node looks for; its needle is made. */
struct mail_grep mail_candidates_text(const struct imap_search_node *node,
                                      const struct mail_needle *needle);
/* Asks the index, if there is one and the program has texts: then run->asked is set, and the
 * command goes on when it is not any more. `needles` by node. */
void mail_candidates_ask(struct mail_candidates *c, struct imap_session *s, struct mail_run *r,
                         const struct imap_search *program, const struct mail_needle *needles);
/* UNKNOWN: the message has to be read. */
enum imap_search_result mail_candidates_has(const struct mail_candidates *c, uint32_t uid,
                                            const struct mail_needle *needle);
void mail_candidates_fini(struct mail_candidates *c);

#endif
