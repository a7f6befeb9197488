/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_SET_H
#define PROTO_DKIM_DKIM_SET_H

#include "proto/dkim/dkim_check.h"

/* All signatures of a message. */

enum { DKIM_CHECKS_MAX = 20 };

struct dkim_set {
    struct dkim_settings settings;
    const struct dkim_header *header;
    uint32_t found; /* signatures in the header; those behind `count` are DKIM_MANY */
    uint32_t count;
    uint8_t asks[DKIM_CHECKS_MAX]; /* the first check that asks the same question: its own number,
                                      or that of one before it */
    struct dkim_check checks[DKIM_CHECKS_MAX]; /* from the top down */
};

/*
 * Finds and reads the signatures of a header. Borrows it until the set is done with. Keys are to be
 * asked for where dkim_set_asks() says so.
 */
void dkim_set_init(struct dkim_set *s, const struct dkim_header *header,
                   const struct dkim_settings *settings);
void dkim_set_fini(struct dkim_set *s);
/* Wants the hashes of the body, before its first byte. */
void dkim_set_want(struct dkim_set *s, struct dkim_body *body);
/* Whether the question of this check is to be asked: it is not decided, and none before it asks the
 * same. */
bool dkim_set_asks(const struct dkim_set *s, uint32_t check);
/* The answer to it: for all that ask the same. Each may be answered by another thread than the
 * others, once. */
void dkim_set_answer(struct dkim_set *s, uint32_t check, const struct dns_answer *answer);
/* Body and answers are there: all are decided. What was not answered is DKIM_TIME. */
void dkim_set_judge(struct dkim_set *s, const struct dkim_body *body);
/*
 * The result of the message: pass when one signature passes, otherwise the one that may still
 * become it (temperror), then fail, policy, permerror, neutral; none without signatures.
 */
enum dkim_result dkim_set_result(const struct dkim_set *s);

#endif
