/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_SET_H
#define RULES_RULE_SET_H

#include "rules/rule.h"

/*
 * One compiled generation of rules: immutable, shared by all workers, made and freed by control. A
 * rule is known by its index in the array that was compiled, disabled ones included, so counters
 * and hits need no table.
 */
struct rule_set;

/* Nanoseconds that only go up, from anywhere: best of this thread's own, which others do not
 * disturb. */
typedef uint64_t rule_clock(void);

/* What one generation may cost. A set beyond a limit is refused with the name of its most costly
 * pattern. */
struct rule_limits {
    size_t stream_bytes;   /* Hyperscan state of one message with all its streams open */
    size_t database_bytes; /* all compiled databases */
    size_t patterns;
    /*
     * Nanoseconds that a pattern may take for a KiB of a text that is always the same, and wakes
     * slow ones; the quickest of some runs counts. Patterns for mail take some hundreds, those that
     * step through thousands of states at every byte tens of thousands.
     */
    uint64_t scan_ns;
    rule_clock *now; /* NULL: time is not measured */
};

#define RULE_LIMITS_DEFAULT                                                                        \
    ((struct rule_limits){.stream_bytes = 64 << 10,                                                \
                          .database_bytes = 256 << 20,                                             \
                          .patterns = 65536,                                                       \
                          .scan_ns = 10000})

struct rule_set_info {
    size_t rules;
    size_t patterns; /* of enabled rules */
    size_t databases;
    size_t database_bytes;
    size_t stream_bytes;  /* one stream in each streaming scope */
    size_t scratch_bytes; /* one worker's */
};

/*
 * Copies all it needs of `rules`. May block for seconds and allocates: never on a worker. Each
 * fault is a line in `errors` that names file, line, rule and pattern, with Hyperscan's reason.
 * RULE_OK sets *set_out; RULE_REFUSED: the rules are at fault; RULE_BROKEN: memory, with a line in
 * `errors` as well.
 */
enum rule_status rule_set_compile(const struct rule *rules, size_t count,
                                  const struct rule_limits *limits, struct writer *errors,
                                  struct rule_set **set_out);
/* No pool of the set may be left. NULL is fine. */
void rule_set_free(struct rule_set *set);

size_t rule_set_count(const struct rule_set *set);
/* The set's own copy; its file names and pattern texts are not kept. Valid as long as the set. */
const struct rule *rule_set_rule(const struct rule_set *set, size_t index);
enum rule_stage rule_set_stage(const struct rule_set *set, size_t index);
/* True when a scope has patterns; where it has none the caller may spare the decoding. */
bool rule_set_uses(const struct rule_set *set, enum rule_scope scope);
struct rule_set_info rule_set_info(const struct rule_set *set);

/* What is to be counted for a message whose rules say `repeats`: how many messages had its value of
 * `what` within the time. */
struct rule_set_counter {
    uint32_t within_ms;
    uint8_t what; /* enum rule_counter */
};

enum { RULE_SET_COUNTERS_MAX = 64 }; /* each costs every message a cache line */

size_t rule_set_counters(const struct rule_set *set);
const struct rule_set_counter *rule_set_counter(const struct rule_set *set, size_t index);
/* True when a rule asks for the number, or counts what; where none does the caller may spare
 * finding out. */
bool rule_set_wants(const struct rule_set *set, enum rule_number number);
bool rule_set_counts(const struct rule_set *set, enum rule_counter what);

/* What a scope costs, and how many of its patterns a rule has: Hyperscan knows the cost of a whole
 * database only, so a rule's is its share of the patterns. */
struct rule_set_cost {
    size_t patterns;
    size_t stream_bytes;
    size_t database_bytes;
};
struct rule_set_cost rule_set_cost(const struct rule_set *set, enum rule_scope scope);
size_t rule_set_patterns(const struct rule_set *set, size_t rule, enum rule_scope scope);

/* True when a rule that is enabled and not in shadow tags subjects. */
bool rule_set_tags_subject(const struct rule_set *set);
/* True when a rule that is enabled adds header fields of this name, in any case. */
bool rule_set_tags_field(const struct rule_set *set, struct span name);

/* Recipients' domains and tenants, as far as rules name them. _OTHER: no rule names it. */
enum { RULE_DOMAIN_OTHER = 0, RULE_TENANT_OTHER = 0 };
/* `domain` in any spelling; at most 253 bytes count. */
uint32_t rule_set_domain(const struct rule_set *set, struct span domain);
uint32_t rule_set_tenant(const struct rule_set *set, struct span tenant);

/*
 * Saving and loading. The key names what was compiled: all patterns with their scopes and flags,
 * Hyperscan's version and the CPU's features. Scores, actions and texts are not part of it, they
 * come with the rules at loading. The key is a name to find a saved set by; a saved set carries the
 * whole description of what it was compiled from and is compared with it, so two sets with one key
 * do no harm.
 */
uint64_t rule_set_key(const struct rule *rules, size_t count);

/* Takes the next bytes of a saved set; false stops saving. */
typedef bool rule_set_sink(void *context, struct span bytes);

/* RULE_BROKEN when memory is out or the sink refused. Allocates. */
enum rule_status rule_set_save(const struct rule_set *set, rule_set_sink *sink, void *context);
/*
 * Like rule_set_compile() with the databases of `saved`, which is not needed afterwards. RULE_STALE
 * when the bytes are not of these rules, this Hyperscan and this CPU, or are damaged: the caller
 * compiles. Databases are code to Hyperscan: checksums find damage, not malice, so they must come
 * from a place only we can write to.
 */
enum rule_status rule_set_load(const struct rule *rules, size_t count,
                               const struct rule_limits *limits, struct span saved,
                               struct writer *errors, struct rule_set **set_out);

#endif
