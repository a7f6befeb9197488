/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_CHECK_H
#define PROTO_DKIM_DKIM_CHECK_H

#include "proto/dkim/dkim_digest.h"
#include "proto/dkim/dkim_key.h"
#include "proto/dns/dns_answer.h"

/*
 * One signature being verified (RFC 6376 section 6.1), without I/O: it says whose key it wants, and
 * which hash of the body; once both are there it is judged. What can be said without them is said
 * at once.
 */

enum {
    DKIM_RECORDS_MAX = 8,         /* records of an answer that are read */
    DKIM_RECORD_TEXT_MAX = 16384, /* bytes of a record */
};

/* The same for all signatures of a message. */
struct dkim_settings {
    uint64_t now;        /* seconds since 1970 */
    uint32_t bits_least; /* of RSA keys; DKIM_RSA_BITS_LEAST */
    uint32_t most;       /* signatures that are looked at; at most DKIM_CHECKS_MAX */
    bool legacy;         /* what RFC 8301 retired, and what drafts and RFC 4871 had, counts too */
};

struct dkim_check {
    struct dkim_signature signature;
    struct dns_question question; /* for the key; no name when it is decided without */
    const struct dkim_key *key;   /* NULL: none yet, or there is none */
    uint32_t notes;               /* bits of enum dkim_note */
    int want;                     /* of the body, or -1 */
    uint16_t field;               /* of the header */
    uint8_t reason;               /* enum dkim_reason, once it is decided */
    bool decided;
    bool secure;             /* DNSSEC proved the key */
    uint8_t outcome;         /* enum dns_outcome of the answer; DNS_OUTCOMES: none yet */
    struct dkim_key own_key; /* what `key` may point to */
};

/* Reads the signature in a field. Borrows the header until the check is done with. */
void dkim_check_init(struct dkim_check *c, const struct dkim_header *header, uint16_t field,
                     enum dkim_kind kind, const struct dkim_settings *settings);
void dkim_check_fini(struct dkim_check *c);
/* Wants its hash of the body; nothing when it is decided already. */
void dkim_check_want(struct dkim_check *c, struct dkim_body *body);
/* Takes the answer to `question`; borrows it for the call. */
void dkim_check_answer(struct dkim_check *c, const struct dns_answer *answer,
                       const struct dkim_settings *settings);
/* Takes a key that somebody keeps, and that outlives the check. */
void dkim_check_take_key(struct dkim_check *c, const struct dkim_key *key,
                         const struct dkim_settings *settings);
/* No answer came in time. */
void dkim_check_expire(struct dkim_check *c);
/* Decides, when the body has ended and the key is there. */
void dkim_check_judge(struct dkim_check *c, const struct dkim_header *header,
                      const struct dkim_body *body);
/* What is left to do for it when it has hashed what it signs: of ARC's seals. */
void dkim_check_verify(struct dkim_check *c, struct span digest);

static inline enum dkim_result dkim_check_result(const struct dkim_check *c)
{
    return dkim_reason_result((enum dkim_reason)c->reason);
}

#endif
