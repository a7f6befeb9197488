/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_MATCH_H
#define RULES_RULE_MATCH_H

#include "rules/rule_pool.h"

/*
 * One message's way through a rule set. Bytes go in as they become known, hits accumulate, the
 * verdict may be asked for at every stage. Which rules hit is a function of the bytes alone,
 * however they were split. Nothing is allocated; what has no stream left says so with RULE_FULL.
 */
struct rule_match;

enum { RULE_NONE = -1 };           /* no rule decided */
enum { RULE_LANES = 32 };          /* at most so many streams of a scope at a time */
#define RULE_SCORE_NEVER INT32_MAX /* a threshold that no score reaches */

/* What a recipient's domain and tenant make of the hits: which rules are for it, and from which
 * total score on, in thousandths, something follows. */
struct rule_policy {
    uint32_t domain;       /* rule_set_domain() of the recipient's */
    uint32_t tenant;       /* rule_set_tenant() of whom that domain is */
    int32_t quarantine_at; /* RULE_SCORE_NEVER switches off; at the final dot only */
    int32_t reject_at;
    struct span reject_text; /* the answer when the score rejects; borrowed */
};

struct rule_verdict {
    enum rule_action action;
    int32_t
        rule; /* index of the rule that decided: of the strongest action the lowest; or RULE_NONE */
    bool by_score;    /* the score decided, not a rule */
    int64_t score;    /* thousandths: sum of all hits up to the stage but the shadows */
    struct span text; /* answer of a REJECT or DEFER: the set's or the policy's memory */
};

/* Bytes of memory that a match needs; depends on the number of patterns and rules only (2 bits
 * each). */
size_t rule_match_size(const struct rule_set *set);
/*
 * Begins a match in `memory`, aligned to 8 and of rule_match_size() bytes, which it borrows until
 * rule_match_fini(). Borrows set and pool as long; the pool must have been made for the set.
 */
struct rule_match *rule_match_init(void *memory, const struct rule_set *set,
                                   struct rule_pool *pool);
/* Gives all streams back. To be called for every match, also in the middle of a message. */
void rule_match_fini(struct rule_match *m);

/* One whole value of a scope that is scanned whole. May be called several times (recipients,
 * parts). */
enum rule_status rule_match_value(struct rule_match *m, enum rule_scope scope, struct span value);
/* One header field of the message: its name in any case, and its value, unfolded and decoded. */
enum rule_status rule_match_header(struct rule_match *m, struct span name, struct span value);
/* A number is known; hits of rules that compare it. Several where a message has several, as sizes
 * of attachments. Bound: the comparisons of that number. */
void rule_match_number(struct rule_match *m, enum rule_number number, uint64_t value);
/* So many messages, this one included, had the value of rule_set_counter(set, index) within its
 * time. */
void rule_match_counted(struct rule_match *m, size_t index, uint64_t count);
/*
 * The next bytes of the part at hand in a scope that streams. The first byte takes a stream from
 * the pool and keeps it until rule_match_fini(). RULE_FULL: none left; nothing of the input was
 * scanned.
 */
enum rule_status rule_match_feed(struct rule_match *m, enum rule_scope scope, struct span bytes);
/*
 * Bytes that are fed and closed from now on are those of `lane`, below RULE_LANES: where the same
 * part is read in several ways, each has a stream of its own. A match begins with lane 0.
 */
void rule_match_lane(struct rule_match *m, unsigned lane);
/*
 * Lane `to` has now been fed what `from` was, in all scopes; what it had is dropped without a hit.
 * RULE_FULL: the pool has no stream left for it.
 */
enum rule_status rule_match_copy_lane(struct rule_match *m, unsigned from, unsigned to);
/*
 * The part ends; the next byte begins a new one, and no pattern matches across. To be called at
 * each part's end: patterns with "$" hit here. The hits stay.
 */
enum rule_status rule_match_close(struct rule_match *m, enum rule_scope scope);

/*
 * For a value that may turn out not to count: mark, give the value, ask for the verdict, and go
 * back if it was refused. Used for recipients: a refused one must not speak for the others. Only
 * hits of whole values may lie between the two calls.
 */
void rule_match_mark(struct rule_match *m);
void rule_match_rewind(struct rule_match *m);

/* Rules there are, whether they have hit or not. */
size_t rule_match_rules(const struct rule_match *m);
/* The first rule at `from` or behind that has hit, shadow or not, or the number of rules; one with
 * logic hits once a verdict was asked at its stage. */
size_t rule_match_next(const struct rule_match *m, size_t from);
/*
 * Writes the indexes of the rules that have hit, ascending, at most `cap` of them, and returns how
 * many there are.
 */
size_t rule_match_hits(const struct rule_match *m, uint32_t *hits_out, size_t cap);
/*
 * What follows from the hits of rules that act at `stage` or before. Ask once per policy: the
 * patterns have matched already. `policy` says whom for; NULL: for whoever it may be, so only rules
 * that are for all domains and tenants count, and no threshold. Decides rules with logic that act
 * by `stage`. Where a rule that says accept has hit, stronger actions and the thresholds do not
 * count. Bound: one pass over the logic that is not decided yet and one over the hits.
 */
void rule_match_verdict(struct rule_match *m, enum rule_stage stage,
                        const struct rule_policy *policy, struct rule_verdict *verdict_out);
/* True when the rule is for recipients of the policy's domain and tenant. */
bool rule_match_applies(const struct rule_match *m, size_t rule, const struct rule_policy *policy);

#endif
