/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SPF_SPF_MACRO_H
#define PROTO_SPF_SPF_MACRO_H

#include "proto/base/ip_address.h"
#include "proto/base/writer.h"

/* Macro strings (RFC 7208 section 7): whether they are well-formed, and what they become. */

enum {
    SPF_VALUE_MAX = 600,   /* longest value that a macro stands for, before its escaping */
    SPF_EXPANDED_MAX = 253 /* longest expanded domain (section 7.3) */
};

enum spf_macro_place {
    SPF_MACRO_DOMAIN,   /* a domain-spec */
    SPF_MACRO_MODIFIER, /* the value of an unknown modifier */
    SPF_MACRO_TEXT,     /* an explanation: blanks, and the letters c, r and t too */
};

enum spf_macro_status { SPF_MACRO_GOOD, SPF_MACRO_BAD_CHARACTER, SPF_MACRO_BAD_MACRO };

/* What the letters stand for; "s" is made of `local` and `origin`. Each is at most 255 bytes. */
struct spf_macro_values {
    struct span local;     /* l */
    struct span origin;    /* o: domain of the sender */
    struct span domain;    /* d */
    struct span validated; /* p: "unknown" when there is none */
    struct span helo;      /* h */
    struct span receiver;  /* r */
    struct ip_address ip;  /* i, c, v */
    uint64_t now;          /* t: seconds since 1970 */
};

enum spf_macro_status spf_macro_check(struct span text, enum spf_macro_place place);
/* True when the domain-spec (checked as a macro string) ends as the grammar says: in a macro, or in
 * a dot and a label that is not all digits. */
bool spf_macro_ends(struct span text);
/* True when one of the macros has the letter, a small one, in either case. */
bool spf_macro_has(struct span text, uint8_t letter);
/*
 * Writes what the text, which was checked for its place, becomes: an explanation. False: it does
 * not fit.
 */
bool spf_macro_text(struct span text, const struct spf_macro_values *values, struct writer *w);
/*
 * The domain that a checked domain-spec becomes, without a last dot: at most SPF_EXPANDED_MAX
 * bytes; of a longer one labels are dropped from the left (section 7.3). It may be no name that
 * DNS has, or empty.
 */
void spf_macro_domain(struct span text, const struct spf_macro_values *values, struct writer *w);

#endif
