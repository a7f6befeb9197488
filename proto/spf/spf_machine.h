/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SPF_SPF_MACHINE_H
#define PROTO_SPF_SPF_MACHINE_H

#include "proto/spf/spf_check.h"

/* Inside of the check: spf_check.c walks through records, spf_evaluate.c through what a term asks.
 * Used in this folder only. */

enum spf_state {
    SPF_STATE_START,
    SPF_STATE_TERMS,    /* take the next term */
    SPF_STATE_EVALUATE, /* the term's macros can be expanded */
    SPF_STATE_HOSTS,    /* ask for the addresses of the next MX host */
    SPF_STATE_POINTERS, /* find the names of the address */
    SPF_STATE_VALIDATE, /* ask for the addresses of the next of them */
    SPF_STATE_PTR,      /* the names are known: does one match? */
    SPF_STATE_REDIRECT, /* no term matched */
    SPF_STATE_EXPLAIN,  /* ask for the explanation */
    SPF_STATE_EXPAND,   /* expand it */
    SPF_STATE_DONE,
};

enum spf_awaits {
    SPF_AWAITS_NONE,
    SPF_AWAITS_RECORD,
    SPF_AWAITS_ADDRESSES,
    SPF_AWAITS_EXISTS,
    SPF_AWAITS_MX,
    SPF_AWAITS_HOST,
    SPF_AWAITS_POINTERS,
    SPF_AWAITS_POINTER,
    SPF_AWAITS_EXPLANATION,
};

static inline struct spf_frame *spf_machine_top(struct spf_check *c)
{
    return &c->frames[c->depth - 1];
}

static inline struct span spf_machine_domain(const struct spf_frame *f)
{
    return span_of(f->domain, f->domain_len);
}

/* Asks for records of `question.name`, which the caller has set. */
void spf_machine_ask(struct spf_check *c, uint16_t type, enum spf_awaits awaits);
/* Tells a step, with depth and domain filled in. */
void spf_machine_tell(struct spf_check *c, struct spf_step step);
/* The check is over. */
void spf_machine_finish(struct spf_check *c, enum spf_result result, enum spf_reason reason,
                        struct span fault);
/* A question was not answered (sections 4.4 and 5). */
void spf_machine_unanswered(struct spf_check *c, const struct dns_answer *answer);
/* The term matched or did not. */
void spf_machine_match(struct spf_check *c, bool matched);
/* Evaluates the record of `target` within this one. */
void spf_machine_include(struct spf_check *c);
/* Counts a term that asks DNS. False: there were too many, and the check is over. */
bool spf_machine_lookup(struct spf_check *c, struct span term);

/* Expands a domain-spec into `target`. False: names of the address are needed first; the state is
 * set for that, and `behind` for this to be called again. */
bool spf_evaluate_expand(struct spf_check *c, struct span domain, enum spf_state behind);
/* The values of macros in the record of the top frame. `validated` has room for a domain. */
struct spf_macro_values spf_evaluate_values(struct spf_check *c, struct writer *validated);
/* False when names of the address are needed first, as above. */
bool spf_evaluate_named(struct spf_check *c, struct span text, enum spf_state behind);
/* The states from SPF_STATE_EVALUATE to SPF_STATE_PTR. */
void spf_evaluate_next(struct spf_check *c);
/* The answers from SPF_AWAITS_ADDRESSES to SPF_AWAITS_POINTER. */
void spf_evaluate_answer(struct spf_check *c, enum spf_awaits awaits,
                         const struct dns_answer *answer);

#endif
