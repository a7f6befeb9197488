/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_TELL_H
#define CONTROL_MAIL_MAIL_TELL_H

#include "control/mail/mail_match.h"
#include "proto/imap/imap_esearch.h"

/*
 * What SEARCH and SORT say of what they found: "* SEARCH 2 3" (RFC 9051 section 7.3.4, RFC 5256
 * section 4), or with RETURN ESEARCH (RFC 4731, RFC 5267 section 3); some numbers at a time. All
 * zero before the first.
 */
struct mail_tell {
    struct imap_set_writer set;
    uint32_t told;
    uint64_t modseq; /* the highest of what is told; 0: it was not asked for */
    bool begun;
    bool lists; /* numbers are told one by one, or as a set */
};

/*
 * The next piece: MAIL_STEP_AGAIN, in the end OVER with OK. `found`, in the order in which it is to
 * be told, stays until then; `name`: "SEARCH" or "SORT". RETURN (SAVE) alone says nothing.
 */
enum mail_step mail_tell_step(struct mail_tell *t, struct mail_run *r,
                              const struct mail_match *match, const char *name,
                              const struct mail_found *found);

#endif
