/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ARC_ARC_CHAIN_H
#define PROTO_ARC_ARC_CHAIN_H

#include "proto/dkim/dkim_check.h"

/* Chains of ARC (RFC 8617): who handled a message, and what each found out. */

enum arc_result {
#define ROW(name, word) ARC_RESULT_##name,
#include "proto/arc/arc_result.def"
#undef ROW
    ARC_RESULTS
};

enum arc_reason {
#define ROW(name, result, word, what) ARC_##name,
#include "proto/arc/arc_reason.def"
#undef ROW
    ARC_REASONS
};

enum {
    ARC_SETS_MAX = 50,                 /* section 4.2.1 */
    ARC_CHECKS_MAX = ARC_SETS_MAX + 1, /* a seal each, and the last signature */
};

/* Fields of a header, or DKIM_FIELD_NONE. */
struct arc_set {
    uint16_t results; /* ARC-Authentication-Results */
    uint16_t message; /* ARC-Message-Signature */
    uint16_t seal;    /* ARC-Seal */
};

/*
 * A chain being validated (section 5.2), without I/O. Keys are asked for by the checks, whose
 * questions are set; those that are decided need none.
 */
struct arc_chain {
    const struct dkim_header *header;
    struct dkim_settings settings;
    uint8_t reason; /* enum arc_reason, once it is decided */
    bool decided;
    uint32_t count;  /* sets; 0: there is no chain, or none that is whole */
    uint32_t found;  /* the highest number of a set */
    uint32_t blamed; /* the set that the reason is about; 0: none */
    struct arc_set sets[ARC_SETS_MAX];
    uint32_t check_count;                     /* 0, or count + 1 */
    struct dkim_check checks[ARC_CHECKS_MAX]; /* the seals in order, then the last signature */
};

/* Finds and reads the sets of a header; borrows it until the chain is done with. What can be said
 * without keys is said. */
void arc_chain_init(struct arc_chain *c, const struct dkim_header *header,
                    const struct dkim_settings *settings);
void arc_chain_fini(struct arc_chain *c);
/* Wants the hash of the body for the last signature, before its first byte. */
void arc_chain_want(struct arc_chain *c, struct dkim_body *body);
/* Whether the question of this check is to be asked: none before it asks the same. */
bool arc_chain_asks(const struct arc_chain *c, uint32_t check);
/* The answer to it, for all that ask the same. */
void arc_chain_answer(struct arc_chain *c, uint32_t check, const struct dns_answer *answer);
/* Body and answers are there. */
void arc_chain_judge(struct arc_chain *c, const struct dkim_body *body);
enum arc_result arc_chain_result(const struct arc_chain *c);

/* Hashes what a seal of the set `last` is of (section 5.1.1): the fields of all sets up to it, but
 * for its own seal. */
void arc_chain_digest(struct dkim_digest *d, const struct dkim_header *header,
                      const struct arc_set *sets, uint32_t last);

const char *arc_result_word(enum arc_result result);
const char *arc_reason_word(enum arc_reason reason);
const char *arc_reason_what(enum arc_reason reason);

#endif
