/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SPF_SPF_TERM_H
#define PROTO_SPF_SPF_TERM_H

#include "proto/base/ip_address.h"
#include "proto/spf/spf_macro.h"

/* The grammar of a record's terms (RFC 7208 sections 4.6.1, 5, 6 and 12). */

enum spf_reason {
#define ROW(name, word, what) SPF_##name,
#include "proto/spf/spf_reason.def"
#undef ROW
    SPF_REASONS
};

enum spf_mechanism {
    SPF_TERM_ALL,
    SPF_TERM_INCLUDE,
    SPF_TERM_A,
    SPF_TERM_MX,
    SPF_TERM_PTR,
    SPF_TERM_IP4,
    SPF_TERM_IP6,
    SPF_TERM_EXISTS,
    SPF_TERM_REDIRECT, /* modifiers, from here on */
    SPF_TERM_EXP,
    SPF_TERM_OTHER,
};

/* Borrows from the record. */
struct spf_term {
    struct span text;          /* all of it */
    struct span domain;        /* domain-spec; empty: none */
    struct ip_address network; /* ip4, ip6 */
    uint8_t mechanism;         /* enum spf_mechanism */
    uint8_t qualifier;         /* '+', '-', '~' or '?' */
    uint8_t bits4, bits6;      /* prefix lengths */
};

/* The next term of a record behind its version; false at the end. Bound: one pass over the record
 * for all terms. */
bool spf_term_next(struct span *record, struct span *term_out);
/* SPF_MATCH: the term is well-formed. Else why not. */
enum spf_reason spf_term_read(struct span text, struct spf_term *term_out);
/* True when the text begins as SPF records do (section 4.5); *terms_out is what stands behind. */
bool spf_term_version(struct span text, struct span *terms_out);

#endif
