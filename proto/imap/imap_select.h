/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SELECT_H
#define PROTO_IMAP_IMAP_SELECT_H

#include "proto/imap/imap_set.h"

/* What a SELECT or EXAMINE says behind the mailbox's name (RFC 4466 section 2.1, RFC 7162). */
struct imap_select {
    bool condstore; /* RFC 7162 section 3.1.8 */
    bool qresync;   /* section 3.2.5: all below is what the client knows */
    bool known;     /* `uids` were given */
    bool matched;   /* `match_numbers`, `match_uids` were: of as many members */
    uint32_t uid_validity;
    uint64_t modseq; /* 1 at least */
    struct imap_set uids;
    struct imap_set match_numbers, match_uids; /* the first number had the first UID, and so on */
};

/*
 * [SP "(" select-param *(SP select-param) ")"]
 *
 *   select-param = "CONDSTORE" /
 *                  "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
 *                  [SP seq-match-data] ")"
 *   seq-match-data = "(" known-sequence-set SP known-uid-set ")"
 *
 * To the end. The sets are resolved, and lie in `ranges`; half as many ranges as there are octets
 * in the arguments are always enough. False and bad when it is none, names something else, has "*"
 * or "$" in a set, or sets to be matched differ in size.
 */
bool imap_select_parse(struct imap_cursor *c, struct imap_range *ranges, uint32_t cap,
                       struct imap_select *select_out);

/*
 * The members of `match_numbers` and `match_uids`, pair by pair: before the first call *at is {0}.
 * False: there are no more. Bound: constant.
 */
struct imap_select_pair {
    uint32_t number, uid;
    uint32_t number_range, uid_range; /* of the sets */
};
bool imap_select_pair(const struct imap_select *s, struct imap_select_pair *at);

#endif
