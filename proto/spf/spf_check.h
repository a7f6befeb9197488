/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SPF_SPF_CHECK_H
#define PROTO_SPF_SPF_CHECK_H

#include "proto/dns/dns_answer.h"
#include "proto/spf/spf_term.h"

/*
 * check_host() (RFC 7208 section 4) as a machine without I/O: it says what it wants to know of
 * DNS, and is fed the answers. It asks one question at a time, at most SPF_QUESTIONS_MAX in all,
 * and takes no memory but its own.
 */

enum spf_result {
#define ROW(name, word) SPF_RESULT_##name,
#include "proto/spf/spf_result.def"
#undef ROW
    SPF_RESULTS
};

enum spf_step_kind {
#define ROW(name, word) SPF_STEP_##name,
#include "proto/spf/spf_step.def"
#undef ROW
    SPF_STEPS
};

enum {
    SPF_LOOKUPS_MAX = 10, /* terms that ask DNS (section 4.6.4) */
    SPF_HOSTS_MAX = 10,   /* MX and PTR records of a term (section 4.6.4) */
    SPF_VOIDS_DEFAULT = 2,
    SPF_IDENTITY_MAX = 255,    /* bytes of HELO, of a local part, of a domain */
    SPF_TEXT_MAX = 16384,      /* bytes of all records of a chain of includes */
    SPF_EXPLANATION_MAX = 500, /* what fits into a reply (RFC 5321 section 4.5.3.1.5) */
    /* Each of ten terms asks for hosts and for each of ten of them, the macro p does so once, and
     * so on: the record and the explanation. */
    SPF_QUESTIONS_MAX = (SPF_LOOKUPS_MAX + 1) * (1 + SPF_HOSTS_MAX) + 2,
};

/* Borrowed until the check is done. A HELO identity is checked with `local` "postmaster" and the
 * HELO domain as `domain` (section 2.3); so is a null reverse path (section 2.4). Domains are
 * A-labels. */
struct spf_query {
    struct ip_address ip;
    struct span helo;     /* for macros */
    struct span local;    /* of the sender; empty: "postmaster" (section 4.3) */
    struct span domain;   /* of the sender, whose record is asked for */
    struct span receiver; /* who checks; empty: "unknown" */
    uint64_t now;         /* seconds since 1970, for explanations */
    uint32_t voids_max;   /* terms that may ask for what is not there; SPF_VOIDS_DEFAULT */
};

struct spf_check;

/* Valid while it is told. */
struct spf_step {
    enum spf_step_kind kind;
    unsigned depth;                      /* includes around it */
    struct span domain;                  /* whose record it is about */
    struct span text;                    /* the record, the term, the new domain, the explanation */
    bool matched;                        /* TERM */
    enum spf_result result;              /* INCLUDED */
    const struct dns_question *question; /* QUESTION */
    const struct dns_answer *answer;     /* QUESTION */
};

typedef void spf_tell(void *context, const struct spf_step *step);

/* One record that is evaluated. */
struct spf_frame {
    uint8_t domain[SPF_EXPANDED_MAX];
    uint8_t domain_len;
    struct span text;          /* the record, in spf_check.text */
    struct span rest;          /* terms that were not evaluated yet */
    struct span redirect, exp; /* their domain-specs; empty: none */
    struct spf_term term;      /* the one that is evaluated */
    bool redirected;           /* the domain is not the one that was asked for first */
};

struct spf_host {
    struct dns_name name;
    bool valid; /* PTR: the name leads back to the address */
};

struct spf_check {
    struct spf_query query;
    spf_tell *tell;
    void *context;

    /* What came out, once spf_check_next() said so. */
    enum spf_result result;
    enum spf_reason reason;
    struct span fault; /* the term that is to blame, or that matched; empty: none */
    struct writer explanation;
    uint32_t lookups, voids, questions;

    struct dns_question question; /* to be asked, when spf_check_next() said so */

    /* Of the machine. */
    uint8_t state;       /* enum spf_state */
    uint8_t awaits;      /* enum spf_awaits: which answer */
    uint8_t behind;      /* state to go on with once the PTR names are known */
    bool pointers_known; /* pointer_list is the answer, and validated */
    bool pointers_void;
    bool explaining; /* the result is there, but for the explanation */
    uint8_t depth;   /* frames in use */
    uint8_t host, hosts, pointers;
    struct span explained; /* text of the explanation before its expansion, in `text` */
    size_t text_len;
    struct writer target; /* the expanded domain of the term */
    /* What follows is not cleared. */
    uint8_t target_bytes[SPF_EXPANDED_MAX];
    uint8_t fault_bytes[512];
    uint8_t explanation_bytes[SPF_EXPLANATION_MAX];
    struct spf_frame frames[SPF_LOOKUPS_MAX + 1];
    struct spf_host host_list[SPF_HOSTS_MAX];
    struct spf_host pointer_list[SPF_HOSTS_MAX];
    uint8_t text[SPF_TEXT_MAX];
};

enum spf_status { SPF_ASK, SPF_DONE };

/* `tell` may be NULL. */
void spf_check_init(struct spf_check *c, const struct spf_query *query, spf_tell *tell,
                    void *context);
/* Goes on as far as it can. SPF_ASK: `question` is to be asked, its answer handed to
 * spf_check_answer(), and this called again. SPF_DONE: the result is there, and stays. */
enum spf_status spf_check_next(struct spf_check *c);
/* Takes the answer to `question`; borrows it for the call. */
void spf_check_answer(struct spf_check *c, const struct dns_answer *answer);
/* The time for the check is over (section 4.6.4, at least 20 seconds): temperror. */
void spf_check_expire(struct spf_check *c);

const char *spf_result_word(enum spf_result result);
const char *spf_reason_word(enum spf_reason reason);
const char *spf_reason_what(enum spf_reason reason);
const char *spf_step_word(enum spf_step_kind kind);

#endif
