/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_JUDGE_H
#define PROTO_ADDRESS_ADDRESS_JUDGE_H

#include "proto/address/address.h"

/*
 * What an address is good for, and what is said against it: addr-spec of RFC 5322 section 3.4.1
 * with its obsolete forms and UTF-8 (RFC 6532), measured by the narrower Mailbox of RFC 5321. For
 * those who ask why; the engine's own readers are in address.h.
 */
enum address_grade {
    ADDRESS_GRADE_ENVELOPE, /* may stand in an SMTP envelope */
    ADDRESS_GRADE_HEADER,   /* in a header field only: with comments, blanks, folds */
    ADDRESS_GRADE_OBSOLETE, /* in a header field, by forms that must not be written any more */
    ADDRESS_GRADE_BROAD,    /* of RFC 5322's grammar, but nobody can be reached by it */
    ADDRESS_GRADE_INVALID,
};

enum address_reason {
#define REASON(NAME, name, GRADE, what) ADDRESS_REASON_##NAME,
#include "proto/address/address_reason.def"
#undef REASON
    ADDRESS_REASONS
};

struct address_judgement {
    enum address_grade grade;
    enum address_reason reason; /* the worst that was met */
    size_t offset;              /* where: bytes into the text */
};

/*
 * Judges `text` as one address. ENVELOPE exactly when address_mailbox() reads it with UTF-8
 * allowed, but for literals of a tag that is not registered, which that one lets pass as grammar
 * does. One pass.
 */
void address_judge(struct span text, struct address_judgement *judgement_out);

/* "envelope"; "old_fold"; a sentence with the section that decides. */
const char *address_grade_name(enum address_grade grade);
const char *address_reason_name(enum address_reason reason);
const char *address_reason_what(enum address_reason reason);

#endif
